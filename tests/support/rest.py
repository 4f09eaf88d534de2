"""A play comes to rest: nothing is planned, composed, sent or kept any more, and the week is on paper."""

import asyncio

from print_queue.printing import print_week
from support.stage import Stage, execute, fetch

TIME_PASSES_WHILE_NOBODY_SENDS = """
UPDATE dispatch.message SET lease_until = clock_timestamp() - interval '1 second' WHERE status = 'sending'
"""
"""A minute goes by between the death of the only dispatcher and its next start: leases run out."""

TIME_PASSES = """
UPDATE dispatch.sms_attempt a SET started_at = started_at - interval '61 seconds'
FROM dispatch.message m WHERE m.id = a.message AND m.status = 'unknown' AND a.settled_at IS NULL;
UPDATE dispatch.message SET next_attempt_at = clock_timestamp()
WHERE status IN ('unknown', 'composed') AND next_attempt_at > clock_timestamp()
"""
"""The pause before another attempt is over, and the gateway's settle time with it."""


LEFT = """
SELECT (SELECT count(*) FROM ingest.inbox i LEFT JOIN dispatch.change c USING (change)
        WHERE NOT i.stale AND c.change IS NULL) AS unplanned,
       (SELECT count(*) FROM dispatch.decision
        WHERE verdict = 'tell' AND message IS NULL AND cancelled_by IS NULL) AS undue,
       (SELECT count(*) FROM dispatch.message WHERE status IN ('composed', 'sending', 'unknown')) AS going,
       (SELECT count(*) FROM ingest.entity e LEFT JOIN paper.ledger l USING (source, entity)
        WHERE (l.revision, l.time) IS DISTINCT FROM (e.revision, e.time)) AS unkept
"""


async def at_rest(stage: Stage) -> None:
    """Until nothing is planned, composed, sent or kept any more; says what is left when it never is."""
    left = "nothing was asked"
    try:
        async with asyncio.timeout(stage.plan.patience):
            while True:
                if not stage.plan.waits:
                    await execute(stage.database, TIME_PASSES)
                row = (await fetch(stage.database, LEFT))[0]
                left = str(dict(row))
                if not any(row.values()) and await _carried(stage):
                    return
                await asyncio.sleep(0.3)
    except TimeoutError:
        raise AssertionError(f"not at rest after {stage.plan.patience} s: {left}") from None


async def _carried(stage: Stage) -> bool:
    """Whether every consumer has taken in everything on the bus."""
    if stage.caught_up is not None:
        return await stage.caught_up()
    rows = await fetch(stage.database, _BEHIND)
    return not rows


_BEHIND = """
WITH log AS (
    SELECT 'ingest' AS writer, topic, xid, id FROM ingest.outbox
    UNION ALL SELECT 'dispatcher', topic, xid, id FROM dispatch.outbox
    UNION ALL SELECT 'print_queue', topic, xid, id FROM paper.outbox
), cursor AS (
    SELECT * FROM dispatch.bus_cursor UNION ALL SELECT * FROM paper.bus_cursor
)
SELECT cursor.bus_group, log.topic FROM cursor JOIN log USING (writer, topic)
WHERE (log.xid, log.id) > (cursor.xid, cursor.id)
"""


async def to_print(stage: Stage) -> None:
    """The week is closed, typeset and collected."""
    await print_week(stage.context)
    async with asyncio.timeout(stage.plan.patience):
        while await fetch(stage.database, "SELECT id FROM paper.batch WHERE state = 'frozen'"):
            await asyncio.sleep(0.3)
    stage.papers = sorted((stage.context.settings.data / "paper").rglob("*.pdf"))
