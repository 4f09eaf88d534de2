"""Waiting until what was accepted before a moment has arrived here.

On one box the log and our place in it lie in the same database, so this can be known; on Kafka it cannot
cheaply, and nothing is waited for. Nothing is lost either way: what arrives after a week was frozen is
told in the next one.
"""

import asyncio
from datetime import timedelta

import asyncpg

from print_queue.ledger import GROUP
from shared.topics import WRITERS, Topic

_LONGEST = timedelta(seconds=30)
_STEP_SECONDS = 0.05


async def caught_up(pool: asyncpg.Pool, *, longest: timedelta = _LONGEST) -> bool:
    """Wait (real time) until every change committed by now is in the ledger; False if it took too long."""
    heads = " UNION ALL ".join(
        f"""(SELECT '{writer.value}' AS writer, xid, id FROM {writer.schema}.outbox
            WHERE topic = $1 ORDER BY xid DESC, id DESC LIMIT 1)"""
        for writer in WRITERS[Topic.JOURNAL_CHANGES]
    )
    aims = await pool.fetch(
        f"SELECT writer, xid::text AS xid, id FROM ({heads}) AS heads", Topic.JOURNAL_CHANGES.value
    )
    until = asyncio.get_running_loop().time() + longest.total_seconds()
    for aim in aims:
        while not await _passed(pool, aim):
            if asyncio.get_running_loop().time() > until:
                return False
            await asyncio.sleep(_STEP_SECONDS)
    return True


async def _passed(pool: asyncpg.Pool, aim: asyncpg.Record) -> bool:
    """Whether our place in a writer's log is at or behind this row."""
    return bool(
        await pool.fetchval(
            """SELECT EXISTS (SELECT FROM paper.bus_cursor WHERE bus_group = $1 AND topic = $2
                AND writer = $3 AND (xid, id) >= ($4::text::xid8, $5::bigint))""",
            GROUP,
            Topic.JOURNAL_CHANGES.value,
            aim["writer"],
            aim["xid"],
            aim["id"],
        )
    )
