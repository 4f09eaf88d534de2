"""What SMS cost: segments and roubles by school and month (R-C9: the school pays, never the family)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from shared.clock import Clock
from shared.db import AnyConnection
from shared.settings import Profile, zone


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
        """Those of the schools that may send no more SMS this month."""
        months = await self._months(connection, schools)
        rows = await connection.fetch(
            """SELECT school, segments FROM dispatch.sms_budget
               JOIN unnest($1::text[], $2::date[]) AS asked(school, month) USING (school, month)""",
            list(months),
            list(months.values()),
        )
        used = dict.fromkeys(months, 0) | {row["school"]: row["segments"] for row in rows}
        return frozenset(
            school
            for school, segments in used.items()
            if segments >= self._profile_of(school).sms_segments_per_month
        )

    async def add(self, connection: AnyConnection, spendings: Sequence[Spending]) -> None:
        """In the transaction that records the acceptance."""
        if not spendings:
            return
        months = await self._months(connection, {one.school for one in spendings})
        schools = sorted(months)
        await connection.execute(
            """INSERT INTO dispatch.sms_budget AS b (school, month, segments, cost)
               SELECT * FROM unnest($1::text[], $2::date[], $3::integer[], $4::float8[])
               ON CONFLICT (school, month) DO UPDATE
               SET segments = b.segments + excluded.segments, cost = b.cost + excluded.cost""",
            schools,
            [months[school] for school in schools],
            [sum(one.segments for one in spendings if one.school == school) for school in schools],
            [sum(one.cost for one in spendings if one.school == school) for school in schools],
        )

    async def _months(self, connection: AnyConnection, schools: Iterable[str]) -> dict[str, date]:
        """The running month of each school by its own calendar, named by its first day."""
        rows = await connection.fetch(
            "SELECT school, timezone FROM roster.school WHERE school = ANY($1::text[])", sorted(schools)
        )
        now = self._clock.now()
        return {row["school"]: now.astimezone(zone(row["timezone"])).date().replace(day=1) for row in rows}
