"""The bus of one box: the outbox itself is the log, and PostgreSQL does the rest.

A consumer's place in the log commits with its effects, so a record is neither lost nor seen
twice, whatever is killed. One process of a group reads at a time, the others stand by.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import structlog

from shared import outbox
from shared.bus.base import Record, Subscription
from shared.bus.deliver import deliver
from shared.bus.lead import Bell, Pulse, Work, keep_pace, lead
from shared.outbox import Place, listen
from shared.topics import WRITERS, Service

log = structlog.get_logger()

_POLL_SECONDS = 1.0  # in case a notification is lost
_PENDING_SECONDS = 0.02  # an older transaction is open and its end will not be notified
_PRUNE_SECONDS = 600.0
_STALE = timedelta(minutes=1)


class PositionMoved(Exception):
    """Somebody else moved this consumer's place in the log; the batch was not counted."""


class PostgresBus:
    def __init__(self, url: str, service: Service) -> None:
        self._url = url
        self._service = service
        self._subscriptions: list[Subscription] = []
        self._jobs: list[tuple[asyncio.Task[None], Bell, Pulse]] = []

    def subscribe(self, subscription: Subscription) -> None:
        self._subscriptions.append(subscription)

    async def start(self) -> None:
        for subscription in self._subscriptions:
            job = f"read {subscription.group} {subscription.topic.value}"
            self._begin(job, _Reader(self._service, subscription).read)
        self._begin(f"prune {self._service.value}", self._prune)

    async def stop(self) -> None:
        for _, bell, _ in self._jobs:
            bell.stop()
        await asyncio.gather(*(task for task, _, _ in self._jobs))
        self._jobs.clear()

    def last_progress(self) -> datetime | None:
        return max((pulse.last for _, _, pulse in self._jobs if pulse.last), default=None)

    def healthy(self) -> bool:
        since = datetime.now(UTC) - _STALE
        return bool(self._jobs) and all(
            not task.done() and pulse.last is not None and pulse.last > since for task, _, pulse in self._jobs
        )

    def _begin(self, job: str, work: Work) -> None:
        bell, pulse = Bell(), Pulse()
        task = asyncio.create_task(lead(self._url, self._service, job, work, bell, pulse), name=job)
        self._jobs.append((task, bell, pulse))

    async def _prune(self, connection: asyncpg.Connection, bell: Bell, pulse: Pulse) -> None:
        own = [topic for topic, writers in WRITERS.items() if self._service in writers]
        due = 0.0
        now: Callable[[], float] = asyncio.get_running_loop().time
        while not bell.stopping:
            if now() >= due:
                for topic in own:
                    dropped = await outbox.prune(connection, self._service, topic)
                    if dropped:
                        log.info("outbox.pruned", topic=topic.value, rows=dropped)
                due = now() + _PRUNE_SECONDS
            await connection.execute("SELECT 1")  # the connection is alive, and so is this job
            pulse.beat()
            await bell.sleep(_POLL_SECONDS * 10)


class _Reader:
    """Reads the outboxes of a topic's writers for one subscription."""

    def __init__(self, service: Service, subscription: Subscription) -> None:
        self._service = service
        self._subscription = subscription
        self._cursors = f"{service.schema}.bus_cursor"
        self._places: dict[Service, Place] = {}

    async def read(self, connection: asyncpg.Connection, bell: Bell, pulse: Pulse) -> None:
        await listen(connection, (self._subscription.topic,), bell.ring)
        self._places = await self._find_places(connection)
        while not bell.stopping:
            more = full = pending = False
            began = time.monotonic()
            for writer in self._places:
                reading = await self._step(connection, writer)
                more = more or bool(reading.rows)
                full = full or len(reading.rows) == self._subscription.max_records
                pending = pending or reading.pending
                pulse.beat()
                if bell.stopping:
                    return
            if not more:
                await bell.sleep(_PENDING_SECONDS if pending else _POLL_SECONDS)
            if not full:
                await keep_pace(began, self._subscription.pace)

    async def _find_places(self, connection: asyncpg.Connection) -> dict[Service, Place]:
        """Where this group stands in each writer's log; from the beginning if it is new."""
        writers = WRITERS[self._subscription.topic]
        await connection.execute(
            f"""
            INSERT INTO {self._cursors} (bus_group, topic, writer, xid, id)
            SELECT $1, $2, unnest($3::text[]), '0', 0 ON CONFLICT DO NOTHING
            """,
            self._subscription.group,
            self._subscription.topic.value,
            [writer.value for writer in writers],
        )
        rows = await connection.fetch(
            f"""
            SELECT writer, xid::text AS xid, id FROM {self._cursors}
            WHERE bus_group = $1 AND topic = $2
            """,
            self._subscription.group,
            self._subscription.topic.value,
        )
        found = {row["writer"]: Place(int(row["xid"]), row["id"]) for row in rows}
        return {writer: found[writer.value] for writer in writers}

    async def _step(self, connection: asyncpg.Connection, writer: Service) -> outbox.Reading:
        topic, place = self._subscription.topic, self._places[writer]
        reading = await outbox.read(connection, writer, topic, place, self._subscription.max_records)
        if reading.rows:
            records = [
                Record(topic, row.key, row.value, f"{writer.value}:{row.place}") for row in reading.rows
            ]
            until = reading.rows[-1].place
            async with connection.transaction():
                await deliver(connection, self._service, self._subscription, records)
                await self._move(connection, writer, place, until)
            self._places[writer] = until
        return reading

    async def _move(
        self, connection: asyncpg.Connection, writer: Service, before: Place, until: Place
    ) -> None:
        status = await connection.execute(
            f"""
            UPDATE {self._cursors} SET xid = $6::text::xid8, id = $7, moved_at = now()
            WHERE bus_group = $1 AND topic = $2 AND writer = $3 AND xid = $4::text::xid8 AND id = $5
            """,
            self._subscription.group,
            self._subscription.topic.value,
            writer.value,
            str(before.xid),
            before.id,
            str(until.xid),
            until.id,
        )
        if status != "UPDATE 1":
            raise PositionMoved(f"{self._subscription.group} {self._subscription.topic.value}")
