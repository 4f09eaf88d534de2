"""What SMS cost: segments and roubles by school and month (R-C9: the school pays, never the family).

What is spent is counted when the gateway accepts; what is in flight or unknown is held by its open
attempt, so replicas together never go beyond the month's segments.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone, tzinfo

import asyncpg

from dispatcher.outcomes import notify_staff
from dispatcher.sending.phones import LONGEST_SMS
from shared.clock import Clock
from shared.db import AnyConnection
from shared.settings import Profile, zone

WARN_AT = 0.8
_EDGES = [timezone(timedelta(hours=hours)) for hours in (-14, 14)]
"""Every school's month is now that of one of these."""


@dataclass(frozen=True, slots=True)
class Spending:
    """One SMS that the gateway accepted."""

    school: str
    segments: int
    cost: float


class Budget:
    """Counts what was accepted; says whose month is used up (`sms_segments_per_month`)."""

    def __init__(self, clock: Clock, profile_of: Callable[[str], Profile]) -> None:
        self._clock = clock
        self._profile_of = profile_of

    async def spent(self, connection: AnyConnection, schools: Iterable[str]) -> frozenset[str]:
        """Those of the schools whose month has no room for an SMS of the longest kind."""
        left = await self.left(connection, schools)
        return frozenset(school for school, segments in left.items() if segments < LONGEST_SMS)

    async def left(self, connection: AnyConnection, schools: Iterable[str]) -> dict[str, int]:
        """Segments each school may still send this month, what is in flight taken off. One statement: an
        attempt that settles meanwhile counts once."""
        now = self._clock.now()
        rows = await connection.fetch(
            """SELECT s.school, s.timezone, b.month, b.segments, (
                   SELECT coalesce(sum(a.segments), 0) FROM dispatch.sms_attempt a
                   WHERE a.school = s.school AND a.settled_at IS NULL
               ) AS open
               FROM roster.school s
               LEFT JOIN dispatch.sms_budget b ON b.school = s.school AND b.month = ANY($2::date[])
               WHERE s.school = ANY($1::text[])""",
            list(schools),
            [_month(now, edge) for edge in _EDGES],
        )
        left = {row["school"]: self._limit(row["school"]) - row["open"] for row in rows}
        for row in rows:
            if row["month"] == _month(now, zone(row["timezone"])):
                left[row["school"]] -= row["segments"]
        return left

    async def add(self, connection: AnyConnection, spendings: Sequence[Spending]) -> None:
        """In the transaction that records the acceptance."""
        if not spendings:
            return
        months = await self._months(connection, {one.school for one in spendings})
        schools = sorted(months)
        rows = await connection.fetch(
            """INSERT INTO dispatch.sms_budget AS b (school, month, segments, cost)
               SELECT * FROM unnest($1::text[], $2::date[], $3::integer[], $4::float8[])
               ON CONFLICT (school, month) DO UPDATE
               SET segments = b.segments + excluded.segments, cost = b.cost + excluded.cost
               RETURNING *""",
            schools,
            [months[school] for school in schools],
            [sum(one.segments for one in spendings if one.school == school) for school in schools],
            [sum(one.cost for one in spendings if one.school == school) for school in schools],
        )

        for row in rows:
            await self._warn(connection, row)

    async def _warn(self, connection: AnyConnection, row: asyncpg.Record) -> None:
        """Tell the staff once when little is left, and once when nothing is; the row is locked."""
        limit = self._limit(row["school"])
        spent = row["segments"] > limit - LONGEST_SMS
        low = row["segments"] >= limit * WARN_AT
        if (spent and row["spent_at"]) or (not spent and (row["warned_at"] or not low)):
            return
        await connection.execute(
            """UPDATE dispatch.sms_budget SET warned_at = coalesce(warned_at, clock_timestamp()),
                   spent_at = CASE WHEN $3 THEN clock_timestamp() END
               WHERE school = $1 AND month = $2""",
            row["school"],
            row["month"],
            spent,
        )
        await notify_staff(
            connection,
            kind="sms_budget_spent" if spent else "sms_budget_low",
            at=self._clock.now(),
            school=row["school"],
            month=f"{row['month']:%Y-%m}",
            segments=str(row["segments"]),
            limit=str(limit),
        )

    def _limit(self, school: str) -> int:
        return self._profile_of(school).sms_segments_per_month

    async def _months(self, connection: AnyConnection, schools: Iterable[str]) -> dict[str, date]:
        """The running month of each school by its own calendar, named by its first day."""
        rows = await connection.fetch(
            "SELECT school, timezone FROM roster.school WHERE school = ANY($1::text[])", sorted(schools)
        )
        now = self._clock.now()
        return {row["school"]: _month(now, zone(row["timezone"])) for row in rows}


def _month(now: datetime, of: tzinfo) -> date:
    return now.astimezone(of).date().replace(day=1)
