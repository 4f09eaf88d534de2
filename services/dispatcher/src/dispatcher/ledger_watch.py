"""The check of the ledger, run for ever by one replica: told once, kept until it is gone (DESIGN §7)."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import asyncpg
import prometheus_client
import structlog

from dispatcher.ledger import Period
from dispatcher.outcomes import notify_staff
from dispatcher.reconcile import Discrepancy, Fault, check
from shared.bus.lead import Bell, Pulse
from shared.clock import Clock

log = structlog.get_logger()

JOB = "watch the ledger"
EVERY_SECONDS = 120.0
WINDOW = timedelta(days=14)
"""School time; what lies further back is looked at by `vestnik status`."""
_BEAT_SECONDS = 5.0

_GAUGE = prometheus_client.Gauge(
    "vestnik_ledger_discrepancies",
    "Rows of the ledger that disagree with what is known beside it; from the replica that checks",
    ["fault"],
)

_KEEP = """
INSERT INTO dispatch.discrepancy AS d (fault, subject, guardian, school, expected, found)
SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
ON CONFLICT (fault, subject, guardian) DO UPDATE SET
    expected = excluded.expected, found = excluded.found, gone_at = NULL,
    seen_at = CASE WHEN d.gone_at IS NULL THEN d.seen_at ELSE clock_timestamp() END
RETURNING new.school, old.fault IS NULL OR old.gone_at IS NOT NULL AS fresh
"""
_GONE = """
UPDATE dispatch.discrepancy d SET gone_at = clock_timestamp()
WHERE gone_at IS NULL AND NOT EXISTS (
    SELECT FROM unnest($1::text[], $2::uuid[], $3::text[]) AS f(fault, subject, guardian)
    WHERE (f.fault, f.subject, f.guardian) = (d.fault, d.subject, d.guardian))
"""


class LedgerWatch:
    """The work of a leader (`shared.bus.lead`)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def run(self, connection: asyncpg.Connection, bell: Bell, pulse: Pulse) -> None:
        slept = EVERY_SECONDS
        try:
            while not bell.stopping:
                if slept >= EVERY_SECONDS:
                    await self.round(connection)
                    slept = 0.0
                pulse.beat()
                await bell.sleep(_BEAT_SECONDS)
                slept += _BEAT_SECONDS
        finally:
            _GAUGE.clear()

    async def round(self, connection: asyncpg.Connection) -> list[Discrepancy]:
        """One look: what disagrees now. Operators are told of what was not there at the last look."""
        now = self._clock.now()
        found = await check(connection, Period(since=now - WINDOW))
        async with connection.transaction():
            fresh = await _keep(connection, found)
            for school, rows in sorted(fresh.items()):
                log.error("ledger.disagrees", school=school, rows=rows)
                facts = {"rows": str(rows), **({"school": school} if school else {})}
                await notify_staff(connection, kind="ledger_disagrees", at=now, **facts)
        counts = Counter(one.fault for one in found)
        for fault in Fault:
            _GAUGE.labels(fault.value).set(counts[fault])
        return found


async def _keep(connection: asyncpg.Connection, found: Sequence[Discrepancy]) -> Counter[str]:
    """Note what was found and what is gone; how many rows are new, by school."""
    rows = sorted({one.key: one for one in found}.values(), key=lambda one: one.key)
    keys = [[one.key[n] for one in rows] for n in range(3)]
    facts = [[one.school for one in rows], [one.expected for one in rows], [one.found for one in rows]]
    kept = await connection.fetch(_KEEP, *keys, *facts)
    await connection.execute(_GONE, *keys)
    return Counter(row["school"] for row in kept if row["fresh"])
