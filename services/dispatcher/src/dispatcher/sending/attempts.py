"""What was tried by SMS: committed before the request leaves, so that a crash cannot hide it (DESIGN §7).

At most one attempt with the same number and text is open at a time (a unique index says so);
otherwise the gateway's list could not tell whose row is whose.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from dispatcher.sending import phones
from dispatcher.sending.budget import Budget
from dispatcher.sending.phones import Planned, Wait
from dispatcher.sending.settle import AttemptEnd
from shared.db import AnyConnection

CLOCK_SKEW = timedelta(seconds=30)
"""How far the gateway's clock may be behind ours before its rows count as older than the attempt."""
_LATELY = 1000
FIRST_POLL = timedelta(minutes=2)
"""An accepted SMS of which no callback has come by then is asked about (dispatcher.sending.polling)."""
SAME_SMS_AGAIN = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Attempt:
    """The newest attempt of a message. `age` by the database's clock; `end` None: still open."""

    attempt: UUID
    message: UUID
    number: str
    text: str
    started_at: datetime
    age: timedelta
    asked: int
    provider_id: str | None
    end: AttemptEnd | None


@dataclass(frozen=True, slots=True)
class Control:
    """An SMS the gateway is known to have accepted `age` ago; it was made after `since`."""

    provider_id: str
    number: str
    text: str
    since: datetime
    age: timedelta


def text_hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


async def begin(connection: AnyConnection, planned: Sequence[Planned], *, budget: Budget) -> dict[UUID, Wait]:
    """Open attempts; in a transaction of the caller, which keeps other replicas from the same numbers and
    schools until its end. The answer names those that must wait: the others may go."""
    names = {("number", one.number) for one in planned} | {("school", one.school) for one in planned}
    await lock_names(connection, names)
    rows = await connection.fetch(
        """SELECT number, text_hash, clock_timestamp() - started_at AS age FROM dispatch.sms_attempt
           WHERE number = ANY($1::text[]) AND started_at > clock_timestamp() - $2::interval
             AND outcome IS DISTINCT FROM 'refused'""",
        [one.number for one in planned],
        phones.HOUR,
    )
    earlier = [phones.Earlier(row["number"], row["text_hash"], row["age"]) for row in rows]
    left = await budget.left(connection, {one.school for one in planned})
    going, waits = phones.admit(planned, earlier, left)
    opened = await connection.fetch(
        """INSERT INTO dispatch.sms_attempt (message, number, text, text_hash, school, segments)
           SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::text[], $6::integer[])
           ON CONFLICT (number, text_hash) WHERE settled_at IS NULL DO NOTHING
           RETURNING message""",
        [one.message for one in going],
        [one.number for one in going],
        [one.text for one in going],
        [one.text_hash for one in going],
        [one.school for one in going],
        [one.segments for one in going],
    )
    closed = {one.message for one in going} - {row["message"] for row in opened}
    return waits | {message: Wait("same_sms_open", SAME_SMS_AGAIN) for message in closed}


async def lock_names(connection: AnyConnection, names: Iterable[tuple[str, str]]) -> None:
    """Until the end of the caller's transaction nobody else counts for these: `("school", …)`."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS key", sorted(map(_key, names))
    )


def _key(name: tuple[str, str]) -> int:
    """The advisory lock of a number or a school: a number of 64 bits, and no number of a phone."""
    digest = hashlib.blake2b("\0".join(name).encode(), digest_size=8, person=b"vestnik sms").digest()
    return int.from_bytes(digest, signed=True)


async def end(connection: AnyConnection, ends: Sequence[tuple[UUID, AttemptEnd, str | None]]) -> set[UUID]:
    """Close the open attempts of (message, end, provider_id); the messages whose attempt was open. A
    provider's id that another attempt holds already is not taken a second time."""
    if not ends:
        return set()
    rows = await connection.fetch(
        """UPDATE dispatch.sms_attempt a SET
               outcome = asked.outcome,
               settled_at = clock_timestamp(),
               provider_id = asked.free,
               poll_at = CASE WHEN asked.free IS NOT NULL THEN clock_timestamp() + $4::interval END
           FROM (
               SELECT message, outcome, CASE WHEN NOT EXISTS (
                   SELECT FROM dispatch.sms_attempt o WHERE o.provider_id = given.provider_id
               ) THEN provider_id END AS free
               FROM unnest($1::uuid[], $2::text[], $3::text[]) AS given(message, outcome, provider_id)
           ) AS asked
           WHERE a.message = asked.message AND a.settled_at IS NULL
           RETURNING a.message""",
        [message for message, _, _ in ends],
        [outcome.value for _, outcome, _ in ends],
        [provider_id for _, _, provider_id in ends],
        FIRST_POLL,
    )
    return {row["message"] for row in rows}


async def newest(connection: AnyConnection, messages: Sequence[UUID]) -> dict[UUID, Attempt]:
    """The newest attempt of each message that has one."""
    rows = await connection.fetch(
        """SELECT DISTINCT ON (message) *, clock_timestamp() - started_at AS age
           FROM dispatch.sms_attempt WHERE message = ANY($1::uuid[]) ORDER BY message, id DESC""",
        messages,
    )
    return {
        row["message"]: Attempt(
            attempt=row["id"],
            message=row["message"],
            number=row["number"],
            text=row["text"],
            started_at=row["started_at"],
            age=row["age"],
            asked=row["asked"],
            provider_id=row["provider_id"],
            end=AttemptEnd(row["outcome"]) if row["outcome"] is not None else None,
        )
        for row in rows
    }


async def attached(connection: AnyConnection, provider_ids: Sequence[str]) -> frozenset[str]:
    """Which of the provider's rows belong to some attempt already."""
    rows = await connection.fetch(
        "SELECT provider_id FROM dispatch.sms_attempt WHERE provider_id = ANY($1::text[])", provider_ids
    )
    return frozenset(row["provider_id"] for row in rows)


async def control(
    connection: AnyConnection, ripe: timedelta = timedelta(0), *, after: datetime | None = None
) -> Control | None:
    """What the gateway's list must show. Best is the oldest SMS it accepted of those begun `after` the one
    asked about: a list that shows it would show that one too. Else the newest accepted at least `ripe` ago,
    else the oldest of the newer ones."""
    row = await connection.fetchrow(
        """SELECT provider_id, number, text, started_at, age FROM (
               SELECT *, clock_timestamp() - settled_at AS age, coalesce(started_at > $3, false) AS later
               FROM dispatch.sms_attempt
               WHERE outcome = 'accepted' AND provider_id IS NOT NULL ORDER BY id DESC LIMIT $2
           ) AS lately
           ORDER BY later DESC, CASE WHEN later THEN started_at END, age < $1::interval,
               CASE WHEN age < $1::interval THEN -age ELSE age END
           LIMIT 1""",
        ripe,
        _LATELY,
        after,
    )
    if row is None:
        return None
    since = row["started_at"] - CLOCK_SKEW
    return Control(row["provider_id"], row["number"], row["text"], since, row["age"])


async def asked(connection: AnyConnection, attempt: UUID) -> None:
    await connection.execute("UPDATE dispatch.sms_attempt SET asked = asked + 1 WHERE id = $1", attempt)
