"""Every topic is written by whom it says and read by somebody."""

import asyncio

import asyncpg

from shared.topics import WRITERS, Service, Topic

from .conftest import House

READERS = {
    Topic.JOURNAL_CHANGES: {Service.DISPATCHER, Service.PRINT_QUEUE},
    Topic.DELIVERY_OUTCOMES: {Service.PRINT_QUEUE},
    Topic.STAFF_NOTICES: {Service.DISPATCHER},
}


async def test_every_topic_has_its_readers(house: House, database: str) -> None:
    """Asked of the running services: a subscription has a cursor in its service from its start on."""
    assert set(WRITERS) == set(Topic) == set(READERS)
    while any([await part.problems() for part in house.parts]):
        await asyncio.sleep(0.05)
    connection = await asyncpg.connect(database)
    found = {
        (Topic(row["topic"]), reader, Service(row["writer"]))
        for reader in Service
        for row in await connection.fetch(f"SELECT topic, writer FROM {reader.schema}.bus_cursor")
    }
    await connection.close()
    assert found == {
        (topic, reader, writer)
        for topic, readers in READERS.items()
        for reader in readers
        for writer in WRITERS[topic]
    }
