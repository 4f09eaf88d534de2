"""Ingest put together: the journals' door and the bus that carries changes on."""

import asyncio

import asyncpg

from ingest import api
from ingest.erasing import JournalEraser, ListsEraser
from shared.bus.base import Bus
from shared.bus.lead import Bell, Pulse, lead
from shared.bus.make import make_bus
from shared.db import DATABASE_AWAY, open_pool
from shared.erasure import Step, Worker
from shared.schema import SchemaOutdated, require_current
from shared.service import Context, Part
from shared.topics import Service
from shared.web.site import Site


class Ingest:
    """The service as `shared.service.Part`."""

    path = "/ingest"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._pool: asyncpg.Pool | None = None
        self._bus: Bus | None = None
        self._bell = Bell()
        self._eraser: asyncio.Task[None] | None = None
        self.site = Site("ingest", self.path, context.settings, pool_of=lambda: self._pool)
        self.app = self.site.app
        self.app.include_router(api.routes(lambda: self._pool, context.clock))

    async def start(self) -> None:
        """Raises SchemaOutdated, or what the database or the bus answers, and leaves nothing open."""
        pool = await open_pool(self._context.database_url, Service.INGEST)
        try:
            async with pool.acquire() as connection:
                await require_current(connection)
            bus = make_bus(self._context.settings, Service.INGEST, self._context.database_url, pool)
            await bus.start()
        except BaseException:
            await pool.close()
            raise
        self._pool, self._bus, self._bell = pool, bus, Bell()
        report = self._context.settings.data / "refused-lists.txt"
        worker = Worker({Step.JOURNAL: JournalEraser(report), Step.LISTS: ListsEraser()})
        self._eraser = asyncio.create_task(
            lead(
                self._context.database_url, Service.INGEST, "erase journal", worker.run, self._bell, Pulse()
            ),
            name="erase journal",
        )

    async def stop(self) -> None:
        pool, self._pool = self._pool, None
        self._bell.stop()
        if self._eraser is not None:
            await self._eraser
            self._eraser = None
        if self._bus is not None:
            await self._bus.stop()
            self._bus = None
        if pool is not None:
            await pool.close()

    async def problems(self) -> list[str]:
        if self._pool is None or self._bus is None:
            return ["служба не запущена"]
        try:
            async with self._pool.acquire(timeout=5) as connection:
                await require_current(connection)
        except SchemaOutdated as old:
            return [str(old)]
        except DATABASE_AWAY as away:
            return [f"база данных недоступна ({type(away).__name__})"]
        return [] if self._bus.healthy() else ["шина сообщений не движется"]


def build(context: Context) -> Part:
    return Ingest(context)
