"""The ground the measurements stand on: a real PostgreSQL, a real Kafka, a region's registry."""

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import dispatcher.papers
import ingest.roster
from bench.usage import children
from onebox.postgres import EmbeddedPostgres
from sandbox.journal import Kind, Moment, School, Size, build, week, write_registry
from sandbox.kafka import KafkaBroker
from shared.changes import bus_key, encode
from shared.db import open_pool
from shared.import_report import Report
from shared.list_folder import Folder
from shared.migrations import migrate
from shared.topics import Service

MOSCOW = ZoneInfo("Europe/Moscow")
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=MOSCOW)
NO_LIMITS = {
    f"VESTNIK_{provider}_{window}": "1000000000"
    for provider in ("SMTP", "SMSAERO", "PUSH")
    for window in ("PER_SECOND", "PER_HOUR")
}
"""Every call still passes the gate; it never has to wait there."""
ONLY_EMAIL: Mapping[Kind, float] = {Kind.EMAIL: 6, Kind.BOTH_EMAIL: 4}


@dataclass(frozen=True, slots=True)
class Ground:
    """`kafka`: the broker's address; None where PostgreSQL carries the bus."""

    folder: Path
    database: str
    kafka: str | None

    def environment(self, **settings: str) -> dict[str, str]:
        """Settings of a process under measurement: Tuesday noon of school time unless said otherwise."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("VESTNIK_")}
        return {
            **kept,
            "VESTNIK_DATABASE_URL": self.database,
            "VESTNIK_BUS": f"kafka://{self.kafka}" if self.kafka else "postgres",
            "VESTNIK_DATA": str(self.folder / "data"),
            "VESTNIK_SMTP_URL": "smtp://127.0.0.1:1",
            **NO_LIMITS,
            "VESTNIK_MAIL_FROM": "Школа <school@school.example>",
            "VESTNIK_CLOCK_START": NOON.isoformat(),
            "VESTNIK_LOG_LEVEL": "warning",
            **settings,
        }

    def servers(self) -> dict[str, int]:
        """Process ids of the database and of the broker, each with its children."""
        found = {"PostgreSQL": _postmaster(self.folder)}
        for child in children(os.getpid()):
            if Path(f"/proc/{child}/comm").read_text().strip() == "java":
                found["Kafka"] = child
        return found


def _postmaster(folder: Path) -> int:
    (written,) = folder.glob("postgres/**/postmaster.pid")
    return int(written.read_text().splitlines()[0])


@contextlib.asynccontextmanager
async def ground(*, kafka: bool = True) -> AsyncIterator[Ground]:
    """PostgreSQL with fsync on, as an installation has it, and a broker; both gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="vestnik-bench-") as name:
        folder = Path(name)
        postgres = EmbeddedPostgres(folder / "postgres")
        url = await postgres.start()
        try:
            await migrate(url)
            if not kafka:
                yield Ground(folder, url, None)
                return
            async with KafkaBroker(folder / "kafka") as broker:
                yield Ground(folder, url, broker.address)
        finally:
            await postgres.stop()


def region(
    schools: int, classes: int, pupils: int, rate: float, shares: Mapping[Kind, float] = ONLY_EMAIL
) -> list[School]:
    """Schools of electronic families, so that every change is told."""
    size = Size(classes=classes, pupils=pupils, rate=rate, shares=shares)
    return [build(2026 + n, size, school=f"school-{n}") for n in range(schools)]


async def enrol(at: Ground, schools: list[School]) -> None:
    for service, half in ((Service.INGEST, ingest.roster), (Service.DISPATCHER, dispatcher.papers)):
        pool = await open_pool(at.database, service, largest=2)
        for school in schools:
            folder = at.folder / "lists" / school.id
            if not folder.exists():
                write_registry(folder, school)
            report = Report()
            await half.import_lists(Folder(folder), pool, report, lambda *_: None, today=NOON.date())
            if report.refused:
                raise SystemExit(f"the generated lists were refused: {report.refusals[0]}")
        await pool.close()


def changes(schools: list[School], numbers: list[UUID]) -> list[tuple[str, bytes]]:
    """Changes about single pupils, as many from each school, as ingest puts them on the bus: (key, value)."""
    made: list[tuple[str, bytes]] = []
    for place, school in enumerate(schools, 1):
        groups = {pupil.id: pupil.group for pupil in school.pupils}
        share = len(numbers) * place // len(schools)
        for moment in week(school, odd=False):
            if len(made) == share:
                break
            pupil = moment.event.get("subject")
            if pupil is not None and not groups[pupil].unmarked:
                made.append(_record(moment, school.id, groups[pupil].name, numbers[len(made)]))
        else:
            raise SystemExit(f"{school.id} makes too few changes")
    return made


def homework(schools: list[School], numbers: Iterator[UUID], each: int) -> list[tuple[str, bytes]]:
    """`each` pieces of homework of every class, which all its families will read."""
    made: list[tuple[str, bytes]] = []
    for school in schools:
        left = {group.name: each for group in school.classes}
        for moment in week(school, odd=False):
            group = moment.event["data"].get("class")
            if moment.event["type"] == "journal.homework.set" and left[group] > 0:
                left[group] -= 1
                made.append(_record(moment, school.id, group, next(numbers)))
    return made


def _record(moment: Moment, school: str, group: str, number: UUID) -> tuple[str, bytes]:
    event: dict[str, Any] = {**moment.event, "time": (NOON - timedelta(hours=1)).isoformat()}
    if "lesson" in event["data"]:
        event["data"]["lesson"]["date"] = "2026-11-24"
    key = bus_key(school, group)
    return key, encode(event, change=number, accepted_at=NOON.astimezone(UTC), key=key)


def spawn(module: str, environment: Mapping[str, str], *words: str) -> subprocess.Popen[bytes]:
    """In a session of its own, as a service manager starts it: Linux shares the cores among sessions."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *words], env=dict(environment), start_new_session=True
    )


async def until(what: Any, *, every: float = 0.02, patience: float = 600.0) -> None:
    """Waits until the awaitable `what()` is true."""
    async with asyncio.timeout(patience):
        while not await what():
            await asyncio.sleep(every)
