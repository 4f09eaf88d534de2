"""Two real sessions move the same messages in any order: never off the table, never both."""

import asyncio
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatcher.messages import Move, Status, allowed, move
from shared.db import open_pool
from shared.topics import Service

MESSAGES = 3
STEP = st.tuples(
    st.integers(0, MESSAGES - 1),
    st.sampled_from([status for status in Status if status is not Status.SENDING]),
)
SCRIPT = st.lists(STEP, min_size=1, max_size=12)

_RESET = """
TRUNCATE dispatch.message, dispatch.message_history;
INSERT INTO dispatch.message (school, guardian, channel, kind, status, due_at, lease, lease_until)
SELECT 's', 'g', 'email', 'daily', 'sending', now(), uuidv7(), now() FROM generate_series(1, 3);
"""


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=SCRIPT, second=SCRIPT, together=st.booleans())
def test_no_order_of_two_sessions_leaves_the_table(
    *, database: str, first: list[tuple[int, Status]], second: list[tuple[int, Status]], together: bool
) -> None:
    asyncio.run(_race(database, first, second, together=together))


async def _race(
    database: str, first: list[tuple[int, Status]], second: list[tuple[int, Status]], *, together: bool
) -> None:
    admin = await open_pool(database, largest=1)
    pool = await open_pool(database, Service.DISPATCHER, smallest=2, largest=2)
    try:
        await admin.execute(_RESET)
        ids: list[UUID] = [
            row["id"] for row in await pool.fetch("SELECT id FROM dispatch.message ORDER BY id")
        ]

        async def session(script: list[tuple[int, Status]], name: str) -> None:
            async with pool.acquire() as connection:
                if together:  # all in one statement, at most one a message
                    wishes = {ids[n]: Move(ids[n], after) for n, after in reversed(script)}
                    await move(connection, wishes.values(), actor=name)
                    return
                for n, after in script:
                    async with connection.transaction():
                        await move(connection, [Move(ids[n], after)], actor=name)

        await asyncio.gather(session(first, "one"), session(second, "other"))
        for message in ids:
            steps = await pool.fetch(
                "SELECT from_status, to_status FROM dispatch.message_history WHERE message = $1 ORDER BY id",
                message,
            )
            at = Status.SENDING
            for row in steps:
                assert Status(row["from_status"]) is at  # a chain: nobody overwrote anybody
                assert allowed(at, Status(row["to_status"]))
                at = Status(row["to_status"])
            assert at == await pool.fetchval("SELECT status FROM dispatch.message WHERE id = $1", message)
    finally:
        await pool.close()
        await admin.close()
