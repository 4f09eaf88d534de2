"""`room`: two schools with their staff on a real database, an inbox, and the teller driven by hand."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import orjson
import pytest

from dispatcher.channels.base import Port
from dispatcher.channels.email import EmailChannel
from dispatcher.notices.letter import StaffLetters
from dispatcher.notices.receive import Receiver
from dispatcher.notices.teller import Teller
from dispatcher.sending.retry import Backoff
from sandbox.inbox import Inbox
from shared.bus.base import Record, Rejected
from shared.bus.lead import Bell
from shared.clock import AcceleratedClock
from shared.db import connect
from shared.topics import Service, Topic

CLOCK = AcceleratedClock(datetime(2026, 11, 24, 9, 0, tzinfo=UTC), datetime.now(UTC), 0)
AT_ONCE = Backoff(first=timedelta(0), longest=timedelta(0))
STAFF = """
INSERT INTO roster.school VALUES ('s', 'Школа № 5', 'Europe/Moscow'), ('z', 'Лицей', 'Asia/Yekaterinburg');
INSERT INTO roster.class (school, class, grade, teachers) VALUES
    ('s', '7Б', '7', '{t7,mute}'), ('s', '8А', '8', '{t8}'), ('s', '9В', '9', '{mute}'),
    ('z', '7Б', '7', '{t7}');
INSERT INTO people.account (school, login, role, name, email) VALUES
    ('s', 'op', 'operator', 'Оператор', 'op@s.example'), ('s', 'boss', 'admin', 'Директор', 'boss@s.example'),
    ('s', 't7', 'teacher', 'Учитель', 't7@s.example'), ('s', 't8', 'teacher', 'Учитель', 't8@s.example'),
    ('s', 'mute', 'teacher', 'Учитель', ''), ('z', 'boss', 'admin', 'Директор', 'boss@z.example'),
    ('z', 't7', 'teacher', 'Учитель', 't7@z.example');
INSERT INTO roster.pupil (school, pupil, class, family_name, given_name) VALUES
    ('s', 'p-7', '7Б', 'Петров', 'Иван'), ('s', 'p-8', '8А', 'Орлова', 'Анна'),
    ('z', 'p-7', '7Б', 'Чужих', 'Пётр');
"""
PAPER = {
    "batch": "0195b1f0-0000-7000-8000-000000000000",
    "occasion": "week",
    "name": "2026-W47",
    "state": "typeset",
    "hand_out_by": "2026-11-24T12:00:00+00:00",
}


@dataclass
class Room:
    connection: asyncpg.Connection
    admin: asyncpg.Connection
    inbox: Inbox
    mail: EmailChannel
    bell: Bell = field(default_factory=Bell)
    said: int = 0

    def record(self, kind: str, **facts: Any) -> Record:
        self.said += 1
        at = CLOCK.now() + timedelta(seconds=self.said)
        return self.raw(orjson.dumps({"kind": kind, "at": at, **facts}))

    def raw(self, value: bytes) -> Record:
        return Record(Topic.STAFF_NOTICES, "s", value, f"dispatcher:{self.said}")

    async def hear(self, *records: Record) -> list[Rejected]:
        async with self.connection.transaction():
            return await Receiver(CLOCK).handle(self.connection, records)

    def teller(self, *, port: Port | None = None, every: timedelta = timedelta(0)) -> Teller:
        letters = StaffLetters(mail_from="vestnik@s.example", public_url="http://127.0.0.1:8100")
        out = port or self.mail
        return Teller(CLOCK, port=out, letters=letters, every=every, hold=timedelta(0), backoff=AT_ONCE)

    async def tell(self, *, every: timedelta = timedelta(0)) -> None:
        """One round."""
        await self.teller(every=every).round(self.connection, self.bell)

    def told(self) -> set[str]:
        return {address for letter in self.inbox.letters for address in letter.rcpt_to}

    async def notices(self) -> list[tuple[bool, str | None]]:
        """Whether each was told, and why not."""
        rows = await self.admin.fetch(
            "SELECT told_at IS NOT NULL AS told, untold_because FROM dispatch.notice ORDER BY at, id"
        )
        return [(row["told"], row["untold_because"]) for row in rows]


@pytest.fixture
async def room(database: str) -> AsyncIterator[Room]:
    connection = await connect(database, Service.DISPATCHER)
    admin = await connect(database)
    await admin.execute(STAFF)
    async with Inbox() as inbox:
        mail = EmailChannel(inbox.url, mail_from="vestnik@s.example", timeout=5)
        yield Room(connection, admin, inbox, mail)
        await mail.close()
    await connection.close()
    await admin.close()
