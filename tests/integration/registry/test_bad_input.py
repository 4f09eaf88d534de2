"""Bad input, case by case (R-D3's neighbour, DESIGN §4): what a secretary reads, and that the rest is in.

Each case is a list with one thing wrong in it. The report names the file and the line, says in Russian what
to do, and the two good pupils of the same file, one before and one after, are there afterwards.
"""

import io
import random
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console
from support.lists import BASE, TODAY, Registry, reasons

from ingest import roster
from onebox.lists import show_report
from shared.import_report import Report
from shared.list_folder import Folder

HEADER = "school,pupil,class,family_name,given_name,patronymic,birth_date"
FIRST = "ilinskaya,p-1,5А,Соколов,Иван,Петрович,2015-03-04"
LAST = "ilinskaya,p-2,1Б,Соколова,Анна,,2019-03-04"
Content = str | bytes


@dataclass(frozen=True)
class Line:
    """A line among good ones. `says`: words of its refusal; None when it is taken."""

    name: str
    line: str
    says: str | None
    family: str | None = None

    def __str__(self) -> str:
        return self.name


LINES = [
    Line("a quote never closed", 'ilinskaya,p-9,5А,"Орлов,Пётр,,', "каждая кавычка закрыта"),
    Line("a quote within a cell", 'ilinskaya,p-9,5А,"Орлов"а,Пётр,,', "каждая кавычка закрыта"),
    Line("a value too many", "ilinskaya,p-9,5А,Орлов,Пётр,,,лишнее", "больше значений"),
    Line("another delimiter", "ilinskaya;p-9;5А;Орлов;Пётр;;", "не знаком «,»"),
    Line("a row cut short", "ilinskaya,p-9", "не заполнен столбец class"),
    Line("a NUL", "ilinskaya,p-9,5А,Ор\0лов,Пётр,,", "непечатный знак"),
    Line("an escape sequence", "ilinskaya,p-9,5А,Ор\x1b[31mлов,Пётр,,", "непечатный знак"),
    Line("a key said again, the same", FIRST, "то же самое уже сказано в строке 2"),
    Line("a key said again, otherwise", FIRST.replace("Иван", "Илья"), "сказано иначе в строке 2, взята она"),
    Line("an unknown class", "ilinskaya,p-9,7В,Орлов,Пётр,,", "класса 7В в школе ilinskaya нет"),
    Line("an unknown school", "gogol,p-9,5А,Орлов,Пётр,,", "школы gogol нет"),
    Line("born in the future", "ilinskaya,p-9,5А,Орлов,Пётр,,2062-03-04", "ещё не наступил"),
    Line("born tomorrow", "ilinskaya,p-9,5А,Орлов,Пётр,,24.11.2026", "ещё не наступил"),
    Line("born today", "ilinskaya,p-9,5А,Орлов,Пётр,,23.11.2026", None, "Орлов"),
    Line("an impossible date", "ilinskaya,p-9,5А,Орлов,Пётр,,31.02.2015", "«31.02.2015», а нужна дата"),
    Line("a date without a century", "ilinskaya,p-9,5А,Орлов,Пётр,,31.12.15", "а нужна дата"),
    Line("an American date", "ilinskaya,p-9,5А,Орлов,Пётр,,12/31/2015", "а нужна дата"),
    Line("a date as Excel's number", "ilinskaya,p-9,5А,Орлов,Пётр,,42369", "а нужна дата"),
    Line("no name at all", "ilinskaya,p-9,5А,,,,", "не заполнены ни family_name, ни given_name"),
    Line("a name of invisible signs", "ilinskaya,p-9,5А,\u200b\u2060,\ufeff,,", "не заполнены"),
    Line("zero-width signs in a name", "ilinskaya,p-9,5А,Ор\u200bл\u2060ов\ufeff,Пётр,,", None, "Орлов"),
    Line("bidi signs in a name", "ilinskaya,p-9,5А,\u202eОр\u2066лов\u2069,Пётр,,", None, "Орлов"),
    Line("a letter in two signs", "ilinskaya,p-9,5А,Семе\u0308нов,Пётр,,", None, "Семёнов"),
    Line("palochka", "ilinskaya,p-9,5А,ГӀазимухӀаммадов,Пётр,,", None, "ГӀазимухӀаммадов"),
    Line("I for palochka", "ilinskaya,p-9,5А,ГIазимухIаммадов,Пётр,,", None, "ГIазимухIаммадов"),
    Line("1 for palochka", "ilinskaya,p-9,5А,Г1азимух1аммадов,Пётр,,", None, "Г1азимух1аммадов"),
    Line("Tatar letters", "ilinskaya,p-9,5А,Җиһаншин,Өммегөлсем,Әхмәт кызы,", None, "Җиһаншин"),
    Line("Bashkir letters", "ilinskaya,p-9,5А,Ҡаҙаҡҡолов,Ғәлиә,Фәтих ҡыҙы,", None, "Ҡаҙаҡҡолов"),
    Line("a hyphen", "ilinskaya,p-9,5А,Римский-Корсаков,Пётр,,", None, "Римский-Корсаков"),
    Line("an apostrophe", "ilinskaya,p-9,5А,д'Артаньян,Пётр,,", None, "д'Артаньян"),
    Line("a Roman numeral", "ilinskaya,p-9,5А,Орлов,Пётр II,,", None, "Орлов"),
    Line("оглы", "ilinskaya,p-9,5А,Алиев,Эльчин,Рашид оглы,", None, "Алиев"),
    Line("no patronymic", "ilinskaya,p-9,5А,Ли,Ян,,", None, "Ли"),
    Line("one name only", "ilinskaya,p-9,5А,,Сукарно,,", None, ""),
    Line("all capitals", "ilinskaya,p-9,5А,ОРЛОВ,ПЁТР,,", None, "ОРЛОВ"),
    Line("a formula", "ilinskaya,p-9,5А,=cmd|' /C calc'!A0,Пётр,,", None, "=cmd|' /C calc'!A0"),
    Line("markup", "ilinskaya,p-9,5А,<script>alert(1)</script>,Пётр,,", None, "<script>alert(1)</script>"),
    Line("an id too long", f"ilinskaya,{'x' * 256},5А,Орлов,Пётр,,", "длиннее 255 знаков"),
    Line("a cell of five thousand", f"ilinskaya,p-9,5А,{'я' * 5000},Пётр,,", "family_name длиннее 4096"),
    Line("a cell of ten megabytes", f"ilinskaya,p-9,5А,{'я' * 5_000_000},Пётр,,", "строка длиннее 65536"),
]


