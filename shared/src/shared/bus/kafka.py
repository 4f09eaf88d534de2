"""The bus of a cluster: the outbox is relayed to Kafka, and FastStream batches come back.

Effects are committed before the offset: a batch may come again, so handlers are idempotent by
primary key. A failure that passes is waited out with the batch in hand, at most a minute; then
the batch is sought back, so that the group never waits for a member longer than Kafka lets it.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

import asyncpg
import structlog
import tenacity
from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition  # type: ignore[import-untyped]
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from shared.bus.base import Record, Subscription
from shared.bus.deliver import deliver
from shared.bus.faults import describe, pause
from shared.bus.kafka_topics import ensure_topics
from shared.bus.lead import Bell, Pulse, keep_pace, lead
from shared.bus.relay import Relay
from shared.topics import Service, Topic

log = structlog.get_logger()

_POLL_MILLISECONDS = 200
_LONGEST_WAIT = 60.0
_LONGEST_BATCH = 120.0  # a graceful stop and a rebalance wait so long for the batch in hand
_STALE = timedelta(minutes=1)


class KafkaBus:
    def __init__(
        self, servers: Sequence[str], prefix: str, service: Service, url: str, pool: asyncpg.Pool
    ) -> None:
        self._servers = list(servers)
        self._prefix = prefix
        self._service = service
        self._url = url
        self._pool = pool
        self._consumers: list[_Consumer] = []
        self._broker: KafkaBroker | None = None
        self._bell = Bell()
        self._relaying = Pulse()
        self._tasks: list[asyncio.Task[None]] = []

    def subscribe(self, subscription: Subscription) -> None:
        self._consumers.append(_Consumer(subscription, self._service, self._pool, self._bell))

    async def start(self) -> None:
        """Returns at once; a broker that is away is waited for, and `healthy()` says so."""
        self._bell = Bell()
        for consumer in self._consumers:
            consumer.bell = self._bell
        self._tasks = [asyncio.create_task(self._start())]

    async def _start(self) -> None:
        failures = 0
        while not self._bell.stopping:
            try:
                await ensure_topics(self._servers, self._prefix)
                await self._start_consumers()
                break
            except Exception as error:  # noqa: BLE001 - whatever is wrong with the broker may be mended
                failures += 1
                log.warning("bus.broker_unavailable", error=describe(error), failures=failures)
                await self._bell.sleep(pause(failures))
        relay = Relay(self._servers, self._prefix, self._service)
        job = f"relay {self._service.value}"
        await lead(self._url, self._service, job, relay.run, self._bell, self._relaying)

    async def _start_consumers(self) -> None:
        broker = KafkaBroker(
            self._servers,
            client_id=f"vestnik-{self._service.value}",
            consumer_only=True,
            graceful_timeout=_LONGEST_BATCH,
            logger=None,  # it would log foreign errors whole, and they may quote a record
            apply_types=False,
        )
        for consumer in self._consumers:
            consumer.attach(broker, self._prefix)
        try:
            await broker.start()
        except BaseException:
            await broker.stop()
            raise
        self._broker = broker

    async def stop(self) -> None:
        self._bell.stop()
        await asyncio.gather(*self._tasks)
        self._tasks.clear()
        if self._broker is not None:
            await self._broker.stop()
            self._broker = None

    def last_progress(self) -> datetime | None:
        return max((last for consumer in self._consumers if (last := consumer.last_progress())), default=None)

    def healthy(self) -> bool:
        since = datetime.now(UTC) - _STALE
        pulses = [self._relaying.last, *(consumer.last_progress() for consumer in self._consumers)]
        return (
            self._broker is not None
            and not any(task.done() for task in self._tasks)
            and all(last is not None and last > since for last in pulses)
        )


class _Consumer(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """One subscription: takes batches, and keeps a rebalance waiting while one is in hand."""

    def __init__(self, subscription: Subscription, service: Service, pool: asyncpg.Pool, bell: Bell) -> None:
        self._subscription = subscription
        self._service = service
        self._pool = pool
        self._busy = asyncio.Lock()
        self._pulse = Pulse()
        self._source: object = None
        self.bell = bell

    def attach(self, broker: KafkaBroker, prefix: str) -> None:
        subscriber = broker.subscriber(
            f"{prefix}{self._subscription.topic.value}",
            group_id=f"{prefix}{self._subscription.group}",
            batch=True,
            max_records=self._subscription.max_records,
            batch_timeout_ms=_POLL_MILLISECONDS,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.NACK_ON_ERROR,
            listener=self,
            decoder=_as_records,
        )
        subscriber(self.take)
        self._source = subscriber

    async def take(self, batch: Sequence[ConsumerRecord]) -> None:
        """Commit the batch's effects, or raise after a minute of trying."""
        topic, began = self._subscription.topic, time.monotonic()
        records = [_record(topic, one) for one in batch]
        async with self._busy:
            retrying = tenacity.AsyncRetrying(
                stop=tenacity.stop_after_delay(_LONGEST_WAIT),
                wait=tenacity.wait_exponential_jitter(multiplier=0.1, max=10.0),
                retry=tenacity.retry_if_exception(lambda _: not self.bell.stopping),
                sleep=self.bell.sleep,
                before_sleep=self._say_why,
                reraise=True,
            )
            await retrying(self._commit_effects, records)
            self._pulse.beat()
        if len(records) < self._subscription.max_records:
            await keep_pace(began, self._subscription.pace)

    async def _commit_effects(self, records: Sequence[Record]) -> None:
        async with self._pool.acquire() as pooled, pooled.transaction():
            connection = cast(asyncpg.Connection, pooled)
            await deliver(connection, self._service, self._subscription, records)

    def last_progress(self) -> datetime | None:
        """The last batch done or answer fetched; a replica that has no partition to read is well."""
        consumer = getattr(self._source, "consumer", None)
        if consumer is None:
            return None
        partitions = consumer.assignment()
        if not partitions:
            return self._pulse.last
        fetched = [stamp for one in partitions if (stamp := consumer.last_poll_timestamp(one))]
        polled = datetime.fromtimestamp(max(fetched) / 1000, UTC) if fetched else None
        return max((last for last in (polled, self._pulse.last) if last), default=None)

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:  # noqa: ARG002
        """The next owner would do the batch in hand at the same time: let it end first."""
        try:
            async with asyncio.timeout(_LONGEST_BATCH), self._busy:
                pass
        except TimeoutError:
            log.warning("bus.batch_outlived_its_partition", topic=self._subscription.topic.value)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self._pulse.beat()
        log.info(
            "bus.partitions_assigned",
            topic=self._subscription.topic.value,
            group=self._subscription.group,
            partitions=sorted(one.partition for one in assigned),
        )

    def _say_why(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        log.warning(
            "bus.batch_waits",
            topic=self._subscription.topic.value,
            group=self._subscription.group,
            error=describe(error) if error else None,
            attempts=state.attempt_number,
        )


async def _as_records(message: KafkaMessage) -> tuple[ConsumerRecord, ...]:
    # Raw: one record that cannot be decoded must not fail its whole batch.
    return cast(tuple[ConsumerRecord, ...], message.raw_message)


def _record(topic: Topic, one: ConsumerRecord) -> Record:
    key = (one.key or b"").decode(errors="replace")
    return Record(topic, key, one.value or b"", f"{one.partition}:{one.offset}")
