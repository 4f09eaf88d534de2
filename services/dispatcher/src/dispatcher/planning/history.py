"""What was decided before about the entities in hand, locked against those who would tell it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import orjson

from dispatcher.messages import PERHAPS_TOLD, Status, perhaps_told
from dispatcher.planning.corrections import Earlier, Revision, Standing
from dispatcher.planning.facts import facts_of
from dispatcher.planning.situation import Entity, Place
from shared.categories import Mode
from shared.changes import TYPES, Change, Version
from shared.routing import Verdict

Revisions = Mapping[UUID, tuple[Entity, Revision]]


@dataclass(frozen=True, slots=True)
class _Stand:
    """Where a message stands, and whether an attempt of it may have arrived unbeknown to us."""

    status: Status
    perhaps: bool


async def revisions(
    connection: asyncpg.Connection, entities: Iterable[Entity], places: Mapping[str, Place]
) -> Revisions:
    """Every revision of these entities that was planned before (and those of this batch)."""
    wanted = sorted(entities)
    if not wanted:
        return {}
    rows = await connection.fetch(
        """SELECT change, source, school, type, entity, revision, time, accepted_at, pupil, class,
                  data::text AS data
           FROM dispatch.change JOIN unnest($1::text[], $2::text[]) AS wanted(source, entity)
           USING (source, entity)""",
        [source for source, _ in wanted],
        [entity for _, entity in wanted],
    )
    return {row["change"]: ((row["source"], row["entity"]), _revision(row, places)) for row in rows}


async def earlier(
    connection: asyncpg.Connection, revisions: Revisions
) -> dict[Entity, dict[str, tuple[Earlier, ...]]]:
    """The decisions about these revisions that still matter, locked so that neither a composer
    nor a sender takes them up meanwhile; what one of them took up first is told."""
    if not revisions:
        return {}
    changes = sorted(revisions)
    stands = await _lock_messages(
        connection,
        """SELECT message FROM dispatch.decision
           WHERE change = ANY($1::uuid[]) AND message IS NOT NULL AND cancelled_by IS NULL""",
        changes,
    )
    decisions = await connection.fetch(
        """SELECT change, guardian, verdict, mode, message, reason FROM dispatch.decision
           WHERE change = ANY($1::uuid[]) AND verdict <> 'suppress'
             AND (cancelled_by IS NULL OR reason = $2)
           ORDER BY change, guardian FOR UPDATE""",
        changes,
        PERHAPS_TOLD,
    )
    # Composed between the two statements: their locks come out of order, but nobody had time to
    # take them up.
    late = sorted({row["message"] for row in decisions if row["message"] is not None} - stands.keys())
    if late:
        stands |= await _lock_messages(connection, "SELECT unnest($1::uuid[])", late)
    found: dict[Entity, dict[str, list[Earlier]]] = defaultdict(lambda: defaultdict(list))
    for row in decisions:
        standing = _standing(row, stands)
        if standing is not None:
            entity, revision = revisions[row["change"]]
            mode = Mode(row["mode"]) if row["mode"] is not None else None
            found[entity][row["guardian"]].append(Earlier(revision, standing, mode))
    return {
        entity: {guardian: tuple(each) for guardian, each in by_guardian.items()}
        for entity, by_guardian in found.items()
    }


async def _lock_messages(
    connection: asyncpg.Connection, which: str, ids: Sequence[UUID]
) -> dict[UUID, _Stand]:
    rows = await connection.fetch(
        f"""SELECT id, status, attempts FROM dispatch.message WHERE id IN ({which}) ORDER BY id FOR UPDATE""",
        ids,
    )
    again = [row["id"] for row in rows if row["attempts"]]
    perhaps = await perhaps_told(connection, again) if again else frozenset()
    return {row["id"]: _Stand(Status(row["status"]), row["id"] in perhaps) for row in rows}


def _standing(row: asyncpg.Record, stands: Mapping[UUID, _Stand]) -> Standing | None:
    if row["verdict"] == Verdict.PAPER:
        return Standing.PAPER
    if row["reason"] == PERHAPS_TOLD:
        return Standing.PERHAPS
    if row["message"] is None:
        return Standing.UNTOLD
    stand = stands.get(row["message"])
    if stand is None:
        return Standing.TOLD  # so old that the message is gone
    status = stand.status
    if status in {Status.ACCEPTED, Status.DELIVERED}:
        return Standing.TOLD
    if status.told or stand.perhaps:
        return Standing.PERHAPS
    if status in {Status.CANCELLED, Status.EXPIRED}:
        return None  # ended without being told, and nothing brings it back
    # A failed message may be replayed, and must not bring back what is out of date.
    return Standing.UNTOLD


def _revision(row: asyncpg.Record, places: Mapping[str, Place]) -> Revision:
    category, removed = TYPES[row["type"]]
    data = orjson.loads(row["data"])
    change = Change(
        change=row["change"],
        source=row["source"],
        school=row["school"],
        type=row["type"],
        category=category,
        removed=removed,
        entity=row["entity"],
        version=Version(row["revision"], row["time"]),
        accepted_at=row["accepted_at"],
        pupil=row["pupil"],
        class_name=row["class"],
        grade=None,
        group=None,
        pupils=(),
        data=data,
    )
    facts = facts_of(change, places[row["school"]].school.timezone)
    return Revision(change.change, change.version, removed, facts.day, facts.attendance, data)
