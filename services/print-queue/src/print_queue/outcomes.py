"""Takes in families whose electronic addresses failed: the handler of `delivery.outcomes` (R-E5).

Such a family gets a sheet for the week it happened in, and its class teacher is told once a week.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import orjson

from print_queue.ledger import GROUP, PACE_SECONDS
from print_queue.store import share_schools
from shared import outbox
from shared.bus.base import Record, Rejected, Subscription
from shared.changes import bus_key
from shared.routing import Reason
from shared.topics import Service, Topic

_ONCE_IN = timedelta(days=7)
#: These families have paper by their own choice, which routing knows without being told.
_BY_CHOICE = {Reason.APPLICATION.value, Reason.PREFERENCE.value}


@dataclass(frozen=True, slots=True, order=True)
class Moved:
    school: str
    pupil: str
    guardian: str
    change: UUID
    at: datetime
    reason: str


async def keep_outcomes(connection: asyncpg.Connection, records: Sequence[Record]) -> Sequence[Rejected]:
    """The bus handler; idempotent by (pupil, guardian, change)."""
    rejected: list[Rejected] = []
    moved: dict[tuple[str, str, str, UUID], Moved] = {}
    for record in records:
        try:
            found = _read(record.value)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            rejected.append(Rejected(record, f"not an outcome: {type(error).__name__}"))
            continue
        for one in found:
            moved.setdefault((one.school, one.pupil, one.guardian, one.change), one)
    if moved:
        ordered = sorted(moved.values())
        await share_schools(connection, {one.school for one in ordered})
        await _write(connection, ordered)
    return rejected


def subscription() -> Subscription:
    return Subscription(Topic.DELIVERY_OUTCOMES, GROUP, keep_outcomes, pace=PACE_SECONDS)


def _read(value: bytes) -> list[Moved]:
    outcome = orjson.loads(value)
    if outcome["kind"] != "paper" or outcome["reason"] in _BY_CHOICE:
        return []
    at = datetime.fromisoformat(outcome["at"])
    if at.utcoffset() is None:
        raise ValueError("an instant without an offset")
    change = UUID(outcome["change"])
    return [
        Moved(outcome["school"], pupil, outcome["guardian"], change, at, str(outcome["reason"]))
        for pupil in outcome["pupils"]
    ]


async def _write(connection: asyncpg.Connection, moved: Sequence[Moved]) -> None:
    """The rows, and one notice for each pair that was not moved in the last seven days already."""
    rows = await connection.fetch(
        """
        WITH given AS (
            SELECT * FROM unnest(
                $1::text[], $2::text[], $3::text[], $4::uuid[], $5::timestamptz[], $6::text[]) AS given (
                school, pupil, guardian, change, at, reason)),
        written AS (
            INSERT INTO paper.to_paper (school, pupil, guardian, change, at, reason)
            SELECT school, pupil, guardian, change, at, reason FROM given
            ON CONFLICT DO NOTHING RETURNING school, pupil, guardian, at)
        SELECT w.school, w.pupil, w.guardian, min(w.at) AS at, p.class
        FROM written w JOIN roster.pupil p USING (school, pupil)
        WHERE NOT EXISTS (
            SELECT FROM paper.to_paper b  -- as it was before this statement
            WHERE (b.school, b.pupil, b.guardian) = (w.school, w.pupil, w.guardian)
                AND b.at > w.at - $7::interval)
        GROUP BY w.school, w.pupil, w.guardian, p.class ORDER BY 1, 2, 3
        """,
        [one.school for one in moved],
        [one.pupil for one in moved],
        [one.guardian for one in moved],
        [one.change for one in moved],
        [one.at for one in moved],
        [one.reason for one in moved],
        _ONCE_IN,
    )
    await outbox.append(
        connection,
        Service.PRINT_QUEUE,
        Topic.STAFF_NOTICES,
        [
            (
                bus_key(row["school"], row["class"]),
                orjson.dumps(
                    {
                        "kind": "moved_to_paper",
                        "school": row["school"],
                        "class": row["class"],
                        "pupil": row["pupil"],
                        "guardian": row["guardian"],
                        "at": row["at"],
                    }
                ),
            )
            for row in rows
        ],
    )
