"""What ingest keeps: a request's outcomes in one transaction and a handful of statements (DESIGN §3).

Requests of one source follow one another, whichever process they reach: the lock is taken before
anything is written, so the order of transactions on the bus is the order in which they decided.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ingest.accept import Entity, Known, Outcomes, Rejected, Taken, fold
from ingest.envelope import LONGEST_ID, Envelope
from ingest.judging import Judged, Refused, Roster
from shared.changes import Version, bus_key, encode, school_of
from shared.clock import Clock
from shared.db import AnyConnection
from shared.erasure import erased_pupils
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
    known = await _known(connection, source, envelopes, judged)
    outcomes = fold(envelopes, judged, known)
    await _keep_taken(connection, source, outcomes, clock.now())
    await _keep_entities(connection, source, outcomes.entities)
    await _keep_refused(connection, source, outcomes.rejected, arrived=arrived)
    settled = [one.envelope.id for one in outcomes.taken] + outcomes.duplicates
    if settled:
        await connection.execute(
            "DELETE FROM ingest.refused WHERE source = $1 AND id = ANY($2::text[])", source, settled
        )
    return outcomes


async def lock(connection: AnyConnection, source: str) -> None:
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", source)


async def _known(
    connection: AnyConnection, source: str, envelopes: Sequence[Envelope], judged: Sequence[Judged | Refused]
) -> Known:
    changes = [one for one in judged if isinstance(one, Judged)]
    ids = await connection.fetch(
        "SELECT id, hash FROM ingest.inbox WHERE source = $1 AND id = ANY($2::text[])",
        source,
        list({envelope.id for envelope in envelopes if len(envelope.id) <= LONGEST_ID}),
    )
    entities = await connection.fetch(
        """SELECT entity, revision, time, concerns, removed FROM ingest.entity
           WHERE source = $1 AND entity = ANY($2::text[])""",
        source,
        list({change.entity for change in changes}),
    )
    return Known(
        await _roster(connection, school_of(source)[0], changes, [row["concerns"] for row in entities]),
        {row["id"]: row["hash"] for row in ids},
        {
            row["entity"]: Entity(Version(row["revision"], row["time"]), row["concerns"], row["removed"])
            for row in entities
        },
    )


async def _roster(
    connection: AnyConnection, school: str, changes: Sequence[Judged], concerned: Sequence[str | None]
) -> Roster:
    pupils = {change.pupil for change in changes} | {pupil for change in changes for pupil in change.pupils}
    pupils |= {(who or "").removeprefix("pupil/") for who in concerned}  # of removals that do not say
    rows = await connection.fetch(
        """SELECT 'school' AS kind, school AS name, '' AS of FROM roster.school WHERE school = $1
           UNION ALL SELECT 'class', class, grade FROM roster.class WHERE school = $1
           UNION ALL SELECT 'pupil', pupil, class FROM roster.pupil
                     WHERE school = $1 AND pupil = ANY($2::text[])""",
        school,
        [pupil for pupil in pupils if pupil],
    )
    return Roster(
        known=any(kind == "school" for kind, _, _ in rows),
        pupils={name: of for kind, name, of in rows if kind == "pupil"},
        classes=frozenset(name for kind, name, _ in rows if kind == "class"),
        grades=frozenset(of for kind, _, of in rows if kind == "class"),
        closed=frozenset(
            await erased_pupils(connection, school, [one.pupil for one in changes if one.pupil is not None])
        ),
    )


async def _keep_taken(
    connection: AnyConnection, source: str, outcomes: Outcomes, accepted_at: datetime
) -> None:
    if not outcomes.taken:
        return
    taken: list[Taken] = outcomes.taken
    rows = await connection.fetch(
        """INSERT INTO ingest.inbox (source, id, stale, event, hash, accepted_at)
           SELECT $1, id, stale, event, hash, $6
           FROM unnest($2::text[], $3::bool[], $4::jsonb[], $5::bytea[])
               WITH ORDINALITY AS given (id, stale, event, hash, place)
           ORDER BY place RETURNING id, change""",
        source,
        [one.envelope.id for one in taken],
        [one.stale for one in taken],
        [one.envelope.event for one in taken],
        [one.envelope.hash for one in taken],
        accepted_at,
    )
    change = {row["id"]: row["change"] for row in rows}
    school, _ = school_of(source)
    records = []
    for one in outcomes.accepted:
        key = bus_key(school, one.class_name)
        event = one.envelope.event
        value = encode(event, change=change[one.envelope.id], accepted_at=accepted_at, key=key)
        records.append((key, value))
    await append(connection, Service.INGEST, Topic.JOURNAL_CHANGES, records)


async def _keep_entities(connection: AnyConnection, source: str, entities: dict[str, Entity]) -> None:
    if not entities:
        return
    await connection.execute(
        """INSERT INTO ingest.entity (source, entity, revision, time, concerns, removed)
           SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::timestamptz[], $5::text[], $6::bool[])
           ON CONFLICT (source, entity) DO UPDATE SET revision = excluded.revision, time = excluded.time,
               concerns = excluded.concerns, removed = excluded.removed""",
        source,
        list(entities),
        [one.version.revision for one in entities.values()],
        [one.version.time for one in entities.values()],
        [one.concerns for one in entities.values()],
        [one.removed for one in entities.values()],
    )


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
