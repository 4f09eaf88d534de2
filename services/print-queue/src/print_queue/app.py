"""The composition root of the print queue."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg

from print_queue import ledger, outcomes
from print_queue.batches import Batches
from print_queue.closer import JOB, Closer
from print_queue.erasing import PaperEraser
from print_queue.printing import print_week
from shared.bus.base import Bus, Subscription
from shared.bus.lead import Bell, Pulse, lead
from shared.bus.make import make_bus
from shared.db import DATABASE_AWAY, open_pool
from shared.erasure import Step, Worker
from shared.schema import SchemaOutdated, require_current
from shared.service import Context, Part
from shared.topics import Service
from shared.web.site import Site

__all__ = ["PrintQueue", "build", "print_week", "subscriptions"]

_SILENCE = timedelta(minutes=3)  # longer than any round of a whole school takes
_STUCK = "SELECT count(*) FROM paper.batch WHERE sha256 IS NULL AND id < uuidv7(interval '-10 minutes')"


def subscriptions() -> list[Subscription]:
    """What the print queue reads from the bus; also for dead letters given again."""
    return [ledger.subscription(), outcomes.subscription()]


class PrintQueue:
    """Keeps the ledger from the bus and closes weeks. Pages below `/print` come from `app`."""

    path = "/print"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._pool: asyncpg.Pool | None = None
        self.site = Site("print_queue", self.path, context.settings, pool_of=lambda: self._pool)
        self.app = self.site.app
        self._bus: Bus | None = None
        self._bell, self._pulse = Bell(), Pulse()
        self._closer: asyncio.Task[None] | None = None
        self._eraser: asyncio.Task[None] | None = None

    async def start(self) -> None:
        context = self._context
        pool = await open_pool(context.database_url, Service.PRINT_QUEUE)
        try:
            async with pool.acquire() as connection:
                await require_current(connection)
            bus = make_bus(context.settings, Service.PRINT_QUEUE, context.database_url, pool)
            for subscription in subscriptions():
                bus.subscribe(subscription)
            await bus.start()
        except BaseException:
            await pool.close()
            raise
        self._pool, self._bus = pool, bus
        self._bell, self._pulse = Bell(), Pulse()
        closer = Closer(
            Batches(pool, context.settings, context.clock), waits_for_bus=context.settings.bus == "postgres"
        )
        self._pulse.beat()
        self._closer = asyncio.create_task(
            lead(context.database_url, Service.PRINT_QUEUE, JOB, closer.run, self._bell, self._pulse),
            name=JOB,
        )
        worker = Worker({Step.PAPER: PaperEraser(context.settings.data / "paper")})
        self._eraser = asyncio.create_task(
            lead(context.database_url, Service.PRINT_QUEUE, "erase paper", worker.run, self._bell, Pulse()),
            name="erase paper",
        )

    async def stop(self) -> None:
        self._bell.stop()
        if self._closer is not None:
            await self._closer
        if self._eraser is not None:
            await self._eraser
        if self._bus is not None:
            await self._bus.stop()
        if self._pool is not None:
            await self._pool.close()
        self._closer = self._eraser = self._bus = self._pool = None

    async def problems(self) -> list[str]:
        if self._pool is None or self._bus is None:
            return ["печать не запущена"]
        found = []
        try:
            async with self._pool.acquire() as connection:
                await require_current(connection)
                if stuck := await connection.fetchval(_STUCK):
                    found.append(f"не свёрстано пачек листов: {stuck}; причина — в журнале событий")
        except SchemaOutdated as old:
            return [str(old)]
        except DATABASE_AWAY as away:
            return [f"база данных недоступна ({type(away).__name__})"]
        if not self._bus.healthy():
            found.append("шина не отвечает: новые записи журнала в листы не попадают")
        if self._pulse.last is None or self._pulse.last < datetime.now(UTC) - _SILENCE:
            found.append("закрытие недель остановилось")
        return found


def build(context: Context) -> Part:
    """Makes the service; nothing is opened before `start`."""
    return PrintQueue(context)
