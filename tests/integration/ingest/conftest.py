"""A running ingest on a fresh database with one small school, and a journal that talks to it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import orjson
import pytest

from ingest import tokens
from ingest.app import Ingest
from shared.clock import AcceleratedClock
from shared.db import open_pool
from shared.service import Context
from shared.settings import Settings
from shared.topics import Service

SCHOOL_TIME = datetime(2026, 11, 23, 11, 30, tzinfo=UTC)
SOURCE = "/schools/ilinskaya/journals/main"
BATCH = "application/cloudevents-batch+json"
LISTS = """
INSERT INTO roster.school VALUES ('ilinskaya', 'Ильинская школа', 'Europe/Moscow');
INSERT INTO roster.class (school, class, grade) VALUES ('ilinskaya', '5А', '5'), ('ilinskaya', '5Б', '5');
INSERT INTO roster.pupil (school, pupil, class, family_name, given_name) VALUES
    ('ilinskaya', 'p-1', '5А', 'Соколов', 'Иван'), ('ilinskaya', 'p-2', '5Б', 'Зуева', 'Анна');
"""


@dataclass
class World:
    """`post` sends events as the journal `main` of `ilinskaya`; the pool acts as ingest."""

    service: Ingest
    pool: asyncpg.Pool
    admin: asyncpg.Pool
    http: httpx.AsyncClient
    token: str
    url: str = "/v1/changes"
    numbers: list[int] = field(default_factory=lambda: [0])

    async def post(self, *events: Any, **headers: str) -> httpx.Response:
        return await self.send(orjson.dumps(list(events)), **headers)

    async def send(self, body: bytes, **headers: str) -> httpx.Response:
        given = {"Authorization": f"Bearer {self.token}", "Content-Type": BATCH}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        raw = [(name.encode(), value.encode("latin-1")) for name, value in given.items()]
        return await self.http.post(self.url, content=body, headers=raw)

    def mark(self, *, value: Any = "5", **attributes: Any) -> dict[str, Any]:
        """A mark's event with an id and an entity of its own, unless given."""
        self.numbers[0] += 1
        data = {
            "entity": f"mark/{self.numbers[0]}",
            "revision": 1,
            "class": "5А",
            "course": {"name": "Алгебра"},
            "lesson": {"date": "2026-11-23", "number": 2},
            "mark": {"value": value},
        } | attributes.pop("data", {})
        return {
            "specversion": "1.0",
            "id": f"e-{self.numbers[0]}",
            "source": SOURCE,
            "type": "journal.mark.set",
            "subject": "p-1",
            "time": "2026-11-23T14:05:00+03:00",
            "data": data,
        } | attributes

    async def count(self, table: str) -> int:
        found: int = await self.pool.fetchval(f"SELECT count(*) FROM ingest.{table}")
        return found

    async def outbox(self) -> list[tuple[str, dict[str, Any]]]:
        rows = await self.pool.fetch("SELECT key, value FROM ingest.outbox ORDER BY xid, id")
        return [(row["key"], orjson.loads(row["value"])) for row in rows]


@pytest.fixture
async def world(database: str) -> AsyncIterator[World]:
    admin = await open_pool(database, largest=3)
    await admin.execute(LISTS)
    # School time stands still, so that a test can name it.
    context = Context(Settings(), database, AcceleratedClock(SCHOOL_TIME, SCHOOL_TIME, 0))
    service = Ingest(context)
    await service.start()
    pool = await open_pool(database, Service.INGEST, largest=3)
    token = await tokens.create(pool, "ilinskaya", "main")
    transport = httpx.ASGITransport(app=service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://ingest") as http:
        yield World(service, pool, admin, http, token)
    await service.stop()
    await pool.close()
    await admin.close()
