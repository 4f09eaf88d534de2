"""Whether everything that was written has passed through Kafka and been taken in."""

from aiokafka import AIOKafkaConsumer  # type: ignore[import-untyped]
from aiokafka.admin import AIOKafkaAdminClient  # type: ignore[import-untyped]

from support.buses import BusKit

_UNPUBLISHED = """
SELECT topic FROM ingest.outbox UNION ALL SELECT topic FROM dispatch.outbox
UNION ALL SELECT topic FROM paper.outbox LIMIT 1
"""
GROUPS = ("dispatcher", "print-queue")


async def caught_up(bus: BusKit) -> bool:
    """No outbox holds anything, and every group has committed the end of every partition it reads."""
    if await bus.ask(_UNPUBLISHED):
        return False
    servers = bus.address.removeprefix("kafka://")
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    consumer = AIOKafkaConsumer(bootstrap_servers=servers)
    await admin.start()
    try:
        await consumer.start()
        try:
            places = [
                (partition, place.offset)
                for group in GROUPS
                for partition, place in (
                    await admin.list_consumer_group_offsets(f"{bus.prefix}{group}")
                ).items()
            ]
            ends = await consumer.end_offsets([partition for partition, _ in places])
        finally:
            await consumer.stop()
    finally:
        await admin.close()
    return bool(places) and all(offset >= ends[partition] for partition, offset in places)
