"""One at a time: a job done by one process of all, on a connection that holds its lock.

The work runs on the very connection that holds the advisory lock, so whoever lost the lock
has lost its transaction too: two leaders can never both commit.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import asyncpg
import structlog

from shared.bus.faults import describe, pause
from shared.db import connect, hang_up
from shared.topics import Service

log = structlog.get_logger()

_STANDBY_SECONDS = 1.0


class Pulse:
    """When a job last went round, real time."""

    def __init__(self) -> None:
        self.last: datetime | None = None

    def beat(self) -> None:
        self.last = datetime.now(UTC)


class Bell:
    """Wakes a sleeping job: by NOTIFY of one of its topics, or by the order to stop."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self.stopping = False

    def ring(self) -> None:
        self._rung.set()

    def stop(self) -> None:
        self.stopping = True
        self._rung.set()

    async def sleep(self, seconds: float) -> None:
        """Until it rings (also if it rang since the last sleep ended), at most so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        if not self.stopping:
            self._rung.clear()


async def keep_pace(began: float, seconds: float) -> None:
    """Until so long after `began` (monotonic)."""
    await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))


Work = Callable[[asyncpg.Connection, Bell, Pulse], Awaitable[None]]
"""Goes round until `bell.stopping`, beating the pulse each time."""


async def lead(url: str, service: Service, job: str, work: Work, bell: Bell, pulse: Pulse) -> None:
    """Do the job whenever no other process does, until the bell says stop; reconnect for ever."""
    failures = 0
    while not bell.stopping:
        started = pulse.last
        try:
            await _lead_once(url, service, job, work, bell, pulse)
        except Exception as error:  # noqa: BLE001 - a job never ends but by the order to stop
            failures = 1 if pulse.last != started else failures + 1
            log.warning("bus.job_interrupted", job=job, error=describe(error), failures=failures)
            await bell.sleep(pause(failures))


async def _lead_once(url: str, service: Service, job: str, work: Work, bell: Bell, pulse: Pulse) -> None:
    connection = await connect(url, service)
    try:
        while not await connection.fetchval(
            "SELECT pg_try_advisory_lock(hashtextextended($1, 0))", f"vestnik {job}"
        ):
            pulse.beat()
            await bell.sleep(_STANDBY_SECONDS)
            if bell.stopping:
                return
        log.info("bus.job_taken", job=job)
        await work(connection, bell, pulse)
    finally:
        await hang_up(connection)
