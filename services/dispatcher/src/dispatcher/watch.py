"""Watching deadlines and queues: numbers for `/metrics`, and a word to operators when a school becomes
late (R-B10).

One process of all watches (`shared.bus.lead`), so the sum over replicas is the truth; one that stops
watching takes its numbers back. It looks every few seconds, rarer where looking takes long; a scrape
only reads what was found last.
"""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg
from prometheus_client import Gauge

from dispatcher import deadlines, ledger
from dispatcher.deadlines import Heap
from dispatcher.messages import Status
from dispatcher.outcomes import notify_staff
from shared.bus.lead import Bell, Pulse
from shared.categories import ELECTRONIC, Category, Channel
from shared.clock import Clock
from shared.db import AnyConnection

JOB = "watch deadlines"
EVERY_SECONDS = 10.0
_SHARE = 0.05  # of the time, at most, is spent looking
_LOST_OVER = timedelta(days=1)
QUIET_AFTER = timedelta(hours=1)
"""A school without anything late for so long (real) is told again when it becomes late."""
REMIND_AFTER = timedelta(days=1)
"""One that stays late is told again after this (real)."""

_LATE = Gauge("vestnik_deadlines_late", "Decisions past their deadline, untold", ["category", "channel"])
_AT_RISK = Gauge(
    "vestnik_deadlines_at_risk", "Decisions about to miss their deadline", ["category", "channel"]
)
_LOST = Gauge(
    "vestnik_untold_day", "Decisions ended untold in the last 24 hours", ["category", "channel", "status"]
)
_QUEUE = Gauge("vestnik_queue_messages", "Messages not ended, by where they stand", ["channel", "status"])
_OLDEST = Gauge("vestnik_queue_oldest_seconds", "How long the oldest has been due, school time", ["channel"])
_ALL = (_LATE, _AT_RISK, _LOST, _QUEUE, _OLDEST)


class Watch:
    """`run` is a job for `lead`."""

    def __init__(self, clock: Clock, *, every: float = EVERY_SECONDS) -> None:
        self._clock = clock
        self._every = every

    async def run(self, connection: asyncpg.Connection, bell: Bell, pulse: Pulse) -> None:
        try:
            while not bell.stopping:
                began = time.monotonic()
                await self.round(connection)
                pulse.beat()
                await bell.sleep(max(self._every, (time.monotonic() - began) / _SHARE))
        finally:
            for gauge in _ALL:
                gauge.clear()

    async def round(self, connection: AnyConnection) -> None:
        """Look once."""
        now = self._clock.now()
        found = await deadlines.heaps(connection, now)
        _show(found)
        _show_lost(await deadlines.lost_lately(connection, _LOST_OVER))
        for queue in await ledger.queues(connection, now):
            for status, number in (
                ("composed", queue.waiting),
                ("sending", queue.sending),
                ("unknown", queue.unknown),
            ):
                _QUEUE.labels(queue.channel.value, status).set(number)
            oldest = queue.oldest.total_seconds() if queue.oldest is not None else 0.0
            _OLDEST.labels(queue.channel.value).set(oldest)
        async with connection.transaction():
            await _tell(connection, found, now)


def _show(found: Sequence[Heap]) -> None:
    """Every category and channel has its number, 0 included: a watcher can tell 0 from not known."""
    for category in Category:
        for channel in ELECTRONIC:
            mine = [heap for heap in found if heap.category is category and heap.channel is channel]
            _LATE.labels(category.value, channel.value).set(sum(heap.late for heap in mine))
            _AT_RISK.labels(category.value, channel.value).set(sum(heap.at_risk for heap in mine))


def _show_lost(found: dict[tuple[Category, Channel, Status], int]) -> None:
    _LOST.clear()
    for (category, channel, status), number in found.items():
        _LOST.labels(category.value, channel.value, status.value).set(number)


async def _tell(connection: AnyConnection, found: Sequence[Heap], now: datetime) -> None:
    """One notice a school when it becomes late, and one a day while it stays so."""
    late: dict[str, int] = {}
    for heap in found:
        if heap.late:
            late[heap.school] = late.get(heap.school, 0) + heap.late
    if not late:
        return
    # The condition of `noticed_at` is the condition of the notice: a row that moved is one to tell.
    rows = await connection.fetch(
        """INSERT INTO dispatch.late_school AS l (school) SELECT unnest($1::text[])
           ON CONFLICT (school) DO UPDATE SET
               seen_at = now(),
               noticed_at = CASE
                   WHEN l.seen_at < now() - $2::interval OR l.noticed_at < now() - $3::interval THEN now()
                   ELSE l.noticed_at
               END
           RETURNING school, old.noticed_at IS DISTINCT FROM new.noticed_at AS news""",
        sorted(late),
        QUIET_AFTER,
        REMIND_AFTER,
    )
    for school in sorted(row["school"] for row in rows if row["news"]):
        channels = sorted({heap.channel.value for heap in found if heap.school == school and heap.late})
        await notify_staff(
            connection,
            kind="deadline_late",
            at=now,
            school=school,
            late=str(late[school]),
            channels=" ".join(channels),
        )
