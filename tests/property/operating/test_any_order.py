"""Operators, replicas and receipts pull at the same messages in any order: the table of transitions
holds, nobody overwrites anybody, and the ledger goes on adding up (DESIGN §7)."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatcher import ledger
from dispatcher.messages import Move, Status, allowed, move
from dispatcher.operating import cancel, replay
from dispatcher.reconcile import check
from dispatcher.sending.claims import claim, release_expired
from shared.categories import Channel
from shared.db import open_pool
from shared.deed import Deed
from shared.topics import Service

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
DEED = Deed("s/op", "проверка", "s")

_RESET = """
TRUNCATE dispatch.message, dispatch.message_history, dispatch.change, dispatch.decision;
INSERT INTO dispatch.change
    (change, source, school, type, category, entity, revision, time, accepted_at, data, guardians)
SELECT uuidv7(), 'x', 's', 'journal.mark.set', 'mark', n::text, 1, now(), '2026-11-24', '{}', 1
FROM generate_series(1, 2) AS n;
WITH made AS (
    INSERT INTO dispatch.message (school, guardian, channel, kind, due_at)
    SELECT 's', 'g', 'email', 'daily', '2026-11-24' FROM generate_series(1, 2) RETURNING id
)
INSERT INTO dispatch.decision
    (change, school, guardian, pupils, category, verdict, channel, mode, due_at, message)
SELECT change, 's', 'g', '{p}', 'mark', 'tell', 'email', 'daily', '2026-11-24', id
FROM (SELECT id, row_number() OVER () AS n FROM made) AS m
JOIN (SELECT change, row_number() OVER () AS n FROM dispatch.change) AS c USING (n);
"""

Step = Callable[[asyncpg.Connection, UUID, UUID], Awaitable[object]]


def _moving(after: Status, before: Status, *, held: bool = False) -> Step:
    """A sender settles only what it holds the lease of; a receipt needs none."""

    async def step(connection: asyncpg.Connection, message: UUID, _change: UUID) -> object:
        lease = None
        if held:
            lease = await connection.fetchval("SELECT lease FROM dispatch.message WHERE id = $1", message)
            if lease is None:
                return None
        one = Move(message, after, before=before, lease=lease, reason="x")
        return await move(connection, [one], actor="replica")

    return step


async def _claim(connection: asyncpg.Connection, _message: UUID, _change: UUID) -> object:
    return await claim(
        connection, channel=Channel.EMAIL, school_now=NOW, limit=1, lease=uuid4(), actor="replica"
    )


async def _lost(connection: asyncpg.Connection, message: UUID, _change: UUID) -> object:
    await connection.execute(
        "UPDATE dispatch.message SET lease_until = '2026-01-01' WHERE id = $1 AND status = 'sending'",
        message,
    )
    return await release_expired(connection, actor="sweeper")


async def _stop(connection: asyncpg.Connection, _message: UUID, change: UUID) -> object:
    return await cancel.stop_change(connection, change, DEED, now=NOW)


ACTS: dict[str, Step] = {
    "replay": lambda connection, message, _: replay.replay(connection, [message], DEED, now=NOW),
    "cancel": lambda connection, message, _: cancel.cancel_messages(connection, [message], DEED, now=NOW),
    "stop": _stop,
    "claim": _claim,
    "accept": _moving(Status.ACCEPTED, Status.SENDING, held=True),
    "fail": _moving(Status.FAILED, Status.SENDING, held=True),
    "retry": _moving(Status.COMPOSED, Status.SENDING, held=True),
    "lost": _lost,
    "delivered": _moving(Status.DELIVERED, Status.ACCEPTED),
    "bounced": _moving(Status.FAILED, Status.ACCEPTED),
    "expire": _moving(Status.EXPIRED, Status.COMPOSED),
}

SCRIPT = st.lists(st.tuples(st.sampled_from(sorted(ACTS)), st.integers(0, 1)), min_size=1, max_size=8)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sessions=st.lists(SCRIPT, min_size=2, max_size=4))
def test_any_order_of_any_hands(*, database: str, sessions: list[list[tuple[str, int]]]) -> None:
    asyncio.run(_play(database, sessions))


async def _play(database: str, sessions: list[list[tuple[str, int]]]) -> None:
    admin = await open_pool(database, largest=1)
    pool = await open_pool(database, Service.DISPATCHER, smallest=len(sessions), largest=len(sessions))
    try:
        await admin.execute(_RESET)
        pairs = await pool.fetch("SELECT message, change FROM dispatch.decision ORDER BY change")

        async def session(script: list[tuple[str, int]]) -> None:
            async with pool.acquire() as connection:
                for name, n in script:
                    async with connection.transaction():
                        await ACTS[name](connection, pairs[n]["message"], pairs[n]["change"])

        async with asyncio.timeout(30):
            await asyncio.gather(*map(session, sessions))
        for row in pairs:
            await _chain(pool, row["message"])
        async with pool.acquire() as connection:
            assert await check(connection) == []
            total = await ledger.add_up(connection)
        assert total.adds_up
        assert total.decisions == len(pairs)
    finally:
        await pool.close()
        await admin.close()


async def _chain(pool: asyncpg.Pool, message: UUID) -> None:
    steps = await pool.fetch(
        "SELECT from_status, to_status, at FROM dispatch.message_history WHERE message = $1 ORDER BY id",
        message,
    )
    at = Status.COMPOSED
    for row in steps:
        assert Status(row["from_status"]) is at
        assert allowed(at, Status(row["to_status"]))
        at = Status(row["to_status"])
    assert at == await pool.fetchval("SELECT status FROM dispatch.message WHERE id = $1", message)
