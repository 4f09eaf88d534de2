"""The topics as Vestnik needs them on a Kafka cluster."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic  # type: ignore[import-untyped]
from aiokafka.admin.config_resource import (  # type: ignore[import-untyped]
    ConfigResource,
    ConfigResourceType,
)
from aiokafka.errors import TopicAlreadyExistsError, for_code  # type: ignore[import-untyped]

from shared.erasure import LATE_COMERS
from shared.outbox import RETENTION
from shared.topics import Topic

log = structlog.get_logger()

PARTITIONS = 12
"""The most replicas of one service that share a topic. More later would move keys between
partitions, so a cluster that needs more creates the topics itself."""
SEGMENT = timedelta(hours=1)
"""A broker drops a segment as a whole, when its newest record is old enough: its first one outlives
`RETENTION` by as long as the segment was written to, a week if nobody says otherwise."""
TIDYING = timedelta(minutes=10)
"""Twice as long as a broker by its defaults waits between looks, with the minute it takes to drop a file."""
CONFIGS = {
    "cleanup.policy": "delete",
    "retention.ms": str(int(RETENTION.total_seconds() * 1000)),
    "segment.ms": str(int(SEGMENT.total_seconds() * 1000)),
}


async def missing_topics(servers: Sequence[str], prefix: str) -> list[str]:
    """Which of our topics the cluster does not have. Raises what the broker's client raises."""
    admin = AIOKafkaAdminClient(bootstrap_servers=list(servers))
    try:
        await admin.start()
        existing = set(await admin.list_topics())
    finally:
        await admin.close()
    return [name for topic in Topic if (name := f"{prefix}{topic.value}") not in existing]


async def outliving_topics(servers: Sequence[str], prefix: str) -> list[str]:
    """Which of our topics may keep a record for longer than orders of destruction are repeated (R-B8).
    They must exist. Raises what the broker's client raises."""
    admin = AIOKafkaAdminClient(bootstrap_servers=list(servers))
    asked = [ConfigResource(ConfigResourceType.TOPIC, f"{prefix}{topic.value}") for topic in Topic]
    try:
        await admin.start()
        answers = await admin.describe_configs(asked)
    finally:
        await admin.close()
    return sorted(name for answer in answers for name, said in _configs(answer) if outlives(said))


def _configs(answer: object) -> Iterator[tuple[str, Mapping[str, str]]]:
    for code, _, _, name, entries in answer.resources:  # type: ignore[attr-defined]
        if code:
            raise for_code(code)(name)
        yield name, {entry[0]: entry[1] for entry in entries}


def outlives(configs: Mapping[str, str]) -> bool:
    """Whether a record may still be read when nobody looks for the erased ones among late-comers."""
    retention, segment = int(configs["retention.ms"]), int(configs["segment.ms"])
    longest = timedelta(milliseconds=retention + segment) + TIDYING
    return retention < 0 or longest > LATE_COMERS or "compact" in configs["cleanup.policy"]


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
                topic_configs={**CONFIGS, "min.insync.replicas": str(max(1, replicas - 1))},
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
