"""A bus of either kind over a fresh database, in this process or as a program to be killed."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg

from sandbox.kafka import KafkaBroker
from shared import outbox
from shared.bus.base import Bus, Subscription
from shared.bus.make import make_bus
from shared.db import open_pool
from shared.settings import Settings
from shared.topics import WRITERS, Service, Topic

_EFFECTS = """
CREATE TABLE effect (
    seq bigint GENERATED ALWAYS AS IDENTITY, bus_group text, value text, key text, by text,
    PRIMARY KEY (bus_group, value));
GRANT ALL ON effect TO PUBLIC
"""


@dataclass(frozen=True)
class Kafka:
    """Where the broker of a test run is, and the broker itself if the run may kill it."""

    address: str
    broker: KafkaBroker | None


@dataclass
class BusKit:
    """What a test of the bus needs. `address` is the setting VESTNIK_BUS."""

    database: str
    address: str
    prefix: str = field(default_factory=lambda: f"t{secrets.token_hex(4)}.")

    @property
    def settings(self) -> Settings:
        return Settings(bus=self.address, bus_prefix=self.prefix)

    @property
    def environment(self) -> dict[str, str]:
        """For a program that reads the same settings."""
        return {
            "VESTNIK_BUS": self.address,
            "VESTNIK_BUS_PREFIX": self.prefix,
            "VESTNIK_DATABASE_URL": self.database,
        }

    @asynccontextmanager
    async def running(self, service: Service, *subscriptions: Subscription) -> AsyncIterator[Bus]:
        """A started bus of the service; stopped gracefully at the end."""
        pool = await open_pool(self.database, service)
        bus = make_bus(self.settings, service, self.database, pool)
        for subscription in subscriptions:
            bus.subscribe(subscription)
        await bus.start()
        try:
            yield bus
        finally:
            await bus.stop()
            await pool.close()

    @asynccontextmanager
    async def writing(self, topic: Topic) -> AsyncIterator[None]:
        """The topic's writers run too: where records pass through a broker, their relay carries them."""
        if self.address == "postgres":
            yield
            return
        first, *_ = WRITERS[topic]
        async with self.running(first):
            yield

    async def prepare_effects(self) -> None:
        await self.ask(_EFFECTS)

    async def publish(self, service: Service, topic: Topic, *records: tuple[str, str]) -> None:
        """(key, value) records in one transaction of their own."""
        connection = await asyncpg.connect(self.database)
        try:
            await outbox.append(connection, service, topic, [(key, value.encode()) for key, value in records])
        finally:
            await connection.close()

    async def ask(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.database)
        try:
            if arguments:
                return await connection.fetch(query, *arguments)
            if query.lstrip().upper().startswith("SELECT"):
                return await connection.fetch(query)
            await connection.execute(query)
            return []
        finally:
            await connection.close()

    async def effects(self, group: str) -> list[str]:
        """Values seen by a group, in the order of their first effect."""
        return [
            row["value"]
            for row in await self.ask("SELECT value FROM effect WHERE bus_group = $1 ORDER BY seq", group)
        ]

    async def dead_letters(self, service: Service) -> list[asyncpg.Record]:
        return await self.ask(f"SELECT * FROM {service.schema}.dead_letter ORDER BY id")


async def eventually(condition: Callable[[], Awaitable[object]]) -> None:
    """Wait until the condition holds; the test's own time limit ends a wait in vain."""
    while not await condition():
        await asyncio.sleep(0.02)


def in_order(values: Sequence[str]) -> bool:
    """Whether values written `key/number` ascend for every key."""
    last: dict[str, int] = {}
    for value in values:
        key, _, number = value.rpartition("/")
        if last.get(key, -1) >= int(number):
            return False
        last[key] = int(number)
    return True