async def test_each_bad_line_alone(registry: Registry) -> None:
    """§4: refused by file and line and reason in Russian, or taken as it is; those around it are in."""
    lines, expected, families = [HEADER, FIRST, LAST], [], {"p-1": "Соколов", "p-2": "Соколова"}
    for number, case in enumerate(LINES):
        lines.append(case.line.replace("p-9", f"bad-{number}"))
        if case.says is not None:
            expected.append((len(lines), case))
        else:
            families[f"bad-{number}"] = case.family or ""
        lines.append(f"ilinskaya,good-{number},5А,Добров,Ян,,")
        families[f"good-{number}"] = "Добров"
    report = await registry.load({**BASE, "pupils.csv": "\n".join(lines)})
    told = [refusal for refusal in report.refusals if refusal.file == "pupils.csv"]
    assert [refusal.line for refusal in told] == [line for line, _ in expected]
    for refusal, (_, case) in zip(told, expected, strict=True):
        assert case.says is not None
        assert case.says in refusal.reason, case
        assert len(refusal.reason) <= 300
        assert refusal.reason.isprintable(), case
    rows = await registry.ingest.fetch("SELECT pupil, family_name FROM roster.pupil")
    assert {row["pupil"]: row["family_name"] for row in rows} == families


async def test_what_was_cleaned_is_said(registry: Registry) -> None:
    """Invisible signs cost nobody a row, and the secretary learns that they were there."""
    rows = [FIRST, LAST, "ilinskaya,p-3,5А,Ор\u200bлов,Ян,,", "ilinskaya,p-4,5А,Зу\u202dев,Ян,,"]
    report = await registry.load({**BASE, "pupils.csv": "\n".join([HEADER, *rows])})
    assert reasons(report) == []
    assert "pupils.csv: убраны невидимые знаки, строк: 2, первая 4" in report.notes


