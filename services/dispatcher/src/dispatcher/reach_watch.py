"""Keeps the list of those who cannot be reached, and tells the class teacher once a change of state (R-E5).

Whatever the way there (no address in a list, a bounce, a phone long off, STOP, unsubscribing, a dead push
subscription, a spent budget), the list is computed from what is so now, not from what happened. A school is
looked at again when its registry, its suppressions, its budget or its day has changed.
"""

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import asyncpg
import orjson
import structlog

from dispatcher.planning.reach import Budget
from dispatcher.unreachable import Reach, Unreachable, judge
from shared import outbox
from shared.bus.lead import Bell, Pulse
from shared.categories import Channel
from shared.changes import bus_key
from shared.clock import Clock
from shared.db import AnyConnection
from shared.registry import Families
from shared.settings import zone
from shared.topics import Service, Topic

log = structlog.get_logger()

JOB = "watch reach"
EVERY_SECONDS = 5.0
_SHARE = 0.05  # of the time, at most, is spent looking
_BREATH = 100

LASTING = "lifted_at IS NULL AND (until IS NULL OR until > now() AND until - since > interval '1 day')"
"""SQL: suppressions that count. An address that rests for hours is no change of anybody's state."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a school's list was computed from."""

    epochs: tuple[int, int]
    suppressions: tuple[int, datetime | None, datetime | None]
    today: date
    spent: bool


class ReachWatch:
    """`run` is a job for `lead`. `on`: the channels switched on."""

    def __init__(self, clock: Clock, *, on: frozenset[Channel], budget: Budget) -> None:
        self._clock = clock
        self._on = on
        self._budget = budget
        self._seen: dict[str, _Seen] = {}

    async def run(self, connection: asyncpg.Connection, bell: Bell, pulse: Pulse) -> None:
        self._seen.clear()  # another process may have kept the list meanwhile
        while not bell.stopping:
            began = time.monotonic()
            await self.round(connection)
            pulse.beat()
            await bell.sleep(max(EVERY_SECONDS, (time.monotonic() - began) / _SHARE))

    async def round(self, connection: asyncpg.Connection) -> None:
        """Look at every school that changed."""
        for school, seen in (await self._look(connection)).items():
            if self._seen.get(school) == seen:
                continue
            await self._keep(connection, school, seen)
            self._seen[school] = seen

    async def _look(self, connection: asyncpg.Connection) -> dict[str, _Seen]:
        rows = await connection.fetch(
            f"""SELECT s.school, s.timezone, coalesce(r.value, 0) AS roster,
                       coalesce(c.value, 0) AS consent, coalesce(x.lasting, 0) AS lasting, x.since, x.lifted
                FROM roster.school s
                LEFT JOIN roster.epoch r USING (school) LEFT JOIN consent.epoch c USING (school)
                LEFT JOIN (
                    SELECT school, count(*) FILTER (WHERE {LASTING}) AS lasting,
                           max(since) AS since, max(lifted_at) AS lifted
                    FROM dispatch.suppression GROUP BY school
                ) AS x USING (school) ORDER BY s.school"""
        )
        now = self._clock.now()
        spent = await self._budget.spent(connection, [row["school"] for row in rows])
        return {
            row["school"]: _Seen(
                (row["roster"], row["consent"]),
                (row["lasting"], row["since"], row["lifted"]),
                now.astimezone(zone(row["timezone"])).date(),
                row["school"] in spent,
            )
            for row in rows
        }

    async def _keep(self, connection: asyncpg.Connection, school: str, seen: _Seen) -> None:
        now = self._clock.now()
        suppressed = {
            (Channel(row["channel"]), row["address"])
            for row in await connection.fetch(
                f"SELECT channel, address FROM dispatch.suppression WHERE school = $1 AND {LASTING}", school
            )
        }
        found = await self._find(connection, school, Reach(self._on, seen.spent, suppressed), now)
        async with connection.transaction():
            told = await _write(connection, school, found, now)
        if told:
            log.warning("reach.lost", school=school, ties=told)

    async def _find(
        self, connection: asyncpg.Connection, school: str, reach: Reach, now: datetime
    ) -> list[Unreachable]:
        families = Families()
        await families.load(connection, whole=[school])
        known = families.school(school)
        if known is None:
            return []
        classes, today = families.classes(school), known.today(now)
        found: list[Unreachable] = []
        for name, school_class in sorted(classes.items()):
            for n, pupil in enumerate(families.members(school, name)):
                if n % _BREATH == 0:
                    await asyncio.sleep(0)  # others share this loop
                for tie in pupil.guardianships:
                    one = judge(pupil, tie, school_class=school_class, reach=reach, today=today, now=now)
                    if one is not None:
                        found.append(one)
        return found


async def _write(connection: AnyConnection, school: str, found: Sequence[Unreachable], now: datetime) -> int:
    """The list as it is now; a notice for everyone who came onto it, or gets something else instead than
    before. How many notices."""
    columns: list[Collection[object]] = [
        [one.pupil for one in found],
        [one.guardian for one in found],
        [one.class_name for one in found],
        [orjson.dumps(one.why).decode() for one in found],
        [one.instead.value for one in found],
    ]
    await connection.execute(
        """DELETE FROM dispatch.unreachable u WHERE school = $1 AND NOT EXISTS (
               SELECT FROM unnest($2::text[], $3::text[]) AS given(pupil, guardian)
               WHERE (given.pupil, given.guardian) = (u.pupil, u.guardian))""",
        school,
        *columns[:2],
    )
    rows = await connection.fetch(
        """INSERT INTO dispatch.unreachable AS u (school, pupil, guardian, class, why, instead, since)
           SELECT $1, pupil, guardian, class, ARRAY(SELECT jsonb_array_elements_text(why::jsonb)), instead, $7
           FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
               AS given(pupil, guardian, class, why, instead)
           ON CONFLICT (school, pupil, guardian) DO UPDATE SET
               class = excluded.class, why = excluded.why, instead = excluded.instead,
               since = CASE WHEN u.instead = excluded.instead THEN u.since ELSE excluded.since END
           WHERE (u.class, u.why, u.instead) IS DISTINCT FROM (excluded.class, excluded.why, excluded.instead)
           RETURNING u.pupil, u.guardian, u.class, u.instead,
                     old.instead IS DISTINCT FROM new.instead AS news""",
        school,
        *columns,
        now,
    )
    notices = [
        (
            bus_key(school, row["class"]),
            orjson.dumps(
                {
                    "kind": "family_unreachable",
                    "at": now,
                    "school": school,
                    "class": row["class"],
                    "pupil": row["pupil"],
                    "guardian": row["guardian"],
                    "instead": row["instead"],
                }
            ),
        )
        for row in rows
        if row["news"]
    ]
    await outbox.append(connection, Service.DISPATCHER, Topic.STAFF_NOTICES, notices)
    return len(notices)
