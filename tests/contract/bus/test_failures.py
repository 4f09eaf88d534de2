"""Nothing is lost when processes, connections or the broker die in the middle."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import asyncpg
import pytest
from support.buses import BusKit, Kafka, eventually, in_order
from support.effects import recording
from support.processes import kill, program, said

from shared.bus.base import Record, Rejected, Subscription
from shared.topics import Service, Topic

CHANGES = Topic.JOURNAL_CHANGES


def consumer(bus: BusKit, name: str) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
    return program("support.consumer", "dispatcher", CHANGES.value, "g", name, environment=bus.environment)


async def publish_burst(bus: BusKit, count: int, *, by: int = 40) -> set[str]:
    for start in range(0, count, by):
        await bus.publish(
            Service.INGEST, CHANGES, *((f"key{n % 5}", f"key{n % 5}/{n}") for n in range(start, start + by))
        )
        await asyncio.sleep(0.01)
    return {f"key{n % 5}/{n}" for n in range(count)}


async def test_killed_consumers_lose_nothing(bus: BusKit) -> None:
    await bus.prepare_effects()
    chance = random.Random(7)
    async with bus.writing(CHANGES):
        publishing = asyncio.create_task(publish_burst(bus, 2_000))
        for life in range(3):
            async with consumer(bus, f"life {life}") as process:
                assert await said(process) == "ready"
                before = len(await bus.effects("g"))

                async def moved(before: int = before) -> bool:
                    return len(await bus.effects("g")) > before or publishing.done()

                await eventually(moved)
                await asyncio.sleep(chance.random() * 0.1)
                await kill(process)
        published = await publishing
        async with consumer(bus, "the last") as process:
            assert await said(process) == "ready"

            async def all_seen() -> bool:
                return len(await bus.effects("g")) == len(published)

            await eventually(all_seen)
    seen = await bus.effects("g")
    assert set(seen) == published
    assert in_order(seen)
    assert await bus.dead_letters(Service.DISPATCHER) == []


async def test_a_replica_takes_over(bus: BusKit) -> None:
    await bus.prepare_effects()
    async with bus.writing(CHANGES), AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(consumer(bus, name)) for name in ("one", "two")]
        for replica in replicas:
            assert await said(replica) == "ready"
        published = await publish_burst(bus, 400)

        async def all_seen() -> bool:
            return set(await bus.effects("g")) == published

        await eventually(all_seen)
        # whoever did the last one goes
        rows = await bus.ask("SELECT by FROM effect ORDER BY seq DESC LIMIT 1")
        await kill(replicas[("one", "two").index(rows[0]["by"])])
        await bus.publish(
            Service.INGEST, CHANGES, *((f"key{n % 5}", f"key{n % 5}/{n}") for n in range(400, 440))
        )

        async def new_seen() -> bool:
            return len(await bus.effects("g")) == 440

        await eventually(new_seen)
    assert in_order(await bus.effects("g"))


async def test_terminated_connections_are_made_anew(bus: BusKit) -> None:
    await bus.prepare_effects()
    subscription = Subscription(CHANGES, "g", recording("g"), max_records=20)
    async with bus.running(Service.DISPATCHER, subscription), bus.writing(CHANGES):
        publishing = asyncio.create_task(publish_burst(bus, 2_000))
        while not publishing.done():
            await bus.ask(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                    AND application_name LIKE 'vestnik%'
                """
            )
            await asyncio.sleep(0.1)
        published = await publishing

        async def all_seen() -> bool:
            return len(await bus.effects("g")) == len(published)

        await eventually(all_seen)
    seen = await bus.effects("g")
    assert set(seen) == published
    assert in_order(seen)
    assert await bus.dead_letters(Service.DISPATCHER) == []


async def test_a_killed_broker_loses_nothing(kafka_bus: BusKit, kafka: Kafka) -> None:
    if kafka.broker is None:
        pytest.skip("the broker is somebody else's")
    await kafka_bus.prepare_effects()
    subscription = Subscription(CHANGES, "g", recording("g"), max_records=20)
    async with kafka_bus.running(Service.DISPATCHER, subscription), kafka_bus.writing(CHANGES):
        await publish_burst(kafka_bus, 400)
        kafka.broker.kill()
        await kafka_bus.publish(Service.INGEST, CHANGES, ("key0", "key0/0"))
        await asyncio.sleep(0.5)  # the relay has read it by now, and keeps it until it is acknowledged
        assert await kafka_bus.ask("SELECT 1 FROM ingest.outbox WHERE value = $1", b"key0/0")
        publishing = asyncio.create_task(publish_burst(kafka_bus, 2_000))
        await asyncio.sleep(0.5)
        await kafka.broker.restart()
        published = await publishing

        async def all_seen() -> bool:
            return len(await kafka_bus.effects("g")) == len(published)

        await eventually(all_seen)
    assert set(await kafka_bus.effects("g")) == published
    assert await kafka_bus.dead_letters(Service.DISPATCHER) == []


async def test_starts_before_its_broker(kafka_bus: BusKit, kafka: Kafka) -> None:
    if kafka.broker is None:
        pytest.skip("the broker is somebody else's")
    await kafka_bus.prepare_effects()
    kafka.broker.kill()
    subscription = Subscription(CHANGES, "g", recording("g"))
    async with kafka_bus.running(Service.DISPATCHER, subscription) as running, kafka_bus.writing(CHANGES):
        await kafka_bus.publish(Service.INGEST, CHANGES, ("k", "k/1"))
        assert not running.healthy()
        await kafka.broker.restart()

        async def seen() -> bool:
            return await kafka_bus.effects("g") == ["k/1"] and running.healthy()

        await eventually(seen)


async def test_a_killed_writer_loses_nothing(bus: BusKit) -> None:
    """The process that carries an outbox out dies in the middle of a burst, again and again."""
    await bus.prepare_effects()
    subscription = Subscription(CHANGES, "g", recording("g"))
    async with bus.running(Service.DISPATCHER, subscription):
        published = await publish_burst(bus, 600, by=300)
        for _ in range(3):
            async with program(
                "support.consumer", "ingest", CHANGES.value, "", "writer", environment=bus.environment
            ) as process:
                assert await said(process) == "ready"
                left = len(await bus.ask("SELECT 1 FROM ingest.outbox"))

                async def carried(left: int = left) -> bool:
                    now = await bus.ask("SELECT count(*) FROM ingest.outbox")
                    return bus.address == "postgres" or now[0][0] < left or left == 0

                await eventually(carried)
                await kill(process)
            published |= await publish_burst(bus, 600 + len(published), by=300)
        async with bus.writing(CHANGES):

            async def all_seen() -> bool:
                return len(await bus.effects("g")) == len(published)

            await eventually(all_seen)
    assert set(await bus.effects("g")) == published


async def test_what_could_not_be_done_comes_again_after_a_restart(bus: BusKit) -> None:
    await bus.prepare_effects()
    tried = asyncio.Event()

    async def fail(connection: asyncpg.Connection, records: Sequence[Record]) -> Sequence[Rejected]:
        tried.set()
        raise ConnectionError("the network")

    async with bus.writing(CHANGES):
        await bus.publish(Service.INGEST, CHANGES, ("k", "k/1"))
        async with bus.running(Service.DISPATCHER, Subscription(CHANGES, "g", fail)):
            await tried.wait()
        async with bus.running(Service.DISPATCHER, Subscription(CHANGES, "g", recording("g"))):

            async def seen() -> bool:
                return await bus.effects("g") == ["k/1"]

            await eventually(seen)
    assert await bus.dead_letters(Service.DISPATCHER) == []