PAPERS = [
    ("consents.csv", "ilinskaya,p-1,g-1,2,2062-09-01,1.3,,", "ещё не наступил"),
    ("consents.csv", "ilinskaya,p-1,g-1,2,2026-09-01,1.3 9.9,,", "неизвестны: 9.9"),
    ("consents.csv", "ilinskaya,p-1,g-1,2,2026-09-01,1.3,2026-08-01,", "раньше подписи"),
    ("consents.csv", "ilinskaya,p-1,g-1,2,2024-09-01,1.3,2025-08-31,", None),
    ("consents.csv", "ilinskaya,p-1,g-1,2,2026-09-01,1.3,,2026-12-31", None),
    ("applications.csv", "ilinskaya,p-1,g-1,8,2026-12-31,paper,", "ещё не наступил"),
    ("contacts.csv", "ilinskaya,g-1,sms,+79001234567,2026-12-31", "ещё не наступил"),
    ("contacts.csv", "ilinskaya,g-1,sms,=HYPERLINK(1),", "не номер телефона"),
]


@pytest.mark.parametrize(("file", "line", "says"), PAPERS)
async def test_dates_and_items_of_papers(
    registry: Registry,
    file: str,
    line: str,
    says: str | None,
) -> None:
    """Signed or confirmed in the future is a slip; expired, or withdrawn from a day to come, is not."""
    report = await registry.load({**BASE, file: f"{BASE[file]}{line}\n"})
    assert len(report.refusals) == (says is not None)
    if says is not None:
        assert says in report.refusals[0].reason
    assert report.files[file].changed == BASE[file].count("\n") - (says is not None)


def zipped() -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return whole.getvalue()


