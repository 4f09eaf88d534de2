"""A OneRoster export where the registry folder's files are expected (DESIGN §4)."""

import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from shared.cells import Unfit
from shared.db import AnyConnection
from shared.import_report import Refusal, Report
from shared.list_folder import Folder
from shared.oneroster.archive import Archive, open_archive
from shared.oneroster.parts import PARTS, PREPARE, STRAYS, Part
from shared.oneroster.staging import Progress, stage
from shared.sheet import Row, Sheet

_NEEDED = ("users", "roles", "enrollments", "classes")
_KNOWN = {
    "known_pupil": ("school", "pupil", "class"),
    "known_guardian": ("school", "guardian"),
    "known_tie": ("school", "pupil", "guardian", "relation"),
}
_STATEMENTS = {
    "known_pupil": "SELECT school, pupil, class FROM roster.pupil WHERE left_on IS NULL AND school = ANY($1)",
    "known_guardian": "SELECT school, guardian FROM roster.guardian WHERE school = ANY($1)",
    "known_tie": "SELECT school, pupil, guardian, relation FROM roster.guardianship WHERE school = ANY($1)",
}


@contextmanager
def open_oneroster(
    path: Path, beside: Folder, report: Report, progress: Progress, *, today: date
) -> Iterator["OneRoster"]:
    """The export at `path`. A part that has a file in `beside` is taken from there. Raises Unfit when it is
    no export that can be read; then nothing of it is."""
    with open_archive(path) as archive:
        _require(archive)
        with closing(stage(archive, report, progress, today)) as database:
            report.notes.append(
                f"{path.name}: взяты классы, ученики, представители и адреса (неподтверждённые); "
                "часовые пояса, календарь, согласия и заявления берутся из файлов CSV рядом с архивом"
            )
            yield OneRoster(database, archive.modes, beside, report, today)


def _require(archive: Archive) -> None:
    modes = archive.modes
    if lost := [f"{name}.csv" for name in _NEEDED if name not in modes]:
        raise Unfit(f"в выгрузке нет {', '.join(lost)}: без этого не понять, кто в каком классе")
    if modes["classes"] != "bulk":
        raise Unfit("classes.csv нужен целиком (file.classes=bulk): без него не понять, кто в каком классе")


class OneRoster:
    """`shared.sheet.Lists` over a staged export."""

    def __init__(
        self,
        database: sqlite3.Connection,
        modes: Mapping[str, str],
        beside: Folder,
        report: Report,
        today: date,
    ) -> None:
        self._database, self._beside, self._report = database, beside, report
        self._said: dict[str, Any] = {
            "today": today.isoformat(),
            "delta_roles": modes["roles"] == "delta",
            "delta_enrollments": modes["enrollments"] == "delta",
        }
        self._partial = "delta" in modes.values()
        self._prepared = False

    def name(self, file: str) -> str:
        part = self._part(file)
        return self._beside.name(file) if part is None else f"{part.file}.csv → {part.title}"

    @asynccontextmanager
    async def open(self, file: str, connection: AnyConnection) -> AsyncIterator[Sheet]:
        part = self._part(file)
        if part is not None:
            if not self._prepared:
                await self._prepare(connection)
            yield self._sheet(part)
        else:
            async with self._beside.open(file, connection) as sheet:
                yield sheet

    def _part(self, file: str) -> Part | None:
        return None if self._beside.has(file) else PARTS.get(file)

    def _sheet(self, part: Part) -> Sheet:
        total = self._database.execute(f"SELECT count(*) FROM ({part.select})", self._said).fetchone()[0]
        done = [0]

        def rows() -> Iterator[tuple[int, Row]]:
            for line, *cells in self._database.execute(part.select, self._said):
                done[0] += 1
                yield line, part.row(*cells)

        return Sheet(list(part.header), rows(), lambda: done[0] / max(total, 1), part.words)

    async def _prepare(self, connection: AnyConnection) -> None:
        """After schools.csv: what Vestnik knows of these schools, and the joins that need it."""
        self._prepared = True
        schools = [record["school"] for record in await connection.fetch("SELECT school FROM roster.school")]
        self._table("stranger", ("id",))
        marks = ", ".join("?" * len(schools))
        strangers = self._database.execute(
            f"SELECT line, id FROM orgs WHERE lower(type) = 'school' AND id NOT IN ({marks}) ORDER BY line",
            schools,
        ).fetchall()
        self._database.executemany("INSERT INTO stranger VALUES (?)", [(school,) for _, school in strangers])
        self._refuse(
            "orgs.csv",
            strangers,
            "школы {} в Вестнике нет, её классы и люди пропущены: добавьте её в schools.csv рядом с архивом "
            "(school, name, timezone) и повторите",
        )
        whole = {"known_tie"} if not (self._partial or self._any_gone()) else _KNOWN
        for table, columns in _KNOWN.items():
            self._table(table, columns)
            if table in whole:
                await self._know(connection, table, len(columns), schools)
            self._database.execute(f"CREATE INDEX {table}_key ON {table} ({', '.join(columns[1:])})")
        for statement in PREPARE:
            self._database.execute(statement, self._said if ":" in statement else {})
        self._refuse(
            "enrollments.csv",
            self._database.execute(STRAYS, self._said),
            "{} записан в класс, а строки о нём в users.csv нет или она не принята",
        )

    def _table(self, name: str, columns: tuple[str, ...]) -> None:
        self._database.execute(f"CREATE TABLE {name} ({', '.join(f'{column} TEXT' for column in columns)})")

    def _any_gone(self) -> bool:
        return self._database.execute("SELECT 1 FROM gone LIMIT 1").fetchone() is not None

    async def _know(self, connection: AnyConnection, table: str, width: int, schools: list[str]) -> None:
        statement = f"INSERT INTO {table} VALUES ({', '.join('?' * width)})"
        self._database.execute("BEGIN")
        async for record in connection.cursor(_STATEMENTS[table], schools, prefetch=1000):
            self._database.execute(statement, tuple(record))
        self._database.execute("COMMIT")

    def _refuse(self, file: str, rows: Any, reason: str) -> None:
        self._report.refuse([Refusal(file, line, reason.format(name)) for line, name in rows])
