"""Watches the school year: since when pupils are in their classes, families without a decision as a
number, and a word to the staff before a pupil turns eighteen and while lists are last year's
(R-B9, R-B11, R-C8).

One process of all (`shared.bus.lead`). A notice has the same bytes whenever it is made, so it is told
once, whoever makes it again after a restart.
"""

import time
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as clock_time

import asyncpg
import orjson
from prometheus_client import Gauge

from dispatcher.desk import rollover, undecided
from dispatcher.desk.eighteen import read_adults, warned_from
from shared import outbox
from shared.bus.lead import Bell, Pulse
from shared.changes import bus_key
from shared.clock import Clock
from shared.settings import zone
from shared.topics import Service, Topic

JOB = "watch the school year"
EVERY_SECONDS = 10.0
_SHARE = 0.05  # of the time, at most, is spent looking
_MORNING = clock_time(8)

_UNDECIDED = Gauge(
    "vestnik_families_undecided", "Families without a registered decision, by being overdue", ["overdue"]
)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a school was looked at with."""

    epochs: tuple[int, int]
    today: date
    timezone: str


class YearWatch:
    """`run` is a job for `lead`."""

    def __init__(self, clock: Clock, *, every: float = EVERY_SECONDS) -> None:
        self._clock = clock
        self._every = every
        self._seen: dict[str, _Seen] = {}
        self._waiting: dict[str, tuple[int, int]] = {}
        self._told: set[bytes] = set()

    async def run(self, connection: asyncpg.Connection, bell: Bell, pulse: Pulse) -> None:
        self._seen.clear()  # another process may have led meanwhile
        try:
            while not bell.stopping:
                began = time.monotonic()
                await self.round(connection)
                pulse.beat()
                await bell.sleep(max(self._every, (time.monotonic() - began) / _SHARE))
        finally:
            _UNDECIDED.clear()

    async def round(self, connection: asyncpg.Connection) -> None:
        """Look at every school whose registry or day has changed."""
        now = self._clock.now()
        found = await self._look(connection, now)
        for school in set(self._seen) - set(found):
            del self._seen[school], self._waiting[school]
        for school, seen in found.items():
            if self._seen.get(school) != seen:
                async with connection.transaction():
                    await rollover.note_classes(connection, school, seen.today)
                    await self._warn(connection, school, seen)
                self._waiting[school] = await undecided.total(connection, now, school)
                self._seen[school] = seen
        overdue = sum(late for _, late in self._waiting.values())
        _UNDECIDED.labels("yes").set(overdue)
        _UNDECIDED.labels("no").set(sum(all_ for all_, _ in self._waiting.values()) - overdue)

    async def _look(self, connection: asyncpg.Connection, now: datetime) -> dict[str, _Seen]:
        rows = await connection.fetch(
            """SELECT s.school, s.timezone, coalesce(r.value, 0) AS roster, coalesce(c.value, 0) AS consent
               FROM roster.school s
               LEFT JOIN roster.epoch r USING (school) LEFT JOIN consent.epoch c USING (school)
               ORDER BY s.school"""
        )
        return {
            row["school"]: _Seen(
                (row["roster"], row["consent"]),
                now.astimezone(zone(row["timezone"])).date(),
                row["timezone"],
            )
            for row in rows
        }

    async def _warn(self, connection: asyncpg.Connection, school: str, seen: _Seen) -> None:
        def morning(day: date) -> datetime:
            return datetime.combine(day, _MORNING, zone(seen.timezone))

        records = []
        soon, _silent = await read_adults(connection, school, seen.today)
        for one in soon:
            assert one.pupil.birth_date is not None
            said = {
                "kind": "pupil_turns_18",
                "at": morning(warned_from(one.pupil.birth_date)),
                "school": school,
                "class": one.pupil.class_name,
                "pupil": one.pupil.pupil,
                "on": one.on.isoformat(),
            }
            records.append((bus_key(school, one.pupil.class_name), orjson.dumps(said)))
        year = await rollover.read_rollover(connection, school, seen.today)
        if (day := year.warned_on(seen.today)) is not None:
            said = {
                "kind": "lists_not_rolled_over",
                "at": morning(day),
                "school": school,
                "due": year.due.isoformat(),
            }
            records.append((bus_key(school, None), orjson.dumps(said)))
        news = [record for record in records if record[1] not in self._told]
        await outbox.append(connection, Service.DISPATCHER, Topic.STAFF_NOTICES, news)
        self._told.update(value for _, value in news)
