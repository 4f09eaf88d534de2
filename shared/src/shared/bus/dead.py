"""Dead letters: looked at, given to their handler again, or let go with a reason.

Two operators at once are kept apart by the row's lock; whoever comes second finds it dealt with.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import asyncpg
import structlog

from shared.bus.base import Record, Subscription
from shared.bus.faults import describe, passes
from shared.db import AnyConnection
from shared.deed import Deed
from shared.topics import Service, Topic

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record set aside; its value, which may speak of a family, is not shown. `school` is empty for
    a record of the whole installation."""

    id: UUID
    service: Service
    group: str
    topic: str
    school: str
    position: str
    reason: str
    at: datetime


class Again(StrEnum):
    """What became of one that was given to its handler again."""

    DONE = "done"
    REFUSED = "refused"
    """Its handler still cannot use it; the new reason is kept."""
    NOT_THERE = "not_there"
    """Dealt with meanwhile, another school's, or never known."""


_OPEN = """replayed_at IS NULL AND discarded_at IS NULL
  AND ($1::text IS NULL OR split_part(key, '/', 1) = $1)"""


async def waiting(
    connection: AnyConnection,
    service: Service,
    *,
    school: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[DeadLetter]:
    """Those nobody has dealt with, the newest first; of one school or of all."""
    rows = await connection.fetch(
        f"""SELECT id, bus_group, topic, split_part(key, '/', 1) AS school, position, reason, at
            FROM {service.schema}.dead_letter WHERE {_OPEN}
            ORDER BY at DESC, id LIMIT $2 OFFSET $3""",
        school,
        limit,
        offset,
    )
    return [
        DeadLetter(
            row["id"],
            service,
            row["bus_group"],
            row["topic"],
            row["school"],
            row["position"],
            row["reason"],
            row["at"],
        )
        for row in rows
    ]


async def count(connection: AnyConnection, service: Service, *, school: str | None = None) -> int:
    number: int = await connection.fetchval(
        f"SELECT count(*) FROM {service.schema}.dead_letter WHERE {_OPEN}", school
    )
    return number


async def replay(
    pool: asyncpg.Pool,
    service: Service,
    subscriptions: Iterable[Subscription],
    letters: Sequence[UUID],
    deed: Deed,
) -> dict[UUID, Again]:
    """Give each to the handler of its group and topic, a transaction a letter, the oldest first.

    Handlers are idempotent, so a letter whose cause passed by itself does no harm. Raises what will
    pass (the database is away): run it again.
    """
    handlers = {(one.group, one.topic.value): one for one in subscriptions}
    done: dict[UUID, Again] = {}
    for letter in sorted(letters):  # UUIDv7: in the order they were set aside
        async with pool.acquire() as connection, connection.transaction():
            done[letter] = await _replay_one(connection, service, handlers, letter, deed)
    return done


async def _replay_one(
    connection: AnyConnection,
    service: Service,
    handlers: dict[tuple[str, str], Subscription],
    letter: UUID,
    deed: Deed,
) -> Again:
    row = await connection.fetchrow(
        f"SELECT * FROM {service.schema}.dead_letter WHERE {_OPEN} AND id = $2 FOR UPDATE",
        deed.school,
        letter,
    )
    if row is None:
        return Again.NOT_THERE
    subscription = handlers.get((row["bus_group"], row["topic"]))
    reason = "nobody reads this any more"
    if subscription is not None:
        record = Record(Topic(row["topic"]), row["key"], row["value"], row["position"])
        reason = await _give(connection, subscription, record)
    await connection.execute(
        f"""UPDATE {service.schema}.dead_letter SET reason = coalesce($2, reason),
                replayed_at = CASE WHEN $2::text IS NULL THEN clock_timestamp() END WHERE id = $1""",
        letter,
        reason or None,
    )
    outcome = Again.REFUSED if reason else Again.DONE
    school = row["key"].partition("/")[0] or None
    await deed.note(
        connection, service, "dead_letter.replayed", school=school, about=letter, outcome=outcome.value
    )
    log.info("bus.dead_letter_replayed", letter=str(letter), outcome=outcome.value)
    return outcome


async def _give(connection: AnyConnection, subscription: Subscription, record: Record) -> str:
    """Why the handler cannot use it; empty when it could."""
    try:
        async with connection.transaction():
            rejected = await subscription.handler(connection, [record])  # type: ignore[arg-type] # one lent by a pool does as well
    except Exception as error:
        if passes(error):
            raise
        return describe(error)
    return rejected[0].reason if rejected else ""


async def discard(
    connection: AnyConnection, service: Service, letters: Sequence[UUID], deed: Deed
) -> list[UUID]:
    """Let these go, in the caller's transaction; those that were still waiting. The record stays."""
    rows = await connection.fetch(
        f"""UPDATE {service.schema}.dead_letter SET discarded_at = clock_timestamp()
            WHERE {_OPEN} AND id = ANY($2::uuid[])
            RETURNING id, split_part(key, '/', 1) AS school""",
        deed.school,
        list(letters),
    )
    for row in rows:
        await deed.note(
            connection,
            service,
            "dead_letter.discarded",
            school=row["school"] or None,
            about=row["id"],
        )
    return [row["id"] for row in rows]
