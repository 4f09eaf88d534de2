"""The topics as Vestnik needs them on a Kafka cluster."""

from collections.abc import Sequence

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic  # type: ignore[import-untyped]
from aiokafka.errors import TopicAlreadyExistsError, for_code  # type: ignore[import-untyped]

from shared.outbox import RETENTION
from shared.topics import Topic

log = structlog.get_logger()

PARTITIONS = 12
"""The most replicas of one service that share a topic. More later would move keys between
partitions, so a cluster that needs more creates the topics itself."""


async def missing_topics(servers: Sequence[str], prefix: str) -> list[str]:
    """Which of our topics the cluster does not have. Raises what the broker's client raises."""
    admin = AIOKafkaAdminClient(bootstrap_servers=list(servers))
    try:
        await admin.start()
        existing = set(await admin.list_topics())
    finally:
        await admin.close()
    return [name for topic in Topic if (name := f"{prefix}{topic.value}") not in existing]


async def ensure_topics(servers: Sequence[str], prefix: str) -> None:
    """Create what is missing, on three replicas where there are as many brokers; existing ones stay
    as they are."""
    admin = AIOKafkaAdminClient(bootstrap_servers=list(servers))
    try:
        await admin.start()
        existing = set(await admin.list_topics())
        replicas = min(3, len((await admin.describe_cluster())["brokers"]))
        missing = [
            NewTopic(
                f"{prefix}{topic.value}",
                num_partitions=PARTITIONS,
                replication_factor=replicas,
                topic_configs={
                    "retention.ms": str(int(RETENTION.total_seconds() * 1000)),
                    "min.insync.replicas": str(max(1, replicas - 1)),
                },
            )
            for topic in Topic
            if f"{prefix}{topic.value}" not in existing
        ]
        if not missing:
            return
        answer = await admin.create_topics(missing)
        for name, code, *_ in answer.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                raise error(name)
            if not code:
                log.info("bus.topic_created", topic=name, partitions=PARTITIONS, replicas=replicas)
    finally:
        await admin.close()
