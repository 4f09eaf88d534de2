"""Claiming messages for a while: whoever holds the lease may send and settle them (DESIGN §7).

The lease ends by the database's clock. A claim is one statement; `SKIP LOCKED` keeps two
senders from waiting for each other.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import asyncpg

from dispatcher.messages import Move, Moved, Status, move
from dispatcher.view import Kind
from shared.categories import Channel
from shared.db import AnyConnection

LEASE = timedelta(seconds=60)
HEARTBEAT_SECONDS = 15.0
NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message in hand. `attempts` counts this one; `deadline` and `expires_at` are school time."""

    message: UUID
    lease: UUID
    school: str
    guardian: str
    channel: Channel
    kind: Kind
    due_at: datetime
    deadline: datetime | None
    expires_at: datetime | None
    period: tuple[date, date] | None
    composed_at: datetime
    attempts: int


# Immediate news goes before digests. A paused channel is left alone, its messages wait. The instant
# is the statement's, which an index can look up; clock_timestamp() would read all that wait for later.
_CLAIM = """
WITH due AS (
    SELECT id FROM dispatch.message
    WHERE status = 'composed' AND channel = $1 AND next_attempt_at <= statement_timestamp() AND due_at <= $2
      AND NOT EXISTS (SELECT FROM dispatch.channel_pause WHERE channel_pause.channel = $1)
    ORDER BY kind <> 'immediate', next_attempt_at
    LIMIT $3 FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE dispatch.message m SET
        status = 'sending', lease = $4, lease_until = clock_timestamp() + $5::interval,
        attempts = attempts + 1
    FROM due WHERE m.id = due.id
    RETURNING m.*
), written AS (
    INSERT INTO dispatch.message_history (message, from_status, to_status, actor)
    SELECT id, 'composed', 'sending', $6 FROM claimed
)
SELECT * FROM claimed ORDER BY kind <> 'immediate', next_attempt_at, id
"""


async def claim(
    connection: AnyConnection,
    *,
    channel: Channel,
    school_now: datetime,
    limit: int,
    lease: UUID,
    actor: str,
) -> list[Claimed]:
    """Take up to `limit` messages that are due, under one lease token."""
    rows = await connection.fetch(_CLAIM, channel.value, school_now, limit, lease, LEASE, actor)
    return [_claimed(row) for row in rows]


_NEXT = """
SELECT extract(epoch FROM min(first.next_attempt_at) - statement_timestamp())::float8
FROM (VALUES (false), (true)) AS kinds(digest), LATERAL (
    SELECT next_attempt_at FROM dispatch.message
    WHERE status = 'composed' AND channel = $1 AND (kind <> 'immediate') = digest
      AND next_attempt_at > statement_timestamp()
    ORDER BY next_attempt_at LIMIT 1
) AS first
"""


async def seconds_to_next(connection: AnyConnection, channel: Channel) -> float | None:
    """Until the first message that waits for a later attempt may go; None if none waits."""
    seconds: float | None = await connection.fetchval(_NEXT, channel.value)
    return seconds


async def waiting(
    connection: AnyConnection,
    channels: Collection[Channel],
    *,
    after: UUID,
    school_now: datetime,
    deadline_within: timedelta,
    immediate_waits: timedelta,
    any_waits: timedelta,
    limit: int,
) -> list[Claimed]:
    """Messages of channels that are down, by id, which should not wait any longer; locked, not claimed
    (their lease is nobody's). `*_waits`: real time since they were composed."""
    rows = await connection.fetch(
        """SELECT * FROM dispatch.message
           WHERE status = 'composed' AND channel = ANY($1::text[]) AND due_at <= $3 AND id > $2
             AND composed_at < clock_timestamp() - $6::interval
             AND (deadline < $3 + $4::interval
                  OR kind = 'immediate' AND composed_at < clock_timestamp() - $5::interval)
           ORDER BY id LIMIT $7 FOR UPDATE SKIP LOCKED""",
        [channel.value for channel in channels],
        after,
        school_now,
        deadline_within,
        immediate_waits,
        any_waits,
        limit,
    )
    return [_claimed(row) for row in rows]


async def claim_these(
    connection: AnyConnection, messages: Collection[UUID], *, lease: UUID, actor: str
) -> list[Claimed]:
    """Composed messages, whatever their channel's state."""
    rows = await connection.fetch(
        """WITH claimed AS (
               UPDATE dispatch.message m SET
                   status = 'sending', lease = $2, lease_until = clock_timestamp() + $3::interval
               WHERE id = ANY($1::uuid[]) AND status = 'composed' RETURNING m.*
           ), written AS (
               INSERT INTO dispatch.message_history (message, from_status, to_status, actor)
               SELECT id, 'composed', 'sending', $4 FROM claimed
           )
           SELECT * FROM claimed ORDER BY id""",
        sorted(messages),
        lease,
        LEASE,
        actor,
    )
    return [_claimed(row) for row in rows]


async def extend(connection: AnyConnection, leases: Iterable[tuple[UUID, UUID]]) -> int:
    """Heartbeat for (message, lease) pairs still in hand; how many were still ours."""
    pairs = sorted(leases)
    status: str = await connection.execute(
        """UPDATE dispatch.message m SET lease_until = clock_timestamp() + $3::interval
           FROM unnest($1::uuid[], $2::uuid[]) AS held(id, lease)
           WHERE m.id = held.id AND m.lease = held.lease""",
        [message for message, _ in pairs],
        [lease for _, lease in pairs],
        LEASE,
    )
    return int(status.rpartition(" ")[2])


async def release_expired(connection: AnyConnection, *, actor: str, limit: int = 500) -> Sequence[Moved]:
    """Leases that ran out: e-mail and push go out again (same Message-ID, same Topic); an SMS may have
    been accepted, so it is unknown until the gateway's list tells."""
    rows = await connection.fetch(
        """SELECT id, channel, lease FROM dispatch.message
           WHERE status = 'sending' AND lease_until < clock_timestamp()
           ORDER BY lease_until LIMIT $1 FOR UPDATE SKIP LOCKED""",
        limit,
    )
    moves = [
        Move(
            row["id"],
            Status.UNKNOWN if row["channel"] == Channel.SMS.value else Status.COMPOSED,
            before=Status.SENDING,
            lease=row["lease"],
            reason="lease_ran_out",
        )
        for row in rows
    ]
    return await move(connection, moves, actor=actor)


def _claimed(row: asyncpg.Record) -> Claimed:
    period = (row["period_from"], row["period_to"]) if row["period_from"] is not None else None
    return Claimed(
        message=row["id"],
        lease=row["lease"] or NOBODY,
        school=row["school"],
        guardian=row["guardian"],
        channel=Channel(row["channel"]),
        kind=Kind(row["kind"]),
        due_at=row["due_at"],
        deadline=row["deadline"],
        expires_at=row["expires_at"],
        period=period,
        composed_at=row["composed_at"],
        attempts=row["attempts"],
    )
