"""What a consumer may rely on, whichever bus carries its records."""

import asyncio
import itertools
import time
from collections.abc import Sequence

import asyncpg
from support.buses import BusKit, eventually, in_order
from support.effects import recording

from shared import outbox
from shared.bus.base import Record, Rejected, Subscription
from shared.topics import Service, Topic

CHANGES = Topic.JOURNAL_CHANGES


def subscription(group: str = "g", *, max_records: int = 500) -> Subscription:
    return Subscription(CHANGES, group, recording(group), max_records)


async def test_a_late_commit_is_not_skipped(bus: BusKit) -> None:
    await bus.prepare_effects()
    late, early = await asyncpg.connect(bus.database), await asyncpg.connect(bus.database)
    async with bus.running(Service.DISPATCHER, subscription()), bus.writing(CHANGES):
        opened = late.transaction()
        await opened.start()
        await outbox.append(late, Service.INGEST, CHANGES, [("k", b"late")])
        await outbox.append(early, Service.INGEST, CHANGES, [("k", b"early")])
        await bus.publish(Service.INGEST, CHANGES, ("k", "earlier still open"))
        # Readers have gone past the moment: what is committed waits behind what is not.
        await asyncio.sleep(0.3)
        assert await bus.effects("g") == []
        await opened.commit()

        async def all_seen() -> bool:
            return len(await bus.effects("g")) == 3

        await eventually(all_seen)
    assert await bus.effects("g") == ["late", "early", "earlier still open"]
    await late.close()
    await early.close()


async def test_a_foreign_open_transaction_only_delays(bus: BusKit) -> None:
    """Its end is notified by nobody: it wrote nothing for the bus."""
    await bus.prepare_effects()
    other = await asyncpg.connect(bus.database)
    async with bus.running(Service.DISPATCHER, subscription()), bus.writing(CHANGES):
        opened = other.transaction()
        await opened.start()
        await other.fetchval("SELECT pg_current_xact_id()")
        await bus.publish(Service.INGEST, CHANGES, ("k", "waits"))
        await asyncio.sleep(0.1)
        await opened.rollback()

        async def seen() -> bool:
            return await bus.effects("g") == ["waits"]

        await eventually(seen)
    await other.close()


async def test_rolled_back_is_never_told(bus: BusKit) -> None:
    await bus.prepare_effects()
    connection = await asyncpg.connect(bus.database)
    async with bus.running(Service.DISPATCHER, subscription()), bus.writing(CHANGES):
        opened = connection.transaction()
        await opened.start()
        await outbox.append(connection, Service.INGEST, CHANGES, [("k", b"undone")])
        await opened.rollback()
        await bus.publish(Service.INGEST, CHANGES, ("k", "done"))

        async def something() -> bool:
            return bool(await bus.effects("g"))

        await eventually(something)
    assert await bus.effects("g") == ["done"]
    await connection.close()


async def test_order_is_kept_per_key(bus: BusKit) -> None:
    await bus.prepare_effects()
    async with bus.running(Service.DISPATCHER, subscription(max_records=37)), bus.writing(CHANGES):
        for start in range(0, 300, 30):
            await bus.publish(
                Service.INGEST,
                CHANGES,
                *((f"key{n % 7}", f"key{n % 7}/{n}") for n in range(start, start + 30)),
            )

        async def all_seen() -> bool:
            return len(await bus.effects("g")) == 300

        await eventually(all_seen)
    assert in_order(await bus.effects("g"))


async def test_a_bad_record_is_set_aside_and_the_rest_goes_on(bus: BusKit) -> None:
    await bus.prepare_effects()
    values = [f"k/{n}" for n in range(20)]
    async with bus.running(Service.DISPATCHER, subscription()), bus.writing(CHANGES):
        await bus.publish(
            Service.INGEST,
            CHANGES,
            *(("k", value) for value in [*values[:7], "poison", *values[7:15], "refuse", *values[15:]]),
        )

        async def all_seen() -> bool:
            return len(await bus.effects("g")) == len(values)

        await eventually(all_seen)
    assert await bus.effects("g") == values
    letters = await bus.dead_letters(Service.DISPATCHER)
    assert sorted((letter["value"], letter["key"], letter["bus_group"]) for letter in letters) == [
        (b"poison", "k", "g"),
        (b"refuse", "k", "g"),
    ]
    reasons = {letter["value"]: letter["reason"] for letter in letters}
    assert reasons[b"refuse"] == "not for us"
    assert reasons[b"poison"].startswith("ValueError at effects.py:")
    assert "secret" not in reasons[b"poison"]


async def test_a_record_the_database_refuses_is_set_aside(bus: BusKit) -> None:
    await bus.prepare_effects()
    await bus.ask("ALTER TABLE effect ADD CHECK (value <> 'impossible')")
    async with bus.running(Service.DISPATCHER, subscription()), bus.writing(CHANGES):
        await bus.publish(
            Service.INGEST, CHANGES, ("k", "one"), ("k", "impossible"), ("k", "nul\0byte"), ("k", "two")
        )

        async def both_seen() -> bool:
            return await bus.effects("g") == ["one", "two"]

        await eventually(both_seen)
    letters = await bus.dead_letters(Service.DISPATCHER)
    assert {letter["value"] for letter in letters} == {b"impossible", b"nul\0byte"}


