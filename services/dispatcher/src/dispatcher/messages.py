"""The life of a message: one total table of transitions, applied as compare-and-set (DESIGN §7).

`move` is the only way a status changes (claiming is its mass form, `sending/claims.py`): the new
status, its facts and the row of the history are one statement, and what the table does not
allow simply matches no row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from shared.db import AnyConnection

SENT_AGAIN = ("same_name_again", "lease_ran_out")
"""Why a message goes back to waiting though its last attempt may have arrived."""
PERHAPS_TOLD = "perhaps_told"
"""The reason of a decision that gave way to a newer revision after such an attempt."""


class Status(StrEnum):
    """Where a message stands."""

    COMPOSED = "composed"
    SENDING = "sending"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def pending(self) -> bool:
        """Still ours to bring to an end."""
        return self in {Status.COMPOSED, Status.SENDING, Status.UNKNOWN}

    @property
    def told(self) -> bool:
        """Whether the family has it, or may have it by now: what follows is a correction."""
        return self in {Status.SENDING, Status.UNKNOWN, Status.ACCEPTED, Status.DELIVERED}


TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.COMPOSED: frozenset({Status.SENDING, Status.CANCELLED, Status.EXPIRED}),
    Status.SENDING: frozenset(
        {
            Status.ACCEPTED,
            Status.COMPOSED,  # retry later
            Status.UNKNOWN,
            Status.FAILED,
            Status.CANCELLED,  # nothing left to say, found after the claim
            Status.EXPIRED,
        }
    ),
    Status.UNKNOWN: frozenset({Status.ACCEPTED, Status.COMPOSED}),
    Status.ACCEPTED: frozenset({Status.DELIVERED, Status.FAILED}),
    Status.DELIVERED: frozenset(),
    Status.FAILED: frozenset({Status.COMPOSED}),  # replay, or the next address or channel
    Status.CANCELLED: frozenset(),
    Status.EXPIRED: frozenset(),
}
"""From each status, where a message may go. The history table holds the same list as a CHECK."""


def allowed(before: Status, after: Status) -> bool:
    return after in TRANSITIONS[before]


@dataclass(frozen=True, slots=True)
class Move:
    """One wished change. `before` narrows the statuses it may leave; `lease` is the claimer's token.

    `again_in` is when a message that goes back to waiting (composed, unknown) is looked at next;
    `attempted` False: it was claimed and not sent, so the claim's attempt does not count.
    """

    message: UUID
    after: Status
    before: Status | None = None
    lease: UUID | None = None
    reason: str | None = None
    again_in: timedelta | None = None
    provider_id: str | None = None
    cost: float | None = None
    attempted: bool = True


@dataclass(frozen=True, slots=True)
class Moved:
    """A change that took place."""

    message: UUID
    before: Status
    after: Status


_PAIRS = ", ".join(
    f"('{before.value}', '{after.value}')"
    for before, afters in TRANSITIONS.items()
    for after in sorted(afters)
)

_MOVE = f"""
WITH asked AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::interval[], $7::text[], $8::numeric[],
        $11::boolean[]
    ) AS asked(id, after, before, lease, reason, again_in, provider_id, cost, attempted)
), locked AS (
    SELECT id FROM dispatch.message WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE
), moved AS (
    UPDATE dispatch.message m SET
        status = asked.after,
        reason = asked.reason,
        attempts = greatest(0, m.attempts - (NOT asked.attempted)::integer),
        next_attempt_at = clock_timestamp() + coalesce(asked.again_in, '0'::interval),
        lease = NULL,
        lease_until = NULL,
        provider_id = coalesce(asked.provider_id, m.provider_id),
        cost = coalesce(asked.cost, m.cost),
        told_at = CASE WHEN asked.after = 'accepted' THEN $10::timestamptz ELSE m.told_at END,
        settled_at = CASE
            WHEN asked.after IN ('accepted', 'delivered', 'failed', 'cancelled', 'expired')
            THEN clock_timestamp()
        END
    FROM asked
    JOIN locked USING (id)
    JOIN (VALUES {_PAIRS}) AS allowed(before, after) USING (after)
    WHERE m.id = asked.id
      AND m.status = allowed.before
      AND (asked.before IS NULL OR asked.before = m.status)
      AND (asked.lease IS NULL OR asked.lease = m.lease)
      AND asked.after <> 'sending'
    RETURNING m.id, old.status AS before, m.status AS after, m.reason
), written AS (
    INSERT INTO dispatch.message_history (message, from_status, to_status, reason, actor)
    SELECT id, before, after, reason, $9 FROM moved
)
SELECT id, before, after FROM moved
"""


async def move(
    connection: AnyConnection, moves: Iterable[Move], *, actor: str, school_now: datetime | None = None
) -> list[Moved]:
    """Apply what the table allows, at most one change per message; the rest matches nothing and is
    left out of the answer. `school_now` is noted as the time a family was told."""
    rows: Sequence[Move] = list(moves)
    if not rows:
        return []
    done = await connection.fetch(
        _MOVE,
        [row.message for row in rows],
        [row.after.value for row in rows],
        [row.before.value if row.before is not None else None for row in rows],
        [row.lease for row in rows],
        [row.reason for row in rows],
        [row.again_in for row in rows],
        [row.provider_id for row in rows],
        [row.cost for row in rows],
        actor,
        school_now,
        [row.attempted for row in rows],
    )
    return [Moved(row["id"], Status(row["before"]), Status(row["after"])) for row in done]


async def perhaps_told(connection: AnyConnection, messages: Sequence[UUID]) -> frozenset[UUID]:
    """Those of which an attempt may have arrived, whatever their status says now."""
    rows = await connection.fetch(
        """SELECT DISTINCT message FROM dispatch.message_history
           WHERE message = ANY($1::uuid[]) AND to_status = 'composed' AND reason = ANY($2::text[])""",
        messages,
        SENT_AGAIN,
    )
    return frozenset(row["message"] for row in rows)
