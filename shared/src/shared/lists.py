"""Reading the school's lists into tables: CSV files row by row, refusals by line (DESIGN §4).

What a cell means is said once per file by a `Table`; here is what all files share: encodings and
delimiters, chunks, and an upsert in which an empty cell leaves what is there.
Rows travel in chunks, so a list of any length is read in bounded memory.
"""

import codecs
import csv
import io
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from shared.cells import INVISIBLE, Cells, Unfit
from shared.db import AnyConnection
from shared.import_report import Count, Refusal, Report

CHUNK = 1000

Progress = Callable[[str, int, int], None]
"""Called after every chunk: the file, rows done, rows in the whole file (an estimate by its size)."""

_DELIMITERS = (",", ";")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the database. `insert` gives a new row's value from the list's row `n`; `update`
    that of an existing row `t`. Without them an empty cell is NULL, or leaves what is there."""

    type: str = "text"
    insert: str = "n.{0}"
    update: str = "coalesce(n.{0}, t.{0})"


@dataclass(frozen=True, slots=True)
class Reference:
    """Rows of another table that must exist: its name, our columns in the order of its `key`
    columns, and the reason when they do not (formatted with the row)."""

    table: str
    ours: tuple[str, ...]
    key: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Table:
    """One file: how a row of it becomes a row of `into` (columns by name, `key` first)."""

    file: str
    into: str
    key: tuple[str, ...]
    columns: Mapping[str, Column]
    required: tuple[str, ...]
    optional: tuple[str, ...]
    row: Callable[[Cells], dict[str, Any]]
    references: tuple[Reference, ...] = ()


@dataclass(slots=True)
class _Rows:
    """A file being read: an iterator of (line, cells) with refusals put aside."""

    table: Table
    report: Report
    aside: list[Refusal] = field(default_factory=list)
    lines: dict[int, int] = field(default_factory=dict)
    """Line by hash of key: 500,000 rows cost tens of megabytes, keys themselves several times that."""

    def refuse(self, line: int, reason: str) -> None:
        self.aside.append(Refusal(self.table.file, line, reason))

    def parse(self, line: int, cells: Cells) -> dict[str, Any] | None:
        try:
            row = self.table.row(cells)
        except Unfit as unfit:
            self.refuse(line, str(unfit))
            return None
        first = self.lines.setdefault(hash(tuple(row[name] for name in self.table.key)), line)
        if first != line:
            self.refuse(line, f"то же самое уже сказано в строке {first}; оставьте одну из двух")
            return None
        return row


async def load(
    connection: AnyConnection, folder: Path, table: Table, report: Report, progress: Progress
) -> set[str]:
    """Read one file of the folder into its table, inside the caller's transaction.

    Returns the schools whose rows were added or changed. A file that is not there is noted.
    """
    path = folder / table.file
    if not path.exists():
        report.notes.append(f"{table.file}: файла нет, эта часть списков не менялась")
        return set()
    count = report.files.setdefault(table.file, Count())
    rows, touched = _Rows(table, report), set[str]()
    size = path.stat().st_size
    with path.open("rb") as file:
        try:
            with io.TextIOWrapper(file, encoding=_encoding(file), newline="") as text:
                chunk: list[tuple[int, dict[str, Any]]] = []
                for line, cells in _read(text, table, report, rows.refuse):
                    count.read += 1
                    if (row := rows.parse(line, cells)) is not None:
                        chunk.append((line, row))
                    if count.read % CHUNK == 0:
                        touched |= await _write(connection, rows, chunk, count)
                        chunk = []
                        expected = count.read * size // max(file.tell(), 1)
                        progress(table.file, count.read, max(count.read, expected))
                touched |= await _write(connection, rows, chunk, count)
        except Unfit as unfit:
            report.refuse([Refusal(table.file, 1, str(unfit))])
    progress(table.file, count.read, count.read)
    return touched


def _read(
    text: io.TextIOWrapper, table: Table, report: Report, refuse: Callable[[int, str], None]
) -> Iterator[tuple[int, Cells]]:
    """The rows of a file by the line each begins at. Raises Unfit when the file itself is no use."""
    header = text.readline()
    delimiter = max(_DELIMITERS, key=lambda mark: len(next(csv.reader([header], delimiter=mark), [])))
    names = [
        INVISIBLE.sub("", name).strip().lower()
        for name in next(csv.reader([header], delimiter=delimiter), [])
    ]
    known = (*table.required, *table.optional)
    if missing := [name for name in table.required if name not in names]:
        raise Unfit(f"в заголовке нет столбцов: {', '.join(missing)}; файл не загружен")
    if twice := sorted({name for name in known if names.count(name) > 1}):
        raise Unfit(f"столбцы названы дважды: {', '.join(twice)}; файл не загружен")
    if absent := [name for name in table.optional if name not in names]:
        report.notes.append(f"{table.file}: нет столбцов {', '.join(absent)}, в базе они не менялись")
    if strange := [name for name in names if name and name not in known]:
        report.notes.append(f"{table.file}: незнакомые столбцы пропущены: {', '.join(strange)}")
    columns = {name: at for at, name in enumerate(names) if name in known}
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 2
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            last = reader.line_num + 1
            through = f"; строки с {line} по {last} не прочитаны" if last > line else ""
            refuse(line, f"строка не читается как CSV: проверьте, что каждая кавычка закрыта{through}")
            continue
        if any(map(str.strip, row)):
            if any(cell.strip() for cell in row[len(names) :]):
                refuse(
                    line,
                    "в строке больше значений, чем столбцов; возьмите в кавычки то, что содержит разделитель",
                )
            else:
                yield line, Cells(columns, row)


def _encoding(file: BinaryIO) -> str:
    """UTF-8 (with BOM or without), else windows-1251. Raises Unfit for what is neither."""
    start = file.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in start:
        raise Unfit("файл не в UTF-8 и не в windows-1251; сохраните его как «CSV UTF-8»")
    file.seek(0)
    broken = cyrillic = 0
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    undefined = False
    while block := file.read(1 << 20):
        decoded = decoder.decode(block)
        broken += decoded.count("\ufffd")
        undefined |= b"\x98" in block  # the one byte that means nothing in windows-1251
        cyrillic += len(re.findall("[А-Яа-яЁё]", decoded)) if broken else 0
    broken += len(decoder.decode(b"", final=True))
    file.seek(0)
    if not broken:
        return "utf-8-sig"
    if undefined or cyrillic > broken:
        raise Unfit("файл повреждён: начат в UTF-8, но местами не читается; выгрузите его заново")
    return "cp1251"


async def _write(
    connection: AnyConnection, rows: _Rows, chunk: list[tuple[int, dict[str, Any]]], count: Count
) -> set[str]:
    """Check references of a chunk and upsert the rest; refusals go to the report in order of lines."""
    table = rows.table
    for reference in table.references:
        wanted = {tuple(row[name] for name in reference.ours) for _, row in chunk}
        # A key that is empty in the list refers to nothing.
        definition = ", ".join(f"{name} text" for name in reference.key)
        found = {
            tuple(record)
            for record in await connection.fetch(
                f"""SELECT {", ".join(reference.key)} FROM {reference.table}
                    JOIN json_to_recordset($1) AS n({definition}) USING ({", ".join(reference.key)})""",
                [dict(zip(reference.key, key, strict=True)) for key in sorted(wanted)],
            )
        }
        for line, row in chunk:
            if tuple(row[name] for name in reference.ours) not in found:
                rows.refuse(line, reference.reason.format(**row))
        lost = {refusal.line for refusal in rows.aside}
        chunk = [(line, row) for line, row in chunk if line not in lost]
    rows.report.refuse(rows.aside)
    rows.aside = []
    if not chunk:
        return set()
    values = [row for _, row in chunk]
    added = await connection.fetch(_insert(table), values)
    changed = await connection.fetch(_update(table), values)
    count.changed += len(added) + len(changed)
    return {record["school"] for record in (*added, *changed)}


def _insert(table: Table) -> str:
    names = ", ".join(table.columns)
    values = ", ".join(column.insert.format(name) for name, column in table.columns.items())
    return f"""INSERT INTO {table.into} ({names}) SELECT {values} FROM {_source(table)}
               ORDER BY {", ".join(f"n.{name}" for name in table.key)}
               ON CONFLICT ({", ".join(table.key)}) DO NOTHING RETURNING school"""


def _update(table: Table) -> str:
    """After the insert, so that a row added meanwhile by a person is updated too; unchanged rows are
    not written, and a second import of the same list touches nothing."""
    free = {
        name: column.update.format(name) for name, column in table.columns.items() if name not in table.key
    }
    if not free:
        return f"SELECT school FROM {table.into}, json_array_length($1) WHERE false"
    return f"""UPDATE {table.into} AS t SET {", ".join(f"{name} = {value}" for name, value in free.items())}
               FROM {_source(table)}
               WHERE {" AND ".join(f"t.{name} = n.{name}" for name in table.key)}
                 AND ({", ".join(f"t.{name}" for name in free)}) IS DISTINCT FROM ({", ".join(free.values())})
               RETURNING t.school"""


def _source(table: Table) -> str:
    columns = ", ".join(f"{name} {column.type}" for name, column in table.columns.items())
    return f"json_to_recordset($1) AS n({columns})"


async def raise_epochs(connection: AnyConnection, schema: str, schools: Collection[str]) -> None:
    """Tell every cache that these schools' registry changed (`shared.registry`)."""
    await connection.execute(
        f"""INSERT INTO {schema}.epoch AS e (school, value) SELECT school, 1 FROM unnest($1::text[]) AS school
            ON CONFLICT (school) DO UPDATE SET value = e.value + 1""",
        sorted(schools),
    )
