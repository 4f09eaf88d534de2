"""Publishing again what was accepted: for changes that were lost behind ingest's back (DESIGN §9).

Each keeps its number and the time of its acceptance, so whoever has it already leaves it alone, and
whoever lost it treats it as the change of that day. The inbox is what replay comes from on any bus.
"""

from datetime import datetime

import asyncpg
import structlog

from ingest.store import lock
from shared.changes import bus_key, encode
from shared.deed import Deed
from shared.outbox import append
from shared.topics import Service, Topic

log = structlog.get_logger()

_CHUNK = 500


async def republish(
    pool: asyncpg.Pool, *, school: str, since: datetime, deed: Deed, until: datetime | None = None
) -> int:
    """Publish the school's changes accepted in the period (school time) once more, in their order; how
    many. A transaction a chunk: interrupted, it can simply be run again."""
    sources = await pool.fetch(
        """SELECT DISTINCT source FROM ingest.inbox
           WHERE starts_with(source, '/schools/' || $1 || '/journals/') ORDER BY source""",
        school,
    )
    total = 0
    for row in sources:
        total += await _republish_source(pool, row["source"], school, since, until)
    async with pool.acquire() as connection:
        await deed.note(
            connection,
            Service.INGEST,
            "changes.republished",
            school=school,
            about=school,
            since=since.isoformat(),
            until=until.isoformat() if until is not None else None,
            changes=total,
        )
    log.info("ingest.republished", school=school, changes=total)
    return total


async def _republish_source(
    pool: asyncpg.Pool, source: str, school: str, since: datetime, until: datetime | None
) -> int:
    done, after = 0, None
    while True:
        async with pool.acquire() as connection, connection.transaction():
            await lock(connection, source)  # new ones of this source wait, so the order on the bus stays
            rows = await connection.fetch(
                """SELECT i.change, i.event, i.accepted_at,
                          coalesce(p.class, i.event->'data'->>'class') AS class
                   FROM ingest.inbox i
                   LEFT JOIN roster.pupil p ON p.school = $2 AND p.pupil = i.event->>'subject'
                   WHERE i.source = $1 AND NOT i.stale AND i.accepted_at >= $3
                     AND ($4::timestamptz IS NULL OR i.accepted_at < $4)
                     AND ($5::uuid IS NULL OR i.change > $5)
                   ORDER BY i.change LIMIT $6""",
                source,
                school,
                since,
                until,
                after,
                _CHUNK,
            )
            records = []
            for row in rows:
                key = bus_key(school, row["class"])
                value = encode(row["event"], change=row["change"], accepted_at=row["accepted_at"], key=key)
                records.append((key, value))
            await append(connection, Service.INGEST, Topic.JOURNAL_CHANGES, records)
        done += len(rows)
        if len(rows) < _CHUNK:
            return done
        after = rows[-1]["change"]
