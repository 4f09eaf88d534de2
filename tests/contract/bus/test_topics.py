"""R-B8: how long a broker keeps what nobody can take out of it."""

from datetime import timedelta

from aiokafka.admin import AIOKafkaAdminClient, NewTopic  # type: ignore[import-untyped]
from support.buses import BusKit

from shared.bus.kafka_topics import ensure_topics, missing_topics, outlives, outliving_topics
from shared.erasure import LATE_COMERS
from shared.topics import Topic


def kept(retention: timedelta, segment: timedelta, policy: str = "delete") -> dict[str, str]:
    said = {"retention.ms": retention, "segment.ms": segment}
    return {name: str(int(each.total_seconds() * 1000)) for name, each in said.items()} | {
        "cleanup.policy": policy
    }


async def test_no_record_outlives_the_search_for_late_comers(kafka_bus: BusKit) -> None:
    servers, prefix = [kafka_bus.address.removeprefix("kafka://")], kafka_bus.prefix
    by_hand = f"{prefix}{Topic.STAFF_NOTICES.value}"
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        # As an administrator makes one, and as Vestnik did before: a segment lives for a week.
        two_days = {"retention.ms": str(48 * 3_600_000)}
        await admin.create_topics([NewTopic(by_hand, 1, 1, topic_configs=two_days)])
        await ensure_topics(servers, prefix)
        assert await missing_topics(servers, prefix) == []
        assert await outliving_topics(servers, prefix) == [by_hand]
    finally:
        await admin.close()


def test_a_segment_counts_as_long_as_it_is_written_to() -> None:
    hour, day = timedelta(hours=1), timedelta(days=1)
    assert not outlives(kept(2 * day, hour))
    assert outlives(kept(2 * day, 7 * day))
    assert outlives(kept(7 * day, hour))
    assert outlives(kept(LATE_COMERS, hour))
    assert outlives(kept(timedelta(milliseconds=-1), hour))
    assert outlives(kept(2 * day, hour, "compact,delete"))