GOOD = f"{HEADER}\n{FIRST}\n{LAST}\n"
NAMED_OTHERWISE = GOOD.replace("class,", "clas,", 1)
FILES: list[tuple[str, Content | Callable[[Path], None], str | None]] = [
    ("empty", "", "файл пуст"),
    ("only line ends", "\r\n\r\n", "файл пуст"),
    ("header only", f"{HEADER}\n", None),
    ("no header", f"{FIRST}\n{LAST}\n", "в заголовке нет столбцов: school, pupil, class"),
    ("a column misspelt", NAMED_OTHERWISE, "нет столбцов: class («clas» — это не class?)"),
    ("a column missing", GOOD.replace("pupil,", "", 1), "нет столбцов: pupil"),
    ("a column twice", GOOD.replace("given_name", "pupil", 1), "столбцы названы дважды: pupil"),
    ("tabs", GOOD.replace(",", "\t"), "в заголовке нет столбцов"),
    ("UTF-16", GOOD.encode("utf-16"), "сохраните его как «CSV UTF-8»"),
    ("UTF-16 without BOM", GOOD.encode("utf-16-le"), "сохраните его как «CSV UTF-8»"),
    ("UTF-8 torn", GOOD.encode() + "ilinskaya,p-3,5А,Жук".encode()[:-1] + b",\n", "файл повреждён"),
    ("Excel named .csv", zipped(), "это книга Excel"),
    ("old Excel named .csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "старого Excel"),
    ("PDF named .csv", b"%PDF-1.7\n", "это PDF"),
    ("a folder", Path.mkdir, "это папка"),
    ("UTF-8 with BOM", GOOD.encode("utf-8-sig"), None),
    ("windows-1251", GOOD.encode("cp1251"), None),
    ("line ends of old Mac", GOOD.replace("\n", "\r").encode(), None),
    ("line ends of Windows", GOOD.replace("\n", "\r\n").encode("cp1251"), None),
    ("line ends mixed", GOOD.replace("\n", "\r", 1).encode(), None),
    ("no line end at the end", GOOD.strip().encode(), None),
    ("one line of 2 megabytes", "x" * 2_000_000, "нет ни одного конца строки"),
]


@pytest.mark.parametrize(("content", "says"), [case[1:] for case in FILES], ids=[case[0] for case in FILES])
async def test_a_file_as_a_whole(
    registry: Registry,
    content: Content | Callable[[Path], None],
    says: str | None,
) -> None:
    """§4: a file of no use is refused at line 1, the others are in; a strange but clear one is read."""
    bare = ("schools.csv", "classes.csv", "guardians.csv", "contacts.csv")
    for name in bare:
        (registry.folder / name).write_text(BASE[name], encoding="utf-8")
    pupils = registry.folder / "pupils.csv"
    if callable(content):
        content(pupils)
    else:
        pupils.write_bytes(content.encode() if isinstance(content, str) else content)
    report = await registry.read(registry.folder)
    assert {name: report.files[name].changed for name in bare} == dict.fromkeys(bare, 1) | {"classes.csv": 2}
    if says is not None:
        assert [(refusal.file, refusal.line) for refusal in report.refusals] == [("pupils.csv", 1)]
        assert says in report.refusals[0].reason
        assert report.files["pupils.csv"].changed == 0
    else:
        assert reasons(report) == []
        rows = await registry.ingest.fetch("SELECT family_name FROM roster.pupil ORDER BY pupil")
        expected = [] if content == f"{HEADER}\n" else ["Соколов", "Соколова"]
        assert [row["family_name"] for row in rows] == expected


BLOCK = 1 << 20
FIFTY = 50
"""Megabytes of one file."""
HUGE = [
    ("no line end", b"", b"x" * BLOCK, 1, "нет ни одного конца строки"),
    ("zeros", b"", bytes(BLOCK), 1, "не в UTF-8 и не в windows-1251"),
    ("noise", b"", random.Random(50).randbytes(BLOCK), 1, "или это не CSV"),
    ("one cell", GOOD.encode(), b"x" * BLOCK, 4, "строка длиннее 65536"),
    ("one quote never closed", GOOD.encode() + b'"', "я".encode() * (BLOCK // 2), 4, "строка длиннее 65536"),
    ("every quote open", GOOD.encode(), (b'"' + b"x" * 65_534 + b"\n") * 16, 4, "каждая кавычка закрыта"),
]


@pytest.mark.parametrize(("start", "block", "line", "says"), [c[1:] for c in HUGE], ids=[c[0] for c in HUGE])
async def test_fifty_megabytes_of_no_list(
    registry: Registry, start: bytes, block: bytes, line: int, says: str
) -> None:
    """R-D3's neighbour: told by file and line; what stands before it is in; the file is never held."""
    (registry.folder / "schools.csv").write_text(BASE["schools.csv"], encoding="utf-8")
    (registry.folder / "classes.csv").write_text(BASE["classes.csv"], encoding="utf-8")
    with (registry.folder / "pupils.csv").open("wb") as file:
        file.write(start)
        for _ in range(FIFTY):
            file.write(block)
    report = Report()
    tracemalloc.start()
    await roster.import_lists(Folder(registry.folder), registry.ingest, report, lambda *_: None, today=TODAY)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    first = report.refusals[0]
    assert (first.file, first.line) == ("pupils.csv", line)
    assert says in first.reason
    assert report.files["pupils.csv"].changed == (2 if start else 0)
    assert peak < 20 << 20


async def test_a_hundred_thousand_bad_lines(registry: Registry, tmp_path: Path) -> None:
    """A person reads the first of each file, how many more there are, and where all of them stand."""
    bad = "".join(f"ilinskaya,n-{n},9Я,Орлов,Ян,,\n" for n in range(100_000))
    full = tmp_path / "refused.txt"
    ties = BASE["guardianships.csv"] + "ilinskaya,n-1,g-1,mother,,\n"
    report = await registry.load({**BASE, "pupils.csv": GOOD + bad, "guardianships.csv": ties}, full=full)
    page = io.StringIO()
    show_report(report, Console(file=page, width=100))
    said = page.getvalue().splitlines()
    assert len(said) < 140
    assert (
        "pupils.csv, строка 4: класса 9Я в школе ilinskaya нет: добавьте его в classes.csv и повторите"
        in said
    )
    assert "pupils.csv: и ещё отказов: 99900" in said
    assert f"Все отказы, по одному в строке: {full}" in said
    assert any(line.startswith("guardianships.csv, строка 4: ученика n-1") for line in said)
    assert said[-1].startswith("Отказано строк: 100001; остальное загружено.")
    with full.open(encoding="utf-8") as file:
        lines = list(file)
    assert len(lines) == 100_001
    assert lines[0].startswith("pupils.csv, строка 4:")
    assert lines[-1].startswith("guardianships.csv, строка 4:")
