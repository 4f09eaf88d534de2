"""Callbacks and polls in any order, repeated, from two real sessions at once: the first end stands."""

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatcher.channels.sms_statuses import Word, meaning
from dispatcher.messages import Status, allowed
from dispatcher.sending.sms_news import hear
from shared.clock import RealClock
from shared.db import open_pool
from shared.topics import Service

IDS = ("71", "72")
NEWS = st.lists(st.tuples(st.sampled_from(IDS), st.integers(0, 9)), max_size=8)
STEPS = {
    Word.DELIVERED: [Status.DELIVERED],
    Word.UNDELIVERED: [Status.FAILED, Status.COMPOSED],
    Word.REJECTED: [Status.FAILED],
}

_RESET = """
TRUNCATE dispatch.message, dispatch.message_history, dispatch.sms_attempt, dispatch.suppression;
WITH made AS (
    INSERT INTO dispatch.message (school, guardian, channel, kind, status, due_at, provider_id)
    SELECT 's', 'g', 'sms', 'immediate', 'accepted', now(), id FROM unnest(ARRAY['71', '72']) AS id
    RETURNING id, provider_id
)
INSERT INTO dispatch.sms_attempt (message, number, text, text_hash, provider_id, settled_at, outcome, poll_at)
SELECT id, '+79161234567', provider_id, provider_id::bytea, provider_id, now(), 'accepted', now() FROM made;
"""


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(callbacks=NEWS, polls=NEWS)
def test_any_order_of_news_leaves_the_first_end(
    *, database: str, callbacks: list[tuple[str, int]], polls: list[tuple[str, int]]
) -> None:
    asyncio.run(_race(database, callbacks, polls))


async def _race(database: str, callbacks: list[tuple[str, int]], polls: list[tuple[str, int]]) -> None:
    admin = await open_pool(database, largest=1)
    pool = await open_pool(database, Service.DISPATCHER, smallest=2, largest=2)
    try:
        await admin.execute(_RESET)

        async def session(news: list[tuple[str, int]], name: str) -> None:
            async with pool.acquire() as connection:
                for provider_id, status in news:
                    async with connection.transaction():
                        assert await hear(connection, provider_id, status, actor=name, clock=RealClock())

        await asyncio.gather(session(callbacks, "receipts"), session(polls, "poller"))
        for provider_id in IDS:
            heard = [meaning(status) for one, status in callbacks + polls if one == provider_id]
            ends = {word for word in heard if word.final}
            row = await pool.fetchrow(
                """SELECT m.id, m.status, m.reason, a.said, a.poll_at FROM dispatch.message m
                   JOIN dispatch.sms_attempt a ON a.message = m.id WHERE a.provider_id = $1""",
                provider_id,
            )
            assert row is not None
            steps = await pool.fetch(
                "SELECT from_status, to_status FROM dispatch.message_history WHERE message = $1 ORDER BY id",
                row["id"],
            )
            at = Status.ACCEPTED
            for step in steps:
                assert Status(step["from_status"]) is at
                assert allowed(at, Status(step["to_status"]))
                at = Status(step["to_status"])
            assert at == row["status"]
            assert (row["poll_at"] is None) == bool(ends)  # asked about until its end is known, no longer
            if not ends:
                assert (at, steps) == (Status.ACCEPTED, [])
                assert heard == [] or row["said"] is not None
            else:
                # The first end stands. An SMS that did not arrive looks for another number; one that was
                # rejected would look for another channel, but carries nothing here.
                assert meaning(row["said"]) in ends
                assert [Status(step["to_status"]) for step in steps] == STEPS[meaning(row["said"])]
    finally:
        await pool.close()
        await admin.close()
