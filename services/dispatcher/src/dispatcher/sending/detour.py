"""When a channel stays down, what must not wait for it goes another way (R-B10).

A pause or a provider that is away is waited out: the family chose this channel. But immediate news
that has waited an hour, and anything whose deadline is near, takes the next electronic channel that
the family's papers allow. What has no other way waits on, and is late where everybody can see it.
Paper would come later still, so it is no way out of an outage.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import structlog

from dispatcher.outcomes import notify_staff
from dispatcher.sending.claims import Claimed, claim_these, waiting
from dispatcher.sending.prepare import Preparer
from shared.categories import Channel
from shared.clock import Clock
from shared.db import DATABASE_AWAY, AnyConnection

log = structlog.get_logger()

ACTOR = "detour"
EVERY_SECONDS = 10.0
DOWN_FOR = timedelta(minutes=10)
"""A channel down for less (real) is waited for by everything."""
IMMEDIATE_WAITS = timedelta(hours=1)
"""So long (real) immediate news waits for its channel."""
DEADLINE_WITHIN = timedelta(hours=4)
"""So near (school time) a deadline has to be: the next channel may still have quiet hours before it."""
AWAY_NOTICE = timedelta(minutes=5)
_AT_ONCE = 100


class Detour:
    """Runs until stopped, in every replica. `make_preparer` takes the channels that are up."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        clock: Clock,
        *,
        on: frozenset[Channel],
        make_preparer: Callable[[frozenset[Channel]], Preparer],
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._on = on
        self._make_preparer = make_preparer
        self._stopping = asyncio.Event()
        self._seen = UUID(int=0)

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self.round()
            except DATABASE_AWAY as error:
                log.warning("detour.interrupted", error=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), EVERY_SECONDS)

    async def round(self) -> int:
        """Look at the next messages of channels that are down; how many took another way."""
        async with self._pool.acquire() as connection, connection.transaction():
            await self._tell_away(connection)
            down = await _down(connection)
        moved = 0
        while down:
            async with self._pool.acquire() as connection, connection.transaction():
                found = await self._next(connection, down)
                moved += await self._around(connection, found, self._on - down)
            if len(found) < _AT_ONCE:
                break
        return moved

    async def _next(self, connection: AnyConnection, down: Collection[Channel]) -> Sequence[Claimed]:
        """The next hundred in question, from where the last look ended, round and round."""
        found = await waiting(
            connection,
            down,
            after=self._seen,
            school_now=self._clock.now(),
            deadline_within=DEADLINE_WITHIN,
            immediate_waits=IMMEDIATE_WAITS,
            any_waits=DOWN_FOR,
            limit=_AT_ONCE,
        )
        self._seen = found[-1].message if len(found) == _AT_ONCE else UUID(int=0)
        return found

    async def _around(
        self, connection: AnyConnection, found: Sequence[Claimed], up: frozenset[Channel]
    ) -> int:
        if not found or not up:
            return 0
        preparer = self._make_preparer(up)
        going = await preparer.elsewhere(connection, found)
        if going:
            claimed = await claim_these(connection, going, lease=uuid4(), actor=ACTOR)
            left = await preparer.prepare(connection, claimed)
            assert not left, "their channel is down"
            log.info("detour.taken", messages=len(going))
        return len(going)

    async def _tell_away(self, connection: AnyConnection) -> None:
        """Operators hear once of every outage."""
        rows = await connection.fetch(
            """UPDATE dispatch.provider p SET told_at = clock_timestamp()
               WHERE NOT EXISTS (SELECT FROM dispatch.channel_pause c WHERE c.channel = p.channel) AND
               state <> 'closed' AND openings > 0 AND told_at IS NULL
                 AND since < clock_timestamp() - $1::interval
               RETURNING channel, reason""",
            AWAY_NOTICE,
        )
        for row in rows:
            log.error("provider.away", channel=row["channel"])
            await notify_staff(
                connection,
                kind="provider_away",
                at=self._clock.now(),
                channel=row["channel"],
                reason=row["reason"] or "?",
            )


async def _down(connection: AnyConnection) -> frozenset[Channel]:
    """Paused, or away, for long enough. A breaker that only waits for its first probe is not down."""
    rows = await connection.fetch(
        """SELECT channel FROM dispatch.channel_pause WHERE since < clock_timestamp() - $1::interval
           UNION
           SELECT channel FROM dispatch.provider
           WHERE state <> 'closed' AND openings > 0 AND since < clock_timestamp() - $1::interval""",
        DOWN_FOR,
    )
    return frozenset(Channel(row["channel"]) for row in rows)
