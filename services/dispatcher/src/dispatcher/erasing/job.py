"""The scheduled job: gives the orders that are due, does the dispatcher's part, closes what every service
has done, and speaks up when a legal term has passed (R-B7, R-B8)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import asyncpg
import structlog
from prometheus_client import Gauge

from dispatcher.erasing import due, orders
from dispatcher.erasing.eraser import DeliveryEraser
from dispatcher.outcomes import notify_staff
from dispatcher.working_days import WorkingDays
from shared.audit import note
from shared.bus.lead import Bell, Pulse
from shared.clock import Clock
from shared.db import AnyConnection
from shared.erasure import Step, Worker
from shared.settings import Profile, zone
from shared.topics import Service

log = structlog.get_logger()

JOB = "erase"
_EVERY_SECONDS = 2.0
_LOOK_SECONDS = 30.0
_REMIND_AFTER = timedelta(days=1)

_OPEN = Gauge("vestnik_erasures_open", "Orders of destruction not carried out in full")
_LATE = Gauge("vestnik_erasures_late", "Withdrawals and leavings whose legal term has passed")


class ErasureJob:
    """`run` is a job for `lead`."""

    def __init__(
        self, clock: Clock, *, data: Path, days: WorkingDays, profile_of: Callable[[str], Profile]
    ) -> None:
        self._clock = clock
        self._data = data
        self._days = days
        self._profile_of = profile_of
        self._look_at = 0.0
        self._worker = Worker({Step.DELIVERY: DeliveryEraser()})

    async def run(self, connection: asyncpg.Connection, bell: Bell, pulse: Pulse) -> None:
        while not bell.stopping:
            await self.round(connection)
            pulse.beat()
            await bell.sleep(_EVERY_SECONDS)

    async def round(self, connection: asyncpg.Connection) -> None:
        """Everything that is due now."""
        now = asyncio.get_running_loop().time()
        if now >= self._look_at:
            self._look_at = now + _LOOK_SECONDS
            await self._give_orders(connection)
        await self._worker.round(connection)
        for order in await orders.finished(connection):
            await orders.close(connection, order, data=self._data)
        _OPEN.set(
            await connection.fetchval("SELECT count(*) FROM consent.erasure WHERE completed_at IS NULL")
        )

    async def _give_orders(self, connection: asyncpg.Connection) -> None:
        late = 0
        for school, timezone in await connection.fetch("SELECT school, timezone FROM roster.school"):
            today = self._clock.now().astimezone(zone(timezone)).date()
            profile = self._profile_of(school)
            async with connection.transaction():
                await lock(connection, school)
                ripe = await due.due_withdrawals(connection, school, today, days=self._days, profile=profile)
                leavings = await due.due_leavings(connection, school, today)
                for one in ripe + leavings.orders:
                    await orders.give(connection, one, data=self._data, who="vestnik")
                if leavings.held:
                    await self._remind(connection, school, "erasure_braked", leavings=leavings.held)
                if passed := await overdue(connection, school, today):
                    await self._remind(connection, school, "erasure_overdue", late=passed)
                late += passed
        _LATE.set(late)

    async def _remind(self, connection: AnyConnection, school: str, kind: str, **number: int) -> None:
        """Staff are told at once, and once a day while it stays so."""
        action = kind.replace("_", ".")
        if await connection.fetchval(
            """SELECT EXISTS (SELECT FROM dispatch.audit WHERE about = $1 AND action = $2
                   AND at > clock_timestamp() - $3::interval)""",
            *(school, action, _REMIND_AFTER),
        ):
            return
        await note(connection, Service.DISPATCHER, "vestnik", action, school=school, about=school)
        facts = {name: str(value) for name, value in number.items()}
        await notify_staff(connection, kind=kind, at=self._clock.now(), school=school, **facts)
        log.error("erasure.reminded", kind=kind, school=school, **number)


async def lock(connection: AnyConnection, school: str) -> None:
    """Orders of a school are given by one at a time, in the caller's transaction."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"erasure {school}")


async def overdue(connection: AnyConnection, school: str, today: date) -> int:
    """Withdrawals and leavings of a school whose last day has passed and whose data are still here."""
    number: int = await connection.fetchval(
        """SELECT (SELECT count(*) FROM consent.withdrawal
                   WHERE school = $1 AND destroyed_at IS NULL AND voided_at IS NULL AND destroy_by < $2)
                + (SELECT count(*) FROM consent.erasure
                   WHERE school = $1 AND completed_at IS NULL AND destroy_by < $2
                     AND cause <> 'withdrawal')""",
        *(school, today),
    )
    return number + len(await due.left(connection, school, today - timedelta(days=due.LEFT_TERM + 1)))


@dataclass(frozen=True, slots=True)
class Pending:
    """Withdrawals whose data are still here, and how many of them past their last day."""

    waiting: int
    late: int


async def pending(connection: AnyConnection, today: date, *, school: str | None = None) -> Pending:
    """Of one school or of all, for `vestnik status`."""
    row = await connection.fetchrow(
        """SELECT count(*) AS waiting, count(*) FILTER (WHERE destroy_by < $2) AS late
           FROM consent.withdrawal
           WHERE destroyed_at IS NULL AND voided_at IS NULL AND ($1::text IS NULL OR school = $1)""",
        *(school, today),
    )
    assert row is not None
    return Pending(row["waiting"], row["late"])
