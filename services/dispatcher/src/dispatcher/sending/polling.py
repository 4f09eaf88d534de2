"""Asking the gateway what became of SMS it took: callbacks are lost while we are down, and an installation
without a public address never gets one.

Few at a time and ever more rarely. Every replica polls; `SKIP LOCKED` keeps them apart.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import asyncpg
import structlog

from dispatcher.channels.smsaero_client import ListUnavailable, Said
from dispatcher.sending.attempts import FIRST_POLL
from dispatcher.sending.sms_news import hear
from shared.clock import Clock
from shared.db import DATABASE_AWAY, AnyConnection

log = structlog.get_logger()

ACTOR = "poller"
EVERY_SECONDS = 5.0
AT_ONCE = 20
"""So many are asked about in one round, one after another: four a second at most."""
POLLS = (
    FIRST_POLL,
    timedelta(minutes=10),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (1, 2, 4, 8, 16, 24, 48, 72)),
)
"""At which age an accepted SMS is asked about. After the last it stays accepted: operators themselves
keep trying for a day or two, and say no more after three."""
_HOLD = timedelta(minutes=2)
_SOON = timedelta(minutes=1)


class Statuses(Protocol):
    """The gateway's word on one SMS (dispatcher.channels.sms)."""

    async def status(self, provider_id: str) -> Said | None:
        """None: it knows of no such SMS. Raises ListUnavailable."""


@dataclass(frozen=True, slots=True)
class Due:
    """An accepted SMS to ask about. `age` since its acceptance."""

    attempt: UUID
    provider_id: str
    age: timedelta


def next_poll(age: timedelta) -> timedelta | None:
    """How long after now to ask again about an SMS of this age; None: that was the last time."""
    return next((at - age for at in POLLS if at > age), None)


class Poller:
    """Runs until stopped."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock, *, statuses: Statuses) -> None:
        self._pool = pool
        self._clock = clock
        self._statuses = statuses
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self.round()
            except DATABASE_AWAY as error:
                log.warning("poll.interrupted", error=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), EVERY_SECONDS)

    async def round(self) -> None:
        """Ask about those due. A gateway that does not answer is left alone for a minute."""
        due = await self._due()
        for n, one in enumerate(due):
            if self._stopping.is_set():
                return
            try:
                said = await self._statuses.status(one.provider_id)
            except ListUnavailable as error:
                log.warning("poll.no_answer", error=str(error))
                await self._later(due[n:])
                return
            await self._note(one, said)

    async def _due(self) -> list[Due]:
        rows = await self._pool.fetch(
            """UPDATE dispatch.sms_attempt a SET poll_at = clock_timestamp() + $1::interval
               FROM (
                   SELECT id FROM dispatch.sms_attempt
                   WHERE poll_at <= clock_timestamp() AND provider_id IS NOT NULL
                   ORDER BY poll_at LIMIT $2 FOR UPDATE SKIP LOCKED
               ) AS due WHERE a.id = due.id
               RETURNING a.id, a.provider_id, clock_timestamp() - a.settled_at AS age""",
            _HOLD,
            AT_ONCE,
        )
        return [Due(row["id"], row["provider_id"], row["age"]) for row in rows]

    async def _later(self, due: Sequence[Due]) -> None:
        await self._pool.execute(
            """UPDATE dispatch.sms_attempt SET poll_at = clock_timestamp() + $2::interval
               WHERE id = ANY($1::uuid[]) AND poll_at IS NOT NULL""",
            [one.attempt for one in due],
            _SOON,
        )

    async def _note(self, one: Due, said: Said | None) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            if said is not None:
                await hear(
                    connection,
                    one.provider_id,
                    said.status,
                    actor=ACTOR,
                    clock=self._clock,
                    cost=said.cost,
                )
            wait = next_poll(one.age)
            if wait is not None:
                await connection.execute(
                    """UPDATE dispatch.sms_attempt SET poll_at = clock_timestamp() + $2::interval
                       WHERE id = $1 AND poll_at IS NOT NULL""",
                    one.attempt,
                    wait,
                )
            else:
                await _give_up(connection, one)


async def _give_up(connection: AnyConnection, one: Due) -> None:
    """It stays accepted, and says so."""
    asked = await connection.fetchval(
        """UPDATE dispatch.sms_attempt SET poll_at = NULL WHERE id = $1 AND poll_at IS NOT NULL
           RETURNING true""",
        one.attempt,
    )
    if asked:
        log.info("sms.no_receipt")
        await connection.execute(
            """UPDATE dispatch.message SET reason = 'no_receipt'
               WHERE provider_id = $1 AND channel = 'sms' AND status = 'accepted'""",
            one.provider_id,
        )
