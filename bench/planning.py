"""Planning: records on Kafka → decisions committed. Ceiling: the same records taken in bare batches
and the minimal rows written by COPY."""

import asyncio
import signal
import time
from dataclasses import dataclass

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.ground import Ground, changes, homework, spawn, until
from bench.usage import cpu_seconds, peak_megabytes
from sandbox.journal import School
from shared.bus.kafka_topics import ensure_topics
from shared.changes import decode
from shared.topics import Topic


@dataclass(frozen=True, slots=True)
class Planned:
    changes: int
    decisions: int
    per_second: float
    ceiling: float
    cpu: float
    megabytes: float


HOMEWORK = 3  # pieces a class, planned after the measurement: a letter of an evening holds them too


async def measure(at: Ground, schools: list[School], count: int) -> Planned:
    """Plans `count` changes about single pupils, timed; then the classes' homework, not timed."""
    connection = await asyncpg.connect(at.database)
    try:
        numbers = await connection.fetch("SELECT uuidv7() FROM generate_series(1, $1)", count)
        records = changes(schools, [row[0] for row in numbers])
        await ensure_topics([at.kafka], "")
        await _produce(at, records)
        process = spawn("bench.planner_process", at.environment())
        try:
            first, last = await _timed(connection, len(records))
            cpu = cpu_seconds(process.pid) / len(records) * 1000
            decisions = await connection.fetchval("SELECT count(*) FROM dispatch.decision")
            numbers = await connection.fetch("SELECT uuidv7() FROM generate_series(1, 10000)")
            common = homework(schools, (row[0] for row in numbers), HOMEWORK)
            await _produce(at, common)
            await _timed(connection, len(records) + len(common))
            megabytes = peak_megabytes(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
        ceiling = await _ceiling(at, connection, len(records), decisions / len(records))
    finally:
        await connection.close()
    return Planned(len(records), decisions, len(records) / (last - first), ceiling, cpu, megabytes)


async def _timed(connection: asyncpg.Connection, wanted: int) -> tuple[float, float]:
    """When the first batch began to be planned and when the last was committed: seconds since the
    epoch, both by the machine's clock, so the start of the process does not count."""

    async def done() -> bool:
        return bool(await connection.fetchval("SELECT count(*) >= $1 FROM dispatch.change", wanted))

    await until(done)
    last = time.time()
    first = await connection.fetchval("SELECT extract(epoch FROM min(planned_at)) FROM dispatch.change")
    return float(first), last


async def _produce(at: Ground, records: list[tuple[str, bytes]]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=at.kafka, linger_ms=5, acks="all")
    await producer.start()
    try:
        sent = [
            await producer.send(Topic.JOURNAL_CHANGES.value, value, key=key.encode())
            for key, value in records
        ]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def _ceiling(at: Ground, connection: asyncpg.Connection, count: int, each: float) -> float:
    """Batches of 500, decoded, one COPY of (change, guardian, verdict) rows and a commit a batch."""
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS bench_decision (change uuid, guardian text, verdict text)"
    )
    consumer = AIOKafkaConsumer(
        Topic.JOURNAL_CHANGES.value,
        bootstrap_servers=at.kafka,
        group_id="ceiling",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    taken, owed, first = 0, 0.0, 0.0
    try:
        while taken < count:
            batches = await consumer.getmany(timeout_ms=200, max_records=500)
            first = first or time.time()
            rows = []
            for batch in batches.values():
                for record in batch:
                    change = decode(record.value)
                    owed += each
                    while owed >= 1:
                        owed -= 1
                        rows.append((change.change, change.pupil, "tell"))
                taken += len(batch)
            async with connection.transaction():
                await connection.copy_records_to_table("bench_decision", records=rows)
            await consumer.commit()
        return count / (time.time() - first)
    finally:
        await consumer.stop()
