"""Carrying one service's outbox to Kafka: in order, at least once, by one process at a time."""

import time
from collections.abc import Sequence

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]

from shared import outbox
from shared.bus.lead import Bell, Pulse, keep_pace
from shared.outbox import START, Place, Row
from shared.topics import WRITERS, Service, Topic

log = structlog.get_logger()

_BATCH = 2_000
_POLL_SECONDS = 1.0
_PENDING_SECONDS = 0.02
_PACE_SECONDS = 0.1
"""From the start of one round to the next, unless all that waits did not fit into one."""
_UNHURRIED_SECONDS = 0.25
"""The same where no family waits: outcomes for paper, notices to staff. A broker, its clients and the
database spend as much on a batch as on tens of records."""


class Relay:
    """`run` is a job for `lead`. `ready` makes sure the topics exist."""

    def __init__(self, servers: Sequence[str], prefix: str, service: Service) -> None:
        self._servers = list(servers)
        self._prefix = prefix
        self._service = service
        self._topics = [topic for topic, writers in WRITERS.items() if service in writers]
        hurried = Topic.JOURNAL_CHANGES in self._topics
        self._pace = _PACE_SECONDS if hurried else _UNHURRIED_SECONDS

    async def run(self, connection: asyncpg.Connection, bell: Bell, pulse: Pulse) -> None:
        await outbox.listen(connection, self._topics, bell.ring)
        # A producer that failed is not used again: what it still holds could overtake.
        producer = AIOKafkaProducer(
            bootstrap_servers=self._servers,
            enable_idempotence=True,
            acks="all",
            linger_ms=5,
            max_batch_size=128 * 1024,
            max_request_size=8 * 1024 * 1024,
        )
        await producer.start()
        try:
            # From the start each time the job is taken; then on from the last, for a queue's
            # deleted beginning is slow to walk through.
            places = dict.fromkeys(self._topics, START)
            while not bell.stopping:
                more = full = pending = False
                began = time.monotonic()
                for topic in self._topics:
                    reading = await outbox.read(connection, self._service, topic, places[topic], _BATCH)
                    if reading.rows:
                        await self._publish(producer, topic, reading.rows)
                        places[topic] = await self._forget(connection, topic, reading.rows)
                    more = more or bool(reading.rows)
                    full = full or len(reading.rows) == _BATCH
                    pending = pending or reading.pending
                pulse.beat()
                if not more:
                    await bell.sleep(_PENDING_SECONDS if pending else _POLL_SECONDS)
                if not full:
                    await keep_pace(began, self._pace)
        finally:
            await producer.stop()

    async def _publish(self, producer: AIOKafkaProducer, topic: Topic, rows: Sequence[Row]) -> None:
        """All acknowledged by all replicas, or an error: then all come again."""
        sent = [
            await producer.send(f"{self._prefix}{topic.value}", row.value, key=row.key.encode())
            for row in rows
        ]
        for one in sent:
            await one

    async def _forget(self, connection: asyncpg.Connection, topic: Topic, rows: Sequence[Row]) -> Place:
        until = rows[-1].place
        await outbox.remove(connection, self._service, topic, until)
        log.debug("outbox.published", topic=topic.value, records=len(rows))
        return until
