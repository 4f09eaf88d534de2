"""The rows behind a number of the ledger, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from dispatcher.ledger import COLUMN, EVERYTHING, FROM, Period
from shared.db import AnyConnection
from shared.settings import zone

PAGE = 50


@dataclass(frozen=True, slots=True)
class Line:
    """One decision: about which change, for whom (ids of the school's own), and where it stands."""

    change: UUID
    type: str
    accepted_at: datetime
    school: str
    guardian: str
    pupils: tuple[str, ...]
    place: str
    verdict: str
    reason: str | None
    channel: str | None
    due_at: datetime | None
    deadline: datetime | None
    message: UUID | None


async def lines(
    connection: AnyConnection,
    period: Period = EVERYTHING,
    *,
    place: str | None = None,
    reason: str | None = None,
    limit: int = PAGE,
    offset: int = 0,
) -> Sequence[Line]:
    """Newest changes first. `place` is a column of the ledger's sum, None for all of them; `reason`
    narrows to that reason of the decision or of its message."""
    rows = await connection.fetch(
        f"""SELECT d.change, c.type, c.accepted_at, d.school, d.guardian, d.pupils, {COLUMN} AS place,
                   d.verdict, coalesce(m.reason, d.reason) AS reason,
                   coalesce(m.channel, d.channel) AS channel, d.due_at, d.deadline, d.message
            {FROM} AND ($4::text IS NULL OR {COLUMN} = $4)
              AND ($5::text IS NULL OR coalesce(m.reason, d.reason) = $5)
            ORDER BY c.accepted_at DESC, d.change, d.guardian LIMIT $6 OFFSET $7""",
        period.school,
        period.since,
        period.until,
        place,
        reason,
        limit,
        offset,
    )
    return [Line(**{**row, "pupils": tuple(row["pupils"])}) for row in rows]


async def zone_of(connection: AnyConnection, school: str | None) -> ZoneInfo:
    """The school's zone; without a school the zone of all, or UTC where they differ."""
    zones = [
        row["timezone"]
        for row in await connection.fetch(
            "SELECT DISTINCT timezone FROM roster.school WHERE $1::text IS NULL OR school = $1", school
        )
    ]
    return zone(zones[0] if len(zones) == 1 else "UTC")


async def period_of(
    connection: AnyConnection, *, school: str | None, first: date | None, last: date | None
) -> Period:
    """The school's days from `first` to `last`, both included, by `zone_of` it."""
    where = await zone_of(connection, school)

    def midnight(day: date, later: int) -> datetime:
        return datetime.combine(date.fromordinal(day.toordinal() + later), datetime.min.time(), where)

    return Period(
        school,
        midnight(first, 0) if first is not None else None,
        midnight(last, 1) if last is not None else None,
    )
