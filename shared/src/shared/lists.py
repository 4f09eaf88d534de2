"""Reading the school's lists into tables: files row by row, refusals by line (DESIGN §4).

What a cell means is said once per file by a `Table`; here is what all files share: encodings and
delimiters, chunks, and an upsert in which an empty cell leaves what is there.
Rows travel in chunks, so a list of any length is read in bounded memory.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import Any

import orjson

from shared.cells import INVISIBLE, Cells, Unfit
from shared.db import AnyConnection
from shared.import_report import Count, Refusal, Report, shorter
from shared.sheet import Absent, Lists, Row, Sheet

CHUNK = 1000

Progress = Callable[[str, int, int], None]
"""Called after every chunk: the file, rows done, rows in the whole file (an estimate by its size)."""


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


Screen = Callable[[AnyConnection, list[tuple[int, dict[str, Any]]]], Awaitable[set[int]]]
"""Looks at a chunk before it is written, may empty cells in it, and names the places to leave out."""


@dataclass(frozen=True, slots=True)
class Table:
    """One file: how a row of it becomes a row of `into` (columns by name, `key` first). `screen`: what
    must not come back of people whose data were destroyed (R-B8)."""

    file: str
    into: str
    key: tuple[str, ...]
    columns: Mapping[str, Column]
    required: tuple[str, ...]
    optional: tuple[str, ...]
    row: Callable[[Cells], dict[str, Any]]
    references: tuple[Reference, ...] = ()
    screen: Screen | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    """A row to be written. `place`: which of the rows; `number`: at which line, where several may begin;
    `key` and `whole`: hashes by which a repetition is known."""

    place: int
    number: int
    row: dict[str, Any]
    key: int
    whole: int


@dataclass(slots=True)
class _Rows:
    """A file being read; refusals of the chunk in hand are put aside until they are in order."""

    table: Table
    name: str
    columns: Mapping[str, int]
    words: Mapping[str, str]
    today: date
    lost: set[int] = field(default_factory=set)
    """Places of rows that were read and then refused."""
    aside: list[Refusal] = field(default_factory=list)
    cleaned: list[int] = field(default_factory=list)
    """How many rows lost invisible characters, and the first of them."""
    withheld: int = 0

    def refuse(self, line: int, reason: str) -> None:
        for ours, theirs in self.words.items():
            reason = reason.replace(ours, theirs)
        self.aside.append(Refusal(self.name, line, shorter(reason)))

    def lose(self, line: _Line, reason: str) -> None:
        self.lost.add(line.place)
        self.refuse(line.number, reason)

    def parse(self, place: int, line: int, row: Row) -> _Line | None:
        try:
            if isinstance(row, Unfit):
                raise row
            cells = Cells(self.columns, row, self.today)
            found = self.table.row(cells)
        except Unfit as unfit:
            self.refuse(line, str(unfit))
            return None
        if cells.cleaned:
            self.cleaned = [1 + (self.cleaned or [0])[0], (self.cleaned or [0, line])[1]]
        key = tuple(found[name] for name in self.table.key)
        return _Line(place, line, found, hash(key), hash(orjson.dumps(found)))


async def load(
    connection: AnyConnection, lists: Lists, table: Table, report: Report, progress: Progress, *, today: date
) -> set[str]:
    """Read one part of the lists into its table, inside the caller's transaction.

    `today`: the latest date that can be past. Returns the schools whose rows were added or changed.
    What is not there is noted.
    """
    name, touched = lists.name(table.file), set[str]()
    try:
        async with lists.open(table.file, connection) as sheet:
            report.files[name] = Count()
            touched = await _load(connection, sheet, table, name, report, progress, today)
    except Absent as absent:
        if str(absent):
            report.notes.append(str(absent))
        return touched
    except Unfit as unfit:
        report.refuse([Refusal(name, 1, shorter(str(unfit)))])
    count = report.files[name]
    progress(name, count.read, count.read)
    return touched


async def _load(
    connection: AnyConnection,
    sheet: Sheet,
    table: Table,
    name: str,
    report: Report,
    progress: Progress,
    today: date,
) -> set[str]:
    columns = _columns(sheet, table, name, report)
    rows, count, touched = (
        _Rows(table, name, columns, sheet.words, today),
        report.files[name],
        set[str](),
    )
    # Keys seen are kept by the database: this process holds one chunk, whatever the length of the list.
    await connection.execute("CREATE TEMP TABLE seen (key bigint PRIMARY KEY, whole bigint, line int)")
    chunk: list[_Line] = []
    for number, row in sheet.rows:
        if not isinstance(row, Unfit) and not any(map(str.strip, row)):
            continue
        count.read += 1
        if (line := rows.parse(count.read, number, row)) is not None:
            chunk.append(line)
        if count.read % CHUNK == 0:
            touched |= await _write(connection, rows, chunk, report)
            chunk = []
            progress(name, count.read, max(count.read, int(count.read / max(sheet.share(), 1e-9))))
    touched |= await _write(connection, rows, chunk, report)
    await connection.execute("DROP TABLE seen")
    if rows.cleaned:
        many, first = rows.cleaned
        report.notes.append(f"{name}: убраны невидимые знаки, строк: {many}, первая {first}")
    if rows.withheld:
        report.notes.append(
            f"{name}: не загружено строк о людях, чьи данные уничтожены: {rows.withheld}; они загрузятся "
            "после нового согласия"
        )
    return touched


def _columns(sheet: Sheet, table: Table, name: str, report: Report) -> dict[str, int]:
    """Where each column of ours stands. Raises Unfit when the file cannot be read without guessing."""
    names = [INVISIBLE.sub("", cell).strip().lower() for cell in sheet.header]
    known = (*table.required, *table.optional)
    strange = [cell for cell in names if cell and cell not in known]
    if missing := [column for column in table.required if column not in names]:
        raise Unfit(
            f"в заголовке нет столбцов: {', '.join(missing)}{_instead(missing, strange)}; файл не загружен"
        )
    if twice := sorted({column for column in known if names.count(column) > 1}):
        raise Unfit(f"столбцы названы дважды: {', '.join(twice)}; файл не загружен")
    absent = [column for column in table.optional if column not in names]
    if absent and not sheet.words:
        report.notes.append(f"{name}: нет столбцов {', '.join(absent)}, в базе они не менялись")
    if strange:
        shown = "".join(sign if sign.isprintable() else "\ufffd" for sign in ", ".join(strange))
        report.notes.append(
            f"{name}: незнакомые столбцы пропущены: {shorter(shown)}{_instead(absent, strange)}"
        )
    return {column: at for at, column in enumerate(names) if column in known}


def _instead(missing: list[str], strange: list[str]) -> str:
    """A slip of the pen in a header, told in words."""
    pairs = [(column, close[0]) for column in missing if (close := get_close_matches(column, strange, 1))]
    return "".join(f" («{found}» — это не {column}?)" for column, found in pairs)


async def _write(connection: AnyConnection, rows: _Rows, chunk: list[_Line], report: Report) -> set[str]:
    """Check references of a chunk and upsert the rest; refusals go to the report in order of lines."""
    table = rows.table
    await _refuse_repeated(connection, rows, chunk)
    for reference in table.references:
        wanted = {tuple(line.row[name] for name in reference.ours) for line in chunk}
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
        for line in chunk:
            if line.place not in rows.lost and tuple(line.row[name] for name in reference.ours) not in found:
                rows.lose(line, reference.reason.format(**line.row))
    report.refuse(rows.aside)
    written = [line for line in chunk if line.place not in rows.lost]
    rows.aside, rows.lost = [], set()
    if table.screen is not None and written:
        left_out = await table.screen(connection, [(line.place, line.row) for line in written])
        rows.withheld += len(left_out)
        written = [line for line in written if line.place not in left_out]
    values = [line.row for line in written]
    if not values:
        return set()
    added = await connection.fetch(_insert(table), values)
    changed = [] if len(added) == len(values) else await connection.fetch(_update(table), values)
    report.files[rows.name].changed += len(added) + len(changed)
    return {record["school"] for record in (*added, *changed)}


async def _refuse_repeated(connection: AnyConnection, rows: _Rows, chunk: list[_Line]) -> None:
    """The first row of a key stands; a later one is told where the first is, and whether it says the same."""
    if not chunk:
        return
    first = {line.key: line for line in reversed(chunk)}
    met = await connection.fetch(
        """WITH added AS (
               INSERT INTO seen SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::int[])
               ON CONFLICT DO NOTHING)
           SELECT key, whole, line FROM seen WHERE key = ANY($1)""",
        *zip(*((line.key, line.whole, line.number) for line in first.values()), strict=True),
    )
    earlier = {line.key: (line.whole, line.number) for line in first.values()}
    earlier |= {record["key"]: (record["whole"], record["line"]) for record in met}
    for line in chunk:
        whole, number = earlier[line.key]
        if number == line.number and first[line.key] is line:
            continue
        if whole == line.whole:
            rows.lose(line, f"то же самое уже сказано в строке {number}; эту можно убрать")
        else:
            rows.lose(
                line,
                f"о том же сказано иначе в строке {number}, взята она; оставьте одну верную из двух",
            )


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
