"""What ingest keeps: a request's outcomes in one transaction and a handful of statements (DESIGN §3).

Requests of one source follow one another, whichever process they reach: the lock is taken before
anything is written, so the order of transactions on the bus is the order in which they decided.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from ingest.accept import Entity, Known, Outcomes, Rejected, fold
from ingest.envelope import LONGEST_ID, Envelope
from ingest.judging import Judged, Refused, Roster
from shared.changes import Version, bus_key, encode, school_of
from shared.clock import Clock
from shared.db import AnyConnection
from shared.erasure import erased
from shared.outbox import append
from shared.topics import Service, Topic

_WITHHELD = ("specversion", "id", "source", "type", "time")
"""What is kept of an event whose content may not be."""


async def settle(
    connection: AnyConnection,
    source: str,
    envelopes: Sequence[Envelope],
    judged: Sequence[Judged | Refused],
    clock: Clock,
    *,
    arrived: bool = True,
) -> Outcomes:
    """Decide and store, inside the caller's transaction; durable when that commits.

    `arrived`: the journal sent these now (False: we judge kept refusals again).
    """
    await lock(connection, source)
    known, numbers = await _known(connection, source, envelopes, judged)
    outcomes = fold(envelopes, judged, known)
    await _keep(connection, source, outcomes, numbers, clock.now())
    await _keep_refused(connection, source, outcomes.rejected, arrived=arrived)
    return outcomes


async def lock(connection: AnyConnection, source: str) -> None:
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", source)


# A statement costs both sides more than the rows it brings, so one brings all; `name` and `of` are what
# each kind needs. Numbers of changes to come are drawn with it: ascending, as the inbox is read again.
_KNOWN = f"""
WITH entity AS (
    SELECT * FROM ingest.entity WHERE source = $1 AND entity = ANY($3::text[])
), person AS (
    SELECT unnest($5::text[]) AS pupil
    UNION SELECT substr(concerns, 7) FROM entity WHERE starts_with(concerns, 'pupil/')
)
SELECT 'id' AS kind, id AS name, NULL AS of, hash, NULL::bigint AS revision, NULL::timestamptz AS time,
    NULL::boolean AS removed, NULL::uuid AS change
FROM ingest.inbox WHERE source = $1 AND id = ANY($2::text[])
UNION ALL SELECT 'entity', entity, concerns, NULL, revision, time, removed, NULL FROM entity
UNION ALL SELECT 'school', school, NULL, NULL, NULL, NULL, NULL, NULL FROM roster.school WHERE school = $4
UNION ALL SELECT 'class', class, grade, NULL, NULL, NULL, NULL, NULL FROM roster.class
    WHERE school = $4 AND (class = ANY($6::text[]) OR grade = ANY($7::text[]))
UNION ALL SELECT 'pupil', pupil, class, NULL, NULL, NULL, NULL, NULL
    FROM roster.pupil JOIN person USING (pupil) WHERE school = $4
UNION ALL SELECT 'closed', person, NULL, NULL, NULL, NULL, NULL, NULL
    FROM ({erased("pupil", school="$4", people="$5")}) AS closed
