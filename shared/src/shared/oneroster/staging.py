"""OneRoster files put where they can be joined: a private database on disk, gone when it is closed.

A district's files are joined by ids that stand in any order, and memory must not grow with them. Only the
columns that Vestnik needs are taken: no passwords, and of `demographics` nothing but the birthday.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from shared.cells import INVISIBLE, Cells, Unfit
from shared.import_report import Count, Refusal, Report, shorter
from shared.oneroster.archive import Archive, Torn
from shared.sheet import Row, Sheet

Progress = Callable[[str, int, int], None]
_OFTEN = 1000


@dataclass(frozen=True, slots=True)
class Staged:
    """Columns of a OneRoster file. `needed`: may not be empty; `days`: are dates; `lists`: hold several
    values and go to a table of their own, in order."""

    needed: tuple[str, ...]
    plain: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()

    @property
    def single(self) -> tuple[str, ...]:
        return (*self.needed, *self.plain, *self.days)


FILES = {
    "orgs": Staged(("type",)),
    "academicSessions": Staged((), days=("endDate",)),
    "courses": Staged((), lists=("grades",)),
    "classes": Staged(
        ("title", "classType", "schoolSourcedId"), ("courseSourcedId",), lists=("grades", "termSourcedIds")
    ),
    "users": Staged(
        (), ("username", "givenName", "familyName", "middleName", "email", "sms"), lists=("agentSourcedIds",)
    ),
    "roles": Staged(("userSourcedId", "role", "orgSourcedId"), days=("endDate",)),
    "enrollments": Staged(
        ("classSourcedId", "userSourcedId", "role"), ("primary",), days=("beginDate", "endDate")
    ),
    "demographics": Staged((), days=("birthDate",)),
}


def stage(archive: Archive, report: Report, progress: Progress, today: date) -> sqlite3.Connection:
    """Every promised file of `FILES`, rows by `id` with their `line`, empty cells NULL, dates in ISO order.

    Rows that cannot be read are refused; rows to be deleted are noted, and those of `users` kept in `gone`.
    Raises Torn.
    """
    database = sqlite3.connect("", isolation_level=None)  # an unnamed file that goes away by itself
    try:
        database.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16384;"
            "CREATE TABLE gone (id TEXT PRIMARY KEY, line INT)"
        )
        for name, staged in FILES.items():
            columns = "".join(f', "{column}" TEXT' for column in staged.single)
            database.execute(f"CREATE TABLE {name} (id TEXT PRIMARY KEY, line INT{columns}) WITHOUT ROWID")
            for column in staged.lists:
                database.execute(f"CREATE TABLE {name}_{column} (id TEXT, place INT, value TEXT)")
            if name in archive.modes:
                _Filling(database, name, archive.modes[name], report).fill(archive, progress, today)
            for column in staged.lists:
                database.execute(f"CREATE INDEX {name}_{column}_id ON {name}_{column} (id, place)")
    except BaseException:
        database.close()
        raise
    return database


class _Filling:
    """One file on its way into the database."""

    def __init__(self, database: sqlite3.Connection, name: str, mode: str, report: Report) -> None:
        self._database, self._name, self._report = database, name, report
        self._staged, self._delta = FILES[name], mode == "delta"
        self._file, self._count = f"{name}.csv", Count()
        self._refusals: list[Refusal] = []
        self._gone: list[int] = []
        """How many rows are to be deleted, and the first of them."""
        marks = ", ".join("?" * (2 + len(self._staged.single)))
        self._insert = f"INSERT OR IGNORE INTO {name} VALUES ({marks})"

    def fill(self, archive: Archive, progress: Progress, today: date) -> None:
        self._report.files[self._file] = self._count
        self._database.execute("BEGIN")
        try:
            with archive.open(self._name) as sheet:
                columns = self._columns(sheet)
                for line, row in sheet.rows:
                    if isinstance(row, Unfit) or any(map(str.strip, row)):
                        self._take(line, row, columns, today)
                        if self._count.read % _OFTEN == 0:
                            self._tell()
                            done = self._count.read
                            progress(self._file, done, max(done, int(done / max(sheet.share(), 1e-9))))
        except Torn:
            raise
        except Unfit as unfit:
            self._refuse(1, unfit)
        self._database.execute("COMMIT")
        self._tell()
        progress(self._file, self._count.read, self._count.read)
        if self._gone:
            many, first = self._gone
            self._report.notes.append(
                f"{self._file}: помечено к удалению (tobedeleted) строк: {many}, первая {first}; "
                "по списку Вестник никого и ничего не удаляет"
            )

    def _columns(self, sheet: Sheet) -> dict[str, int]:
        names = [INVISIBLE.sub("", cell).strip() for cell in sheet.header]
        wanted = ("sourcedId", "status", "dateLastModified", *self._staged.single, *self._staged.lists)
        if missing := [column for column in wanted if names.count(column) != 1]:
            raise Unfit(
                f"по OneRoster 1.2 в заголовке должны быть, и по разу: {', '.join(missing)}; файл не загружен"
            )
        return {column: names.index(column) for column in wanted}

    def _take(self, line: int, row: Row, columns: dict[str, int], today: date) -> None:
        self._count.read += 1
        try:
            if isinstance(row, Unfit):
                raise row
            self._put(line, Cells(columns, row, today))
        except Unfit as unfit:
            self._refuse(line, unfit)

    def _put(self, line: int, cells: Cells) -> None:
        key, status = cells.id("sourcedId"), (cells.text("status") or "").lower()
        if self._delta and not status:
            raise Unfit("не заполнен столбец status, а файл объявлен как delta")
        if status == "tobedeleted":
            self._gone = [1 + (self._gone or [0])[0], (self._gone or [0, line])[1]]
            if self._name == "users":
                self._database.execute("INSERT OR IGNORE INTO gone VALUES (?, ?)", (key, line))
            return
        if status not in {"", "active"}:
            raise Unfit(f"в столбце status значение «{status}», а можно: active, tobedeleted")
        days = [cells.day(column) for column in self._staged.days]
        values = (
            *(cells.id(column) for column in self._staged.needed),
            *(cells.text(column) for column in self._staged.plain),
            *(day.isoformat() if day is not None else None for day in days),
        )
        lists = {column: cells.text(column) for column in self._staged.lists}
        if not self._database.execute(self._insert, (key, line, *values)).rowcount:
            raise Unfit(f"sourcedId «{key}» в этом файле уже был, взята первая строка с ним")
        for column, text in lists.items():
            several = dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip())
            self._database.executemany(
                f"INSERT INTO {self._name}_{column} VALUES (?, ?, ?)",
                [(key, place, value) for place, value in enumerate(several)],
            )

    def _refuse(self, line: int, reason: object) -> None:
        self._refusals.append(Refusal(self._file, line, shorter(str(reason))))

    def _tell(self) -> None:
        self._report.refuse(self._refusals)
        self._refusals.clear()
