"""What a broker keeps of a test's topics."""

from aiokafka import AIOKafkaConsumer, TopicPartition  # type: ignore[import-untyped]

from shared.bus.kafka_topics import PARTITIONS
from shared.topics import Topic
from support.buses import BusKit


async def kept_keys(bus: BusKit) -> dict[Topic, str]:
    """The key and the headers of every record in each topic, a record a line."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bus.address.removeprefix("kafka://"))
    await consumer.start()
    try:
        return {topic: await _keys(consumer, f"{bus.prefix}{topic.value}") for topic in Topic}
    finally:
        await consumer.stop()


async def _keys(consumer: AIOKafkaConsumer, name: str) -> str:
    places = [TopicPartition(name, number) for number in range(PARTITIONS)]
    ends = await consumer.end_offsets(places)
    consumer.assign(places)
    await consumer.seek_to_beginning(*places)
    lines = []
    while any([await consumer.position(place) < ends[place] for place in places]):
        for records in (await consumer.getmany(timeout_ms=1000)).values():
            lines += [f"{record.key!r} {record.headers!r}" for record in records]
    return "\n".join(lines)
