"""Closes every class's week at its time, puts urgent final marks on extra sheets, and speaks up when a
batch lies about: the background work of the print queue, done by one replica at a time.

Each round looks at what is due and does it; nothing is remembered between rounds but in the database, so
a round may be cut short anywhere and the next one finishes it.
"""

from collections.abc import Iterable
from datetime import date, datetime

import asyncpg
import orjson
import structlog

from print_queue import batchstore
from print_queue.batches import Batches
from print_queue.freezing import EXTRA_AT, Ground, NoSuchWeek
from print_queue.lag import caught_up
from print_queue.weeks import WeekRow
from shared import outbox
from shared.bus.lead import Bell, Pulse
from shared.changes import bus_key
from shared.topics import Service, Topic

log = structlog.get_logger()

JOB = "close paper weeks"
_LONGEST_SLEEP = 20.0  # real seconds: a calendar may change, a frozen batch may have failed
_SHORTEST_SLEEP = 0.05

Grounds = dict[tuple[str, str], Ground]


class Closer:
    def __init__(self, batches: Batches, *, waits_for_bus: bool) -> None:
        self._batches = batches
        self._clock = batches.clock
        self._waits_for_bus = waits_for_bus
        self._looked: dict[tuple[str, str], date] = {}  # days whose final marks were already looked for

    async def run(self, connection: asyncpg.Connection, bell: Bell, pulse: Pulse) -> None:
        """`shared.bus.lead.Work`: rounds until told to stop."""
        while not bell.stopping:
            await connection.execute("SELECT 1")  # whoever lost this connection is no longer the one
            wake = await self.round()
            pulse.beat()
            wait = self._clock.real_seconds_until(wake) if wake is not None else _LONGEST_SLEEP
            await bell.sleep(min(max(wait, _SHORTEST_SLEEP), _LONGEST_SLEEP))

    async def round(self) -> datetime | None:
        """Everything that is due now; returns the school time at which the next thing will be."""
        async with self._batches.pool.acquire() as connection:
            grounds = await self._batches.grounds(connection)
        open_ = await self._close_due(grounds)
        await self._extra_sheets(grounds, open_)
        await self._batches.typeset_frozen()
        await self._escalate()
        async with self._batches.pool.acquire() as connection:
            overdue = await batchstore.next_overdue(connection)
        now = self._clock.now()
        coming = [
            *(row.closes_at for row in open_),
            *(self._next_extra(ground, now) for ground in grounds.values()),
            overdue,
        ]
        return min((instant for instant in coming if instant is not None and instant > now), default=None)

    async def _close_due(self, grounds: Grounds) -> list[WeekRow]:
        """Close what is due, week after week where several are; returns the open weeks left."""
        waited = False
        while True:
            async with self._batches.pool.acquire() as connection:
                open_ = await self._batches.open_weeks(connection, grounds)
            due = [row for row in open_ if row.closes_at <= self._clock.now()]
            if not due:
                return open_
            if self._waits_for_bus and not waited:
                waited = True
                if not await caught_up(self._batches.pool):
                    log.warning("paper.closing_behind_the_bus")
            for row in due:
                try:
                    await self._batches.close(row.school, row.class_name, row.as_planned)
                except NoSuchWeek:  # the class went from the lists meanwhile
                    log.warning("paper.week_without_class", school=row.school, school_class=row.class_name)

    async def _extra_sheets(self, grounds: Grounds, open_: Iterable[WeekRow]) -> None:
        """R-B1: on the morning of a teaching day, final marks that no sheet has told yet."""
        now = self._clock.now()
        for row in open_:
            ground = grounds[row.school, row.class_name]
            day = ground.timetable.day_of(now)
            cut = ground.timetable.local(day, EXTRA_AT)
            if (
                now < cut
                or self._looked.get(ground.key) == day
                or not ground.timetable.calendar.teaches(day, days=ground.school_class.days)
            ):
                continue
            if row.opened_at < cut:
                await self._batches.close_extra(row, cut)
            self._looked[ground.key] = day

    def _next_extra(self, ground: Ground, now: datetime) -> datetime | None:
        timetable, days = ground.timetable, ground.school_class.days
        today = timetable.day_of(now)
        if timetable.calendar.teaches(today, days=days) and now < (cut := timetable.local(today, EXTRA_AT)):
            return cut
        day = timetable.calendar.next_teaching_day(today, days=days)
        return timetable.local(day, EXTRA_AT) if day is not None else None

    async def _escalate(self) -> None:
        """What was not handed out in time is told to staff, once (R-E4)."""
        async with self._batches.pool.acquire() as connection, connection.transaction():
            overdue = await batchstore.claim_overdue(connection, self._clock.now())
            await outbox.append(
                connection,
                Service.PRINT_QUEUE,
                Topic.STAFF_NOTICES,
                [(bus_key(one.school, one.class_name), _notice(one)) for one in overdue],
            )
        for one in overdue:
            log.warning("paper.not_handed_out", batch=str(one.batch), state=one.state)


def _notice(one: batchstore.Overdue) -> bytes:
    return orjson.dumps(
        {
            "kind": "paper_not_handed_out",
            "school": one.school,
            "class": one.class_name,
            "batch": str(one.batch),
            "occasion": one.kind,
            "name": one.name,
            "state": one.state,
            "hand_out_by": one.hand_out_by,
        }
    )
