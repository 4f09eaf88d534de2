"""The same lists as sheets of an Excel workbook (DESIGN §4)."""

import csv
import io
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from support.lists import BASE, Registry, reasons

Rows = Mapping[str, list[list[Any]]]


def sheets(**changed: list[list[Any]]) -> Rows:
    plain = {
        name.removesuffix(".csv"): [list(row) for row in csv.reader(io.StringIO(text))]
        for name, text in BASE.items()
    }
    return {**plain, **changed}


def book(path: Path, rows: Rows) -> None:
    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    for name, lines in rows.items():
        sheet = made.create_sheet(name.capitalize())
        for line in lines:
            sheet.append(line)
    made.save(path)


async def test_a_workbook_says_what_the_files_say(registry: Registry) -> None:
    """§4: the same columns, sheet for file; what the files loaded, the workbook finds unchanged."""
    await registry.load(BASE)
    before = await registry.everything()
    for file in registry.folder.iterdir():
        file.unlink()
    rows = sheets()
    rows["pupils"][1][6] = datetime(2015, 3, 4)  # noqa: DTZ001 - as Excel holds a date
    book(registry.folder / "Списки.xlsx", rows)
    (registry.folder / "~$Списки.xlsx").write_bytes(b"open in Excel")
    report = await registry.read(registry.folder)
    assert reasons(report) == []
    assert sum(count.read for count in report.files.values()) == sum(
        len(lines) - 1 for lines in rows.values()
    )
    assert await registry.everything() == before
    audit = await registry.ingest.fetch("SELECT details FROM ingest.audit ORDER BY id DESC LIMIT 1")
    assert audit[0]["details"]["Списки.xlsx, лист pupils"] == {"read": 2, "changed": 0}


async def test_what_excel_changed_beyond_recall_is_refused(registry: Registry) -> None:
    """Item 6.10 typed as a number is 6.1, another item: refused, never guessed."""
    rows = sheets()
    sheet = rows["consents"][1]
    rows["consents"] += [
        [*sheet[:3], "21", "2026-09-01", 6.10, "", ""],
        [*sheet[:3], 22.0, "2026-09-01", "6.10", None, None],
        [*sheet[:3], "23", "#REF!", "6.10"],
        [*sheet[:3], "24", "2026-09-01", "6.10", None, None, "лишнее"],
    ]
    book(registry.folder / "lists.xlsx", rows)
    report = await registry.read(registry.folder)
    assert [(one.file, one.line) for one in report.refusals] == [
        ("lists.xlsx, лист consents", line) for line in (3, 5, 6)
    ]
    for refusal, words in zip(report.refusals, ("число 6.1", "#REF!", "больше значений"), strict=True):
        assert words in refusal.reason
    assert (await registry.one("SELECT items FROM consent.sheet WHERE number = '22'"))["items"] == ["6.10"]


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"PK\x03\x04 torn", "повреждена"), (b"", "повреждена"), (None, "лист pupils: такого листа нет")],
    ids=["torn", "empty", "no such sheet"],
)
async def test_a_workbook_of_no_use(registry: Registry, content: bytes | None, says: str) -> None:
    """A broken workbook is told; CSV files beside it are taken, and a sheet that is absent is noted."""
    path = registry.folder / "lists.xlsx"
    if content is None:
        book(path, {"classes": sheets()["classes"]})
    else:
        path.write_bytes(content)
    (registry.folder / "schools.csv").write_text(BASE["schools.csv"], encoding="utf-8")
    report = await registry.read(registry.folder)
    assert report.files["schools.csv"].changed == 1
    assert any(says in line for line in [*reasons(report), *report.notes])
