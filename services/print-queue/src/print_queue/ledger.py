"""Keeps the newest revision of everything a journal recorded: the handler of `journal.changes`.

Of a batch only the newest revision of each entity is written, in one statement; a revision not strictly
newer than what is there changes nothing, so a batch may come again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import asyncpg

from print_queue.contents import Unprintable, line_of
from print_queue.entries import Entry, Key
from print_queue.store import share_schools
from shared.bus.base import Record, Rejected, Subscription
from shared.changes import Change, decode
from shared.db import AnyConnection
from shared.topics import Topic

GROUP = "print-queue"
PACE_SECONDS = 0.25
"""Paper waits for the end of the week: fewer, larger batches."""

_UTC = ZoneInfo("UTC")

# A tombstone keeps what it removes: an earlier sheet may have said it, and whom it concerned.
_UPSERT = """
INSERT INTO paper.ledger AS l (
    source, entity, school, category, change, revision, time, removed, pupil, class, grade, group_name,
    pupils, data, accepted_at, first_accepted_at)
SELECT source, entity, school, category, change, revision, time, removed, pupil, class, grade, group_name,
    pupils, data, accepted_at, first_accepted_at
FROM jsonb_to_recordset($1) AS given (
    source text, entity text, school text, category text, change uuid, revision bigint, time timestamptz,
    removed boolean, pupil text, class text, grade text, group_name text, pupils text[], data jsonb,
    accepted_at timestamptz, first_accepted_at timestamptz)
ORDER BY source, entity
ON CONFLICT (source, entity) DO UPDATE SET
    change = excluded.change, revision = excluded.revision, time = excluded.time,
    removed = excluded.removed, accepted_at = excluded.accepted_at, arrival = nextval('paper.arrival'),
    pupil = coalesce(excluded.pupil, l.pupil),
    class = coalesce(excluded.class, l.class), grade = coalesce(excluded.grade, l.grade),
    group_name = CASE WHEN excluded.removed THEN l.group_name ELSE excluded.group_name END,
    pupils = CASE WHEN excluded.removed THEN l.pupils ELSE excluded.pupils END,
    data = CASE WHEN excluded.removed THEN l.data ELSE excluded.data END
WHERE (excluded.revision, excluded.time) > (l.revision, l.time)
"""


@dataclass(frozen=True, slots=True)
class _Kept:
    newest: Change
    first_accepted_at: str


async def keep_changes(connection: asyncpg.Connection, records: Sequence[Record]) -> Sequence[Rejected]:
    """The bus handler. What could never be printed is rejected with the field at fault."""
    rejected: list[Rejected] = []
    kept: dict[Key, _Kept] = {}
    for record in records:
        try:
            change = decode(record.value)
            if not change.removed:
                line_of(entry_of(change), _UTC)
        except (Unprintable, ValueError, KeyError, TypeError) as error:
            rejected.append(Rejected(record, _reason(error)))
            continue
        key, accepted_at = Key(change.source, change.entity), change.accepted_at.isoformat()
        before = kept.get(key)
        if before is None:
            kept[key] = _Kept(change, accepted_at)
        elif change.version > before.newest.version:
            kept[key] = _Kept(change, before.first_accepted_at)
    if kept:
        await share_schools(connection, {one.newest.school for one in kept.values()})
        await _write(connection, list(kept.values()))
    return rejected


def subscription() -> Subscription:
    return Subscription(Topic.JOURNAL_CHANGES, GROUP, keep_changes, pace=PACE_SECONDS)


def entry_of(change: Change) -> Entry:
    return Entry(
        key=Key(change.source, change.entity),
        category=change.category,
        change=change.change,
        version=change.version,
        removed=change.removed,
        pupil=change.pupil,
        class_name=change.class_name,
        grade=change.grade,
        group=change.group,
        pupils=change.pupils,
        data=change.data,
        accepted_at=change.accepted_at,
    )


async def _write(connection: AnyConnection, kept: Sequence[_Kept]) -> None:
    await connection.execute(
        _UPSERT,
        [
            {
                "source": one.newest.source,
                "entity": one.newest.entity,
                "school": one.newest.school,
                "category": one.newest.category.value,
                "change": one.newest.change,
                "revision": one.newest.version.revision,
                "time": one.newest.version.time,
                "removed": one.newest.removed,
                "pupil": one.newest.pupil,
                "class": one.newest.class_name,
                "grade": one.newest.grade,
                "group_name": one.newest.group,
                "pupils": list(one.newest.pupils),
                "data": one.newest.data,
                "accepted_at": one.newest.accepted_at,
                "first_accepted_at": one.first_accepted_at,
            }
            for one in kept
        ],
    )


def _reason(error: Exception) -> str:
    """What was wrong, without the record's content."""
    return str(error) if isinstance(error, Unprintable) else f"not a journal change: {type(error).__name__}"