async def test_a_passing_failure_sets_nothing_aside(bus: BusKit) -> None:
    await bus.prepare_effects()
    failing = 2

    async def handle(connection: asyncpg.Connection, records: Sequence[Record]) -> Sequence[Rejected]:
        nonlocal failing
        if failing:
            failing -= 1
            raise ConnectionError("the network")
        return await recording("g")(connection, records)

    async with bus.running(Service.DISPATCHER, Subscription(CHANGES, "g", handle)), bus.writing(CHANGES):
        await bus.publish(Service.INGEST, CHANGES, ("k", "k/1"), ("k", "k/2"))

        async def seen() -> bool:
            return await bus.effects("g") == ["k/1", "k/2"]

        await eventually(seen)
    assert await bus.dead_letters(Service.DISPATCHER) == []


async def test_load_makes_larger_batches_not_more(bus: BusKit) -> None:
    """R-B2: the first record is taken at once; what comes soon after it is taken together."""
    await bus.prepare_effects()
    pace, begun = 1.0, list[float]()

    async def handle(connection: asyncpg.Connection, records: Sequence[Record]) -> Sequence[Rejected]:
        begun.append(time.monotonic())
        return await recording("g")(connection, records)

    paced = Subscription(CHANGES, "g", handle, pace=pace)
    async with bus.running(Service.DISPATCHER, paced), bus.writing(CHANGES):
        for number in range(10):
            await bus.publish(Service.INGEST, CHANGES, ("k", f"k/{number}"))

        async def all_seen() -> bool:
            return len(await bus.effects("g")) == 10

        await eventually(all_seen)
    assert await bus.effects("g") == [f"k/{number}" for number in range(10)]
    assert all(later - earlier > pace / 2 for earlier, later in itertools.pairwise(begun))


async def test_groups_each_see_everything(bus: BusKit) -> None:
    await bus.prepare_effects()
    async with (
        bus.running(Service.DISPATCHER, subscription("one")),
        bus.running(Service.PRINT_QUEUE, subscription("two")),
        bus.writing(CHANGES),
    ):
        await bus.publish(Service.INGEST, CHANGES, *(("k", f"k/{n}") for n in range(5)))

        async def all_seen() -> bool:
            return len(await bus.effects("one")) == len(await bus.effects("two")) == 5

        await eventually(all_seen)
    assert await bus.effects("one") == await bus.effects("two") == [f"k/{n}" for n in range(5)]


async def test_every_writer_of_a_topic_is_heard(bus: BusKit) -> None:
    await bus.prepare_effects()
    topic = Topic.STAFF_NOTICES
    heard = Subscription(topic, "notices", recording("notices"))
    async with (
        bus.running(Service.DISPATCHER, heard),
        bus.running(Service.INGEST),
        bus.running(Service.PRINT_QUEUE),
    ):
        for service in Service:
            await bus.publish(service, topic, ("k", service.value))

        async def all_seen() -> bool:
            return len(await bus.effects("notices")) == len(Service)

        await eventually(all_seen)


async def test_what_was_written_before_the_first_start_is_seen(bus: BusKit) -> None:
    await bus.prepare_effects()
    await bus.publish(Service.INGEST, CHANGES, ("k", "before"))
    async with bus.running(Service.DISPATCHER, subscription()), bus.writing(CHANGES):

        async def seen() -> bool:
            return await bus.effects("g") == ["before"]

        await eventually(seen)


async def test_stopping_finishes_the_batch_in_hand(bus: BusKit) -> None:
    await bus.prepare_effects()
    begun, may_end = asyncio.Event(), asyncio.Event()
    batches: list[list[str]] = []

    async def handle(connection: asyncpg.Connection, records: Sequence[Record]) -> Sequence[Rejected]:
        begun.set()
        await may_end.wait()
        batches.append([record.value.decode() for record in records])
        return await recording("g")(connection, records)

    async with bus.writing(CHANGES):
        await bus.publish(Service.INGEST, CHANGES, ("k", "k/1"))
        async with bus.running(Service.DISPATCHER, Subscription(CHANGES, "g", handle)) as running:
            await begun.wait()
            stopping = asyncio.create_task(running.stop())
            await asyncio.sleep(0.1)
            assert not stopping.done()
            may_end.set()
            await stopping
        assert await bus.effects("g") == ["k/1"]

        # and its place was kept: only what is new comes next
        await bus.publish(Service.INGEST, CHANGES, ("k", "k/2"))
        async with bus.running(Service.DISPATCHER, Subscription(CHANGES, "g", handle)):

            async def new_seen() -> bool:
                return len(await bus.effects("g")) == 2

            await eventually(new_seen)
    assert batches == [["k/1"], ["k/2"]]


async def test_health_follows_progress(bus: BusKit) -> None:
    await bus.prepare_effects()
    async with bus.running(Service.DISPATCHER, subscription()) as running, bus.writing(CHANGES):
        await bus.publish(Service.INGEST, CHANGES, ("k", "k/1"))

        async def healthy() -> bool:
            return running.healthy() and running.last_progress() is not None

        await eventually(healthy)
    assert not running.healthy()
