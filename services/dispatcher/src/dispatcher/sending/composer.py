"""The composer at work: one among all replicas, a bounded batch a transaction, no group split.

A guardian's group is split only when a part of it is locked elsewhere at that very moment
(a correction being planned); the rest follows as a late-comer.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import structlog

from dispatcher.compose import Draft, Due, compose
from dispatcher.sending.weekly import WeeklyEmails
from dispatcher.wakeups import SEND, wake
from shared.categories import Channel, Mode
from shared.clock import Clock
from shared.db import DATABASE_AWAY, AnyConnection
from shared.settings import zone

log = structlog.get_logger()

BATCH = 5_000
POLL_SECONDS = 1.0
"""Wake-ups do not wait for this; it finds what became due by itself, and what a lost one told of."""
PACE_SECONDS = 0.1
"""From the start of one round to the next: under load so much is gathered into one transaction."""
_LOCK = 0x434F_4D50  # "COMP": one active composer among replicas

# In order of groups, not joined with themselves: the due rows are read and sorted once a batch,
# whatever PostgreSQL believes of a table that has just filled up.
_DUE = """
SELECT d.change, d.school, d.guardian, d.channel, d.mode, d.due_at, d.deadline, d.expires_at, s.timezone
FROM dispatch.decision d JOIN roster.school s USING (school)
WHERE d.verdict = 'tell' AND d.message IS NULL AND d.cancelled_by IS NULL AND d.due_at <= $1
ORDER BY d.school, d.guardian, d.channel
LIMIT $2
FOR UPDATE OF d SKIP LOCKED
"""

_INSERT = """
INSERT INTO dispatch.message
    (school, guardian, channel, kind, due_at, deadline, expires_at, period_from, period_to)
SELECT school, guardian, channel, kind, due_at, deadline, expires_at, period_from, period_to
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[],
    $7::timestamptz[], $8::date[], $9::date[]
) WITH ORDINALITY AS
    draft(school, guardian, channel, kind, due_at, deadline, expires_at, period_from, period_to, place)
ORDER BY place
RETURNING id
"""

_ATTACH = """
UPDATE dispatch.decision d SET message = made.message
FROM unnest($1::uuid[], $2::text[], $3::uuid[]) AS made(change, guardian, message)
WHERE d.change = made.change AND d.guardian = made.guardian
  AND d.message IS NULL AND d.cancelled_by IS NULL
"""


@dataclass(frozen=True, slots=True)
class _Batch:
    """`more`: another may be due already."""

    messages: int
    more: bool


class Composer:
    """Runs until stopped; `wake` cuts its sleep short (planning committed something). Senders of all
    replicas are woken by what it commits."""

    def __init__(
        self, pool: asyncpg.Pool, clock: Clock, *, weekly: WeeklyEmails, poll: float = POLL_SECONDS
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._weekly = weekly
        self._poll = poll
        self._awake = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        self._awake.set()

    def stop(self) -> None:
        self._stopping = True
        self._awake.set()

    async def run(self) -> None:
        """Never ends but by stop: what the database cannot do now is tried again."""
        while not self._stopping:
            self._awake.clear()
            began = time.monotonic()
            try:
                while (await self._batch()).more and not self._stopping:
                    pass
                pause = await self._until_next()
            except DATABASE_AWAY as error:
                log.warning("compose.interrupted", error=type(error).__name__)
                pause = self._poll
            if not self._stopping:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._awake.wait(), pause)
                await asyncio.sleep(max(0.0, began + PACE_SECONDS - time.monotonic()))

    async def round(self) -> int:
        """Compose one batch; how many messages it made. 0 also when another replica composes."""
        return (await self._batch()).messages

    async def _batch(self) -> _Batch:
        async with self._pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
                return _Batch(0, more=False)  # whoever composes is woken too
            now = self._clock.now()
            found = await connection.fetch(_DUE, now, BATCH)
            rows = _whole_groups(found)
            drafts = compose(map(_due, rows), {row["school"]: zone(row["timezone"]) for row in rows})
            if not drafts:
                drafts = await self._weekly.empty_ones(connection, now)
            await store(connection, drafts)
        if drafts:
            log.info("compose.composed", messages=len(drafts), decisions=len(rows))
        return _Batch(len(drafts), more=len(found) == BATCH or (bool(drafts) and not rows))

    async def _until_next(self) -> float:
        """Real seconds to sleep: to the next due instant, but no longer than a poll."""
        upcoming: datetime | None = await self._pool.fetchval(
            """SELECT due_at FROM dispatch.decision
               WHERE verdict = 'tell' AND message IS NULL AND cancelled_by IS NULL AND due_at > $1
               ORDER BY due_at LIMIT 1""",
            self._clock.now(),
        )
        return self._poll if upcoming is None else min(self._poll, self._wait(upcoming))

    def _wait(self, instant: datetime) -> float:
        return self._clock.real_seconds_until(instant) + 0.001


async def store(connection: AnyConnection, drafts: Sequence[Draft]) -> None:
    """Write messages and tie their decisions to them, in the caller's transaction, whose commit wakes
    the senders."""
    if not drafts:
        return
    made = await connection.fetch(
        _INSERT,
        [draft.school for draft in drafts],
        [draft.guardian for draft in drafts],
        [draft.channel.value for draft in drafts],
        [draft.kind.value for draft in drafts],
        [draft.due_at for draft in drafts],
        [draft.deadline for draft in drafts],
        [draft.expires_at for draft in drafts],
        [draft.period[0] if draft.period else None for draft in drafts],
        [draft.period[1] if draft.period else None for draft in drafts],
    )
    ties = sorted(
        (change, draft.guardian, row["id"])
        for draft, row in zip(drafts, made, strict=True)
        for change in draft.changes
    )
    await connection.execute(
        _ATTACH, [tie[0] for tie in ties], [tie[1] for tie in ties], [tie[2] for tie in ties]
    )
    await wake(connection, {SEND[draft.channel] for draft in drafts})


def _whole_groups(rows: list[asyncpg.Record]) -> list[asyncpg.Record]:
    """A full batch without its last group, whose end may not be in it; it leads the next batch.
    A group larger than a batch goes in parts."""
    if len(rows) < BATCH:
        return rows
    last = _group(rows[-1])
    return [row for row in rows if _group(row) != last] or rows


def _group(row: asyncpg.Record) -> tuple[str, str, str]:
    return row["school"], row["guardian"], row["channel"]


def _due(row: asyncpg.Record) -> Due:
    return Due(
        change=row["change"],
        school=row["school"],
        guardian=row["guardian"],
        channel=Channel(row["channel"]),
        mode=Mode(row["mode"]),
        due_at=row["due_at"],
        deadline=row["deadline"],
        expires_at=row["expires_at"],
    )
