"""`books`: a busy school whose changes came over the real bus and were planned, composed and sent."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
from integration.sending.office import Office, ScriptedPort
from support.buses import eventually
from support.families import Registry, application, contact, guardian, pupil, record, sheet, tie

from dispatcher.planning.planner import GROUP, Planner
from dispatcher.reconcile import Discrepancy, check
from shared import outbox
from shared.bus.base import Record, Subscription
from shared.bus.postgres import PostgresBus
from shared.categories import Category, Channel
from shared.consent import Form
from shared.db import open_pool
from shared.settings import Settings
from shared.topics import Service, Topic

EMAIL, SMS = contact(Channel.EMAIL, "a@example.org"), contact(Channel.SMS, "79160000001")


@dataclass
class Books:
    office: Office
    ingest: asyncpg.Pool
    database: str

    async def publish(self, *records: Record) -> None:
        """Into ingest's outbox, as ingest does."""
        async with self.ingest.acquire() as connection, connection.transaction():
            rows = [(one.key, one.value) for one in records]
            await outbox.append(connection, Service.INGEST, Topic.JOURNAL_CHANGES, rows)

    async def plan(self) -> None:
        """Read the bus to its end."""
        on = frozenset({Channel.EMAIL, Channel.SMS})
        planner = Planner(Settings(), self.office.clock, on=on)
        bus = PostgresBus(self.database, Service.DISPATCHER)
        bus.subscribe(Subscription(Topic.JOURNAL_CHANGES, GROUP, planner.handle))
        await bus.start()

        async def read() -> bool:
            unread: bool = await self.office.pool.fetchval(
                """SELECT EXISTS (SELECT FROM ingest.outbox o, dispatch.bus_cursor c
                                  WHERE (o.xid, o.id) > (c.xid, c.id))
                       OR NOT EXISTS (SELECT FROM dispatch.bus_cursor)"""
            )
            return not unread

        await eventually(read)
        await bus.stop()

    async def check(self) -> list[Discrepancy]:
        async with self.office.pool.acquire() as connection:
            return await check(connection)

    async def execute(self, statement: str, *values: Any) -> None:
        """As somebody with every right, behind the product's back."""
        await self.office.admin.execute(statement, *values)

    async def value(self, statement: str, *values: Any) -> Any:
        return await self.office.admin.fetchval(statement, *values)


def evening() -> list[Record]:
    """Changes of every sort for three families: told, on paper, suppressed, corrected, removed, stale."""
    return [
        *(record(entity=f"mark/{n}", pupil=f"p{n % 3 + 1}") for n in range(6)),
        record(entity="mark/1", revision=2, pupil="p2", data={"mark": {"value": "4"}}),
        record(entity="mark/1", revision=1, pupil="p2", seed="stale"),
        record(entity="mark/2", revision=2, pupil="p3", removed=True),
        *(record(Category.ATTENDANCE, entity=f"absence/{n}", pupil="p1") for n in range(3)),
        record(Category.ANNOUNCEMENT, entity="news/1", pupil=None, data={"class": "5А"}),
        record(Category.FINAL_MARK, entity="final/1", pupil="p2"),
    ]


@pytest.fixture
async def books(database: str) -> AsyncIterator[Books]:
    pool = await open_pool(database, Service.DISPATCHER, largest=8)
    admin = await open_pool(database, largest=3)
    ingest = await open_pool(database, Service.INGEST, largest=1)
    made = Books(Office(pool, admin), ingest, database)
    mother, father = guardian("g1", [EMAIL]), guardian("g2", [SMS])
    children = [
        pupil("p1", [tie(mother), tie(father)]),
        pupil("p2", [tie(mother), tie(guardian("g3", []), [sheet(set())])]),
        pupil("p3", [tie(guardian("g4", []), applications=[application(Form.PAPER)])]),
    ]
    async with admin.acquire() as connection:
        await Registry(children).write(connection)
    try:
        yield made
    finally:
        for one in (pool, admin, ingest):
            await one.close()


async def work(books: Books) -> None:
    await books.office.work(ScriptedPort(Channel.EMAIL), ScriptedPort(Channel.SMS))
