"""One school with families of every kind; changes go through the real handlers, PDFs are read back."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import asyncpg
import orjson
from pypdf import PdfReader

from print_queue.batches import Batches
from print_queue.closer import Closer
from print_queue.ledger import keep_changes
from print_queue.outcomes import keep_outcomes
from shared.bus.base import Record, Rejected
from shared.changes import encode
from shared.db import connect, open_pool
from shared.service import Context
from shared.settings import Settings
from shared.topics import Service, Topic

MOSCOW = ZoneInfo("Europe/Moscow")
SCHOOL = "ilinskaya"
SOURCE = "/schools/ilinskaya/journals/main"
MONDAY = datetime(2026, 11, 16, 9, tzinfo=MOSCOW)
FRIDAY_EVENING = datetime(2026, 11, 20, 18, 30, tzinfo=MOSCOW)
EVERYTHING = "1.3 4.3 4.6 6.8 6.9 6.10 6.12"


@dataclass(slots=True)
class HandClock:
    """Stands still until it is set."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def real_seconds_until(self, instant: datetime) -> float:
        return 0.0 if instant <= self.at else timedelta.max.total_seconds()


@dataclass(slots=True)
class SchoolOnPaper:
    url: str
    admin: asyncpg.Connection
    pool: asyncpg.Pool
    settings: Settings
    clock: HandClock
    batches: Batches
    _numbers: dict[str, int] = field(default_factory=dict)

    @classmethod
    async def open(cls, url: str, folder: Path) -> Self:
        settings = Settings(
            data=folder, smtp_url="smtp://127.0.0.1:1", mail_from="school@example.org"
        )  # the channel is on; nothing here sends
        clock = HandClock(MONDAY)
        pool = await open_pool(url, Service.PRINT_QUEUE)
        made = cls(url, await connect(url), pool, settings, clock, Batches(pool, settings, clock))
        await made.admin.execute(
            "INSERT INTO roster.school VALUES ($1, 'Ильинская школа', 'Europe/Moscow')", SCHOOL
        )
        await made.admin.execute(
            "INSERT INTO people.account VALUES ($1, 'petrova', 'teacher', 'Петрова А. С.')", SCHOOL
        )
        return made

    async def close(self) -> None:
        await self.admin.close()
        await self.pool.close()

    @property
    def context(self) -> Context:
        return Context(self.settings, self.url, self.clock)

    # Who is who

    async def add_class(self, name: str = "7Б", grade: str = "7", *, unmarked: bool = False) -> None:
        await self.admin.execute(
            "INSERT INTO roster.class (school, class, grade, teachers, unmarked) VALUES ($1, $2, $3, $4, $5)",
            SCHOOL,
            name,
            grade,
            ["petrova"],
            unmarked,
        )

    async def add_pupil(self, pupil: str, family_name: str, class_name: str = "7Б") -> None:
        await self.admin.execute(
            """INSERT INTO roster.pupil (school, pupil, class, family_name, given_name)
               VALUES ($1, $2, $3, $4, 'Иван')""",
            SCHOOL,
            pupil,
            class_name,
            family_name,
        )

    async def add_guardian(
        self,
        guardian: str,
        pupil: str,
        *,
        paper: bool = False,
        items: str = "",
        withdrawn_on: date | None = None,
        email: bool = False,
        restricted: bool = False,
    ) -> None:
        await self.admin.execute(
            "INSERT INTO roster.guardian VALUES ($1, $2, $3, 'Анна', 'Петровна') ON CONFLICT DO NOTHING",
            SCHOOL,
            guardian,
            f"Родитель{guardian}",
        )
        await self.admin.execute(
            "INSERT INTO roster.guardianship VALUES ($1, $2, $3, 'mother', $4)",
            SCHOOL,
            pupil,
            guardian,
            date(2026, 1, 1) if restricted else None,
        )
        if paper:
            await self.admin.execute(
                "INSERT INTO consent.application VALUES ($1, $2, $3, 'З-1', '2026-09-01', 'paper')",
                SCHOOL,
                pupil,
                guardian,
            )
        if items:
            await self.admin.execute(
                "INSERT INTO consent.sheet VALUES ($1, $2, $3, 'С-1', '2026-09-01', $4, NULL, $5)",
                SCHOOL,
                pupil,
                guardian,
                items.split(),
                withdrawn_on,
            )
        if email:
            await self.admin.execute(
                "INSERT INTO consent.contact VALUES ($1, $2, 'email', $3, '2026-09-01')",
                SCHOOL,
                guardian,
                f"{guardian}@example.org",
            )

    # What the journal says

    def change(self, type_: str, *, pupil: str | None = None, **data: Any) -> bytes:
        """An accepted change as it stands on the bus, recorded and accepted now."""
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": str(uuid4()),
            "source": SOURCE,
            "type": f"journal.{type_}",
            "time": self.clock.now().isoformat(),
            "data": data,
        }
        if pupil is not None:
            event["subject"] = pupil
        return encode(event, change=uuid4(), accepted_at=self.clock.now(), key=f"{SCHOOL}/7Б")

    def mark(self, entity: str, pupil: str, value: str, *, topic: str = "Корни", **more: Any) -> bytes:
        return self.change(
            "mark.set",
            pupil=pupil,
            entity=entity,
            course={"name": "Алгебра"},
            lesson={"date": "2026-11-16", "topic": topic},
            work={"kind": "контрольная работа"},
            mark={"value": value},
            **more,
        )

    async def keep(self, *changes: bytes) -> Sequence[Rejected]:
        records = [
            Record(Topic.JOURNAL_CHANGES, f"{SCHOOL}/7Б", value, f"p:{n}") for n, value in enumerate(changes)
        ]
        async with self.pool.acquire() as connection, connection.transaction():
            return await keep_changes(connection, records)  # type: ignore[arg-type] # a pool's proxy

    async def keep_outcome(
        self, guardian: str, pupil: str, change: UUID, *, kind: str = "paper", reason: str = "permanent"
    ) -> Sequence[Rejected]:
        value = orjson.dumps(
            {
                "kind": kind,
                "school": SCHOOL,
                "guardian": guardian,
                "pupils": [pupil],
                "change": change,
                "reason": reason,
                "at": self.clock.now(),
            }
        )
        async with self.pool.acquire() as connection, connection.transaction():
            return await keep_outcomes(
                connection,  # type: ignore[arg-type] # a pool's proxy
                [Record(Topic.DELIVERY_OUTCOMES, f"{SCHOOL}/7Б", value, "p:0")],
            )

    # What comes of it

    def closer(self) -> Closer:
        return Closer(self.batches, waits_for_bus=False)

    async def begin(self) -> None:
        """The first round: the open weeks of every class are kept from now on."""
        await self.closer().round()

    async def pdf(self, week: str, class_name: str = "7Б", *, kind: str = "week") -> Path:
        batch = await self.pool.fetchval(
            "SELECT id FROM paper.batch WHERE class = $1 AND kind = $2 AND name = $3", class_name, kind, week
        )
        assert batch is not None, "no such batch"
        return await self.batches.pdf(batch)

    async def notices(self) -> list[dict[str, Any]]:
        rows = await self.admin.fetch(
            "SELECT key, value FROM paper.outbox WHERE topic = 'staff.notices' ORDER BY xid, id"
        )
        return [{"key": row["key"], **orjson.loads(row["value"])} for row in rows]


def text_of(path: Path) -> str:
    """All that can be read in a PDF, on one line."""
    pages = (page.extract_text() for page in PdfReader(path).pages)
    return " ".join(" ".join(pages).replace("\u00ad", "").split())


def sheet_text(path: Path, family_name: str) -> str:
    """What can be read on the pages of one pupil, the cover left out."""
    pages = [" ".join(page.extract_text().split()) for page in PdfReader(path).pages[1:]]
    return " ".join(page for page in pages if family_name in page)


async def until(look: Callable[[], Awaitable[object]], wanted: object) -> None:
    """Look until it is so; a minute at most."""
    deadline = asyncio.get_running_loop().time() + 60
    while (found := await look()) != wanted:
        assert asyncio.get_running_loop().time() < deadline, found
        await asyncio.sleep(0.05)