UNION ALL SELECT 'change', NULL, NULL, NULL, NULL, NULL, NULL, uuidv7() FROM generate_series(1, $8)
"""


async def _known(
    connection: AnyConnection, source: str, envelopes: Sequence[Envelope], judged: Sequence[Judged | Refused]
) -> tuple[Known, Sequence[UUID]]:
    """What the database knows of a request, and as many numbers for changes as it has events."""
    changes = [one for one in judged if isinstance(one, Judged)]
    rows = await connection.fetch(
        _KNOWN,
        source,
        list({envelope.id for envelope in envelopes if len(envelope.id) <= LONGEST_ID}),
        list({change.entity for change in changes}),
        school_of(source)[0],
        list({pupil for change in changes for pupil in (change.pupil, *change.pupils) if pupil}),
        list({change.class_name for change in changes if change.class_name is not None}),
        list({change.grade for change in changes if change.grade is not None}),
        len(envelopes),
    )
    found: dict[str, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        found[row["kind"]].append(row)
    roster = Roster(
        known=bool(found["school"]),
        pupils={row["name"]: row["of"] for row in found["pupil"]},
        classes=frozenset(row["name"] for row in found["class"]),
        grades=frozenset(row["of"] for row in found["class"]),
        closed=frozenset(row["name"] for row in found["closed"]),
    )
    entities = {
        row["name"]: Entity(Version(row["revision"], row["time"]), row["of"], row["removed"])
        for row in found["entity"]
    }
    known = Known(roster, {row["name"]: row["hash"] for row in found["id"]}, entities)
    return known, [row["change"] for row in found["change"]]


_KEEP = """
WITH taken AS (
    INSERT INTO ingest.inbox (source, id, change, stale, event, hash, accepted_at)
    SELECT $1, id, change, stale, event, hash, $2
    FROM unnest($3::text[], $4::uuid[], $5::bool[], $6::jsonb[], $7::bytea[])
        WITH ORDINALITY AS given (id, change, stale, event, hash, place)
    ORDER BY place
), newest AS (
    INSERT INTO ingest.entity (source, entity, revision, time, concerns, removed)
    SELECT $1, *
    FROM unnest($8::text[], $9::bigint[], $10::timestamptz[], $11::text[], $12::bool[])
    ON CONFLICT (source, entity) DO UPDATE SET revision = excluded.revision, time = excluded.time,
        concerns = excluded.concerns, removed = excluded.removed
)
DELETE FROM ingest.refused WHERE source = $1 AND id = ANY($13::text[])
"""


async def _keep(
    connection: AnyConnection,
    source: str,
    outcomes: Outcomes,
    numbers: Sequence[UUID],
    accepted_at: datetime,
) -> None:
    """What was taken, the entities it moved, and its way to the bus; what was refused before is no more."""
    taken, entities = list(zip(outcomes.taken, numbers, strict=False)), outcomes.entities
    settled = [one.envelope.id for one in outcomes.taken] + outcomes.duplicates
    if not settled:
        return
    await connection.execute(
        _KEEP,
        source,
        accepted_at,
        [one.envelope.id for one, _ in taken],
        [number for _, number in taken],
        [one.stale for one, _ in taken],
        [one.envelope.event for one, _ in taken],
        [one.envelope.hash for one, _ in taken],
        list(entities),
        [one.version.revision for one in entities.values()],
        [one.version.time for one in entities.values()],
        [one.concerns for one in entities.values()],
        [one.removed for one in entities.values()],
        settled,
    )
    school, _ = school_of(source)
    records = []
    for one, number in taken:
        if not one.stale:
            key = bus_key(school, one.class_name)
            records.append((key, encode(one.envelope.event, change=number, accepted_at=accepted_at, key=key)))
    await append(connection, Service.INGEST, Topic.JOURNAL_CHANGES, records)


async def _keep_refused(
    connection: AnyConnection, source: str, rejected: Sequence[Rejected], *, arrived: bool
) -> None:
    """The last content and reason of each refused id, and how many times it came."""
    if not rejected:
        return
    rows: dict[str, list[Any]] = {}
    for one in rejected:
        row = rows.setdefault(_refused_id(one.envelope.id), [None, None, None, 0])
        whole = one.envelope.damage is None and len(one.envelope.id) <= LONGEST_ID and not one.withheld
        event = one.envelope.event
        if one.withheld:
            event = {name: event[name] for name in _WITHHELD if name in event}
        row[:3] = event, one.reason, whole
        row[3] += arrived
    await connection.execute(
        """INSERT INTO ingest.refused AS r (source, id, event, reason, whole, times)
           SELECT $1, id, event, reason, whole, times
           FROM unnest($2::text[], $3::jsonb[], $4::text[], $5::bool[], $6::int[])
               WITH ORDINALITY AS given (id, event, reason, whole, times, place)
           ORDER BY place
           ON CONFLICT (source, id) DO UPDATE SET event = excluded.event, reason = excluded.reason,
               whole = excluded.whole, times = r.times + excluded.times,
               last_at = CASE WHEN excluded.times > 0 THEN now() ELSE r.last_at END""",
        source,
        list(rows),
        *([row[column] for row in rows.values()] for column in range(4)),
    )


def _refused_id(id_: str) -> str:
    """The id as a key: an absurdly long one by its beginning and hash."""
    if len(id_) <= LONGEST_ID:
        return id_
    return f"{id_[:64]}…{hashlib.sha256(id_.encode()).hexdigest()}"
