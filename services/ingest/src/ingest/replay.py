"""Judging again what was refused, after its cause was mended (DESIGN §3)."""

from dataclasses import dataclass

import asyncpg
import structlog

from ingest.accept import judge_all
from ingest.envelope import open_envelope
from ingest.store import lock, settle
from shared.clock import Clock

log = structlog.get_logger()

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Replayed:
    """`accepted`: taken now (also those an entity's newer revision has overtaken); `refused`: still kept."""

    accepted: int = 0
    refused: int = 0

    def __add__(self, other: "Replayed") -> "Replayed":
        return Replayed(self.accepted + other.accepted, self.refused + other.refused)


async def replay_refused(pool: asyncpg.Pool, clock: Clock, school: str | None) -> Replayed:
    """Judge the kept refusals of a school (None: of all) again, in order of arrival.

    Each source goes chunk by chunk, a transaction a chunk; interrupted, it can simply be run again.
    """
    sources = await pool.fetch(
        """SELECT DISTINCT source FROM ingest.refused
           WHERE $1::text IS NULL OR starts_with(source, '/schools/' || $1 || '/journals/')
           ORDER BY source""",
        school,
    )
    total = Replayed()
    for row in sources:
        total += await _replay_source(pool, clock, row["source"])
    log.info("ingest.replayed", school=school, accepted=total.accepted, refused=total.refused)
    return total


async def _replay_source(pool: asyncpg.Pool, clock: Clock, source: str) -> Replayed:
    total, after = Replayed(), 0
    while True:
        async with pool.acquire() as connection, connection.transaction():
            await lock(connection, source)
            # What could not be stored as it was sent can only be sent again.
            rows = await connection.fetch(
                """SELECT arrival, event, whole FROM ingest.refused
                   WHERE source = $1 AND arrival > $2 ORDER BY arrival LIMIT $3""",
                source,
                after,
                _CHUNK,
            )
            if not rows:
                return total
            after = rows[-1]["arrival"]
            envelopes = [open_envelope(row["event"]) for row in rows if row["whole"]]
            outcomes = await settle(connection, source, envelopes, judge_all(envelopes), clock, arrived=False)
            kept = len(rows) - len(envelopes) + len(outcomes.rejected)
        total += Replayed(len(outcomes.taken), kept)
