"""Reading the outbox: whatever order transactions begin, write and commit in, nothing is skipped."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.aside import run_aside

from shared import outbox
from shared.outbox import START, Place
from shared.topics import Service, Topic

TOPIC = Topic.JOURNAL_CHANGES
WRITER = Service.INGEST


@pytest.fixture
async def connection(database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


async def read_all(connection: asyncpg.Connection, after: Place, limit: int = 3) -> list[outbox.Row]:
    rows: list[outbox.Row] = []
    while batch := (await outbox.read(connection, WRITER, TOPIC, after, limit)).rows:
        rows += batch
        after = batch[-1].place
    return rows


Step = tuple[int, str]
steps = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["write", "write", "commit", "rollback", "read"])),
    max_size=40,
)


async def play(database: str, steps: list[Step]) -> None:  # noqa: C901 - a small simulation
    """Four writers and one reader, interleaved: what was read equals what was committed."""
    writers = [await asyncpg.connect(database) for _ in range(4)]
    reader = await asyncpg.connect(database)
    await reader.execute("TRUNCATE ingest.outbox")
    opened: dict[int, tuple[asyncpg.transaction.Transaction, list[str]]] = {}
    committed: list[str] = []
    seen: list[outbox.Row] = []
    after = START
    number = 0

    async def end(writer: int, *, commit: bool) -> None:
        transaction, wrote = opened.pop(writer)
        await (transaction.commit() if commit else transaction.rollback())
        committed.extend(wrote if commit else ())

    for writer, step in steps:
        if step == "write":
            if writer not in opened:
                opened[writer] = (writers[writer].transaction(), [])
                await opened[writer][0].start()
            number += 1
            opened[writer][1].append(str(number))
            await outbox.append(writers[writer], WRITER, TOPIC, [(f"key{writer}", str(number).encode())])
        elif step == "read":
            reading = await outbox.read(reader, WRITER, TOPIC, after, 3)
            seen += reading.rows
            after = reading.rows[-1].place if reading.rows else after
            if not reading.rows:
                assert reading.pending == (len(committed) > len(seen))
        elif writer in opened:
            await end(writer, commit=step == "commit")
    for writer in list(opened):
        await end(writer, commit=writer % 2 == 0)
    seen += await read_all(reader, after)

    assert sorted(row.value.decode() for row in seen) == sorted(committed)
    assert [row.place for row in seen] == sorted(row.place for row in seen)
    for writer in range(4):
        own = [int(row.value) for row in seen if row.key == f"key{writer}"]
        assert own == sorted(own)
    for connection in [*writers, reader]:
        await connection.close()


@given(steps=steps)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_interleaving_is_read_completely(database: str, steps: list[Step]) -> None:
    run_aside(play(database, steps))


async def test_transaction_numbers_are_compared_as_numbers(connection: asyncpg.Connection) -> None:
    numbers = [9, 10, 99, 100, 999, 1_000]
    await connection.executemany(
        "INSERT INTO ingest.outbox (topic, xid, key, value) VALUES ($1, $2::text::xid8, 'k', '')",
        [(TOPIC.value, str(number)) for number in reversed(numbers)],
    )

    rows = await read_all(connection, Place(8, 0), limit=2)

    # the last ones wait: this server has not come to such numbers yet, or has passed them
    assert [row.place.xid for row in rows] == numbers[: len(rows)]
    assert len(rows) >= 4


async def test_a_record_keeps_its_bytes(connection: asyncpg.Connection) -> None:
    value = bytes(range(256))

    await outbox.append(connection, WRITER, TOPIC, [("школа/1А", value), ("", b"")])

    rows = await read_all(connection, START)
    assert [(row.key, row.value) for row in rows] == [("школа/1А", value), ("", b"")]


async def test_nothing_to_append_is_nothing(connection: asyncpg.Connection) -> None:
    await outbox.append(connection, WRITER, TOPIC, [])

    assert await read_all(connection, START) == []


async def age(connection: asyncpg.Connection, value: str, hours: int) -> None:
    await connection.execute(
        "UPDATE ingest.outbox SET at = now() - $2 * interval '1 hour' WHERE value = $1", value.encode(), hours
    )


async def set_cursor(connection: asyncpg.Connection, schema: str, place: Place) -> None:
    await connection.execute(
        f"INSERT INTO {schema}.bus_cursor VALUES ('g', $1, $2, $3::text::xid8, $4)",
        TOPIC.value,
        WRITER.value,
        str(place.xid),
        place.id,
    )


async def test_prunes_what_is_old_and_passed_by_all(connection: asyncpg.Connection) -> None:
    for value in ("old", "old 2", "unread", "young"):
        await outbox.append(connection, WRITER, TOPIC, [("k", value.encode())])
    rows = await read_all(connection, START)
    for value in ("old", "old 2", "unread"):
        await age(connection, value, 49)
    await set_cursor(connection, "dispatch", rows[1].place)
    await set_cursor(connection, "paper", rows[3].place)

    await connection.execute("SET ROLE vestnik_ingest")
    assert await outbox.prune(connection, WRITER, TOPIC, chunk=1) == 2

    assert [row.value for row in await read_all(connection, START)] == [b"unread", b"young"]


async def test_a_consumer_that_read_nothing_keeps_everything(connection: asyncpg.Connection) -> None:
    await outbox.append(connection, WRITER, TOPIC, [("k", b"old")])
    await age(connection, "old", 100)
    await set_cursor(connection, "paper", START)

    assert await outbox.prune(connection, WRITER, TOPIC) == 0


async def test_without_consumers_age_alone_decides(connection: asyncpg.Connection) -> None:
    for value in ("old", "young"):
        await outbox.append(connection, WRITER, TOPIC, [("k", value.encode())])
    await age(connection, "old", 49)

    assert await outbox.prune(connection, WRITER, TOPIC, retention=timedelta(hours=48)) == 1
