"""All SQL of planning: a handful of statements a batch, whatever its size (DESIGN §9).

Locks are taken in one order by everybody: changes, entities, days of absence, messages,
decisions, and within each in key order. A sender locks a message and then its decisions, so the
two never wait for each other in a circle.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from uuid import UUID

import asyncpg
import orjson

from dispatcher.planning.decision import AlertKey, Decision, Plan
from dispatcher.planning.facts import Alert
from dispatcher.planning.situation import Entity
from dispatcher.sending.suppression import STANDING
from shared.categories import Channel
from shared.changes import Change, Version

ROWS = 5_000
"""At most so many rows in one statement and so many decisions in memory."""

_DECISION = {
    "change": "uuid",
    "school": "text",
    "guardian": "text",
    "pupils": "text[]",
    "category": "text",
    "verdict": "text",
    "reason": "text",
    "missing": "text[]",
    "sheets": "text[]",
    "channel": "text",
    "mode": "text",
    "chosen": "boolean",
    "due_at": "timestamptz",
    "deadline": "timestamptz",
    "expires_at": "timestamptz",
    "corrects": "uuid",
}
_NAMES = ", ".join(_DECISION)
_TYPED = ", ".join(f"{name} {kind}" for name, kind in _DECISION.items())

ChildDay = tuple[str, str, str, date]
"""School, guardian, pupil and day."""

_ALERT_LOCK = 0x414C_4552  # "ALER": the space of advisory locks on children's days


async def claim(
    connection: asyncpg.Connection, changes: Iterable[Change], guardians: Mapping[UUID, int]
) -> set[UUID]:
    """Take these changes for planning; those taken before, or by another planner, are left out.
    `guardians`: how many each concerns, which the ledger is checked against."""
    rows = sorted(changes, key=lambda change: change.change)
    taken = await connection.fetch(
        """INSERT INTO dispatch.change (
               change, source, school, type, category, entity, revision, time, accepted_at, pupil, class,
               data, guardians)
           SELECT change, source, school, type, category, entity, revision, time, accepted_at, pupil, class,
                  data::jsonb, guardians
           FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
                       $8::timestamptz[], $9::timestamptz[], $10::text[], $11::text[], $12::text[],
                       $13::int[])
                AS given(change, source, school, type, category, entity, revision, time, accepted_at, pupil,
                         class, data, guardians)
           ON CONFLICT DO NOTHING RETURNING change""",
        [change.change for change in rows],
        [change.source for change in rows],
        [change.school for change in rows],
        [change.type for change in rows],
        [change.category.value for change in rows],
        [change.entity for change in rows],
        [change.version.revision for change in rows],
        [change.version.time for change in rows],
        [change.accepted_at for change in rows],
        [change.pupil for change in rows],
        [change.class_name for change in rows],
        [orjson.dumps(change.data).decode() for change in rows],
        [guardians[change.change] for change in rows],
    )
    return {row["change"] for row in taken}


async def advance(connection: asyncpg.Connection, changes: Iterable[Change]) -> dict[Entity, Version]:
    """Lock the entities of these changes, move each to its newest version and say which version
    it had before; entities never seen are left out."""
    newest: dict[Entity, Change] = {}
    for change in changes:
        entity = (change.source, change.entity)
        known = newest.get(entity)
        if known is None or known.version < change.version:
            newest[entity] = change
    rows = [newest[entity] for entity in sorted(newest)]
    moved = await connection.fetch(
        """INSERT INTO dispatch.entity AS e (source, entity, revision, time, change, removed)
           SELECT * FROM unnest(
               $1::text[], $2::text[], $3::bigint[], $4::timestamptz[], $5::uuid[], $6::boolean[])
           ON CONFLICT (source, entity) DO UPDATE SET
               revision = excluded.revision, time = excluded.time,
               change = excluded.change, removed = excluded.removed
           WHERE (e.revision, e.time) < (excluded.revision, excluded.time)
           RETURNING source, entity, old.revision AS revision, old.time AS time""",
        [change.source for change in rows],
        [change.entity for change in rows],
        [change.version.revision for change in rows],
        [change.version.time for change in rows],
        [change.change for change in rows],
        [change.removed for change in rows],
    )
    # What did not move is at least as new as everything here: any such version makes all stale.
    before: dict[Entity, Version] = {entity: change.version for entity, change in newest.items()}
    for source, entity, revision, time in moved:
        if revision is None:
            del before[source, entity]
        else:
            before[source, entity] = Version(revision, time)
    return before


async def suppressed(connection: asyncpg.Connection, schools: Iterable[str]) -> set[tuple[str, Channel, str]]:
    """Addresses of these schools to which nothing may go."""
    rows = await connection.fetch(
        f"""SELECT school, channel, address FROM dispatch.suppression
           WHERE school = ANY($1::text[]) AND {STANDING}""",
        sorted(schools),
    )
    return {(row["school"], Channel(row["channel"]), row["address"]) for row in rows}


async def shifts(
    connection: asyncpg.Connection, guardians: Iterable[tuple[str, str]], on: date
) -> dict[tuple[str, str], int]:
    """The latest shift among all children these guardians (school, guardian) have at school on a day."""
    wanted = sorted(guardians)
    if not wanted:
        return {}
    rows = await connection.fetch(
        """SELECT g.school, g.guardian, max(c.shift) AS shift
           FROM unnest($1::text[], $2::text[]) AS asked(school, guardian)
           JOIN roster.guardianship g USING (school, guardian)
           JOIN roster.pupil p USING (school, pupil)
           JOIN roster.class c ON c.school = p.school AND c.class = p.class
           WHERE p.left_on IS NULL OR p.left_on >= $3
           GROUP BY 1, 2""",
        *_columns(wanted, 2),
        on,
    )
    return {(row["school"], row["guardian"]): row["shift"] for row in rows}


async def alerts(connection: asyncpg.Connection, days: Iterable[ChildDay]) -> dict[AlertKey, UUID]:
    """Alerts already given on these days. Until the end of the transaction no other planner decides
    about the same children."""
    wanted = sorted(days)
    if not wanted:
        return {}
    # 1024 locks at most: two children who share one only wait for each other.
    await connection.execute(
        """SELECT pg_advisory_xact_lock($1, bucket) FROM (
               SELECT DISTINCT hashtext(child) & 1023 AS bucket FROM unnest($2::text[]) AS child ORDER BY 1
           ) AS ordered""",
        _ALERT_LOCK,
        [f"{school}/{pupil}" for school, _, pupil, _ in wanted],
    )
    rows = await connection.fetch(
        """SELECT a.* FROM dispatch.absence_alert a
           JOIN unnest($1::text[], $2::text[], $3::text[], $4::date[]) AS k(school, guardian, pupil, day)
           USING (school, guardian, pupil, day)""",
        *_columns(wanted, 4),
    )
    return {
        AlertKey(row["school"], row["guardian"], row["pupil"], row["day"], Alert(row["kind"])): row["change"]
        for row in rows
    }


async def write(connection: asyncpg.Connection, plan: Plan) -> None:
    """Store a plan, in statements of at most `ROWS` rows."""
    decisions = sorted(plan.decisions, key=lambda decision: (decision.change, decision.guardian))
    for start in range(0, len(decisions), ROWS):
        await _insert(connection, decisions[start : start + ROWS])
    if plan.cancellations:
        await connection.execute(
            """UPDATE dispatch.decision d SET cancelled_by = c.by
               FROM unnest($1::uuid[], $2::text[], $3::uuid[]) AS c(change, guardian, by)
               WHERE d.change = c.change AND d.guardian = c.guardian AND d.cancelled_by IS NULL""",
            [one.change for one in plan.cancellations],
            [one.guardian for one in plan.cancellations],
            [one.by for one in plan.cancellations],
        )
    if plan.released:
        await connection.execute(
            """DELETE FROM dispatch.absence_alert a
               USING unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::text[])
                     AS k(school, guardian, pupil, day, kind)
               WHERE (a.school, a.guardian, a.pupil, a.day, a.kind)
                   = (k.school, k.guardian, k.pupil, k.day, k.kind)""",
            *_key_columns(sorted(plan.released)),
        )
    if plan.alerts:
        given = sorted(plan.alerts)
        await connection.execute(
            """INSERT INTO dispatch.absence_alert (school, guardian, pupil, day, kind, change)
               SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::text[], $6::uuid[])
               ON CONFLICT DO NOTHING""",
            *_key_columns([key for key, _ in given]),
            [change for _, change in given],
        )


async def _insert(connection: asyncpg.Connection, rows: Sequence[Decision]) -> None:
    # One JSON text is several times cheaper for the driver than a column of values each, and
    # keeps arrays whole; a Decision's fields are named as the columns.
    await connection.execute(
        f"""INSERT INTO dispatch.decision ({_NAMES})
            SELECT {_NAMES} FROM json_to_recordset($1::text::json) AS given({_TYPED})
            ON CONFLICT DO NOTHING""",
        orjson.dumps(rows, default=str).decode(),  # the driver's own UUIDs are no plain ones
    )


def _columns(rows: Sequence[Sequence[object]], width: int) -> list[list[object]]:
    return [[row[n] for row in rows] for n in range(width)]


def _key_columns(keys: Sequence[AlertKey]) -> list[list[object]]:
    return _columns([(key.school, key.guardian, key.pupil, key.day, key.kind.value) for key in keys], 5)
