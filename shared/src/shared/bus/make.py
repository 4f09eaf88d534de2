"""Which bus an installation has."""

import asyncpg

from shared.bus.base import Bus
from shared.bus.postgres import PostgresBus
from shared.settings import Settings
from shared.topics import Service


def make_bus(settings: Settings, service: Service, database_url: str, pool: asyncpg.Pool) -> Bus:
    """The bus of `VESTNIK_BUS`, not started. `pool` acts as the service and stays the caller's.

    Beside it the bus keeps connections of its own: one a subscription (postgres), one for
    the relay or the pruning.
    """
    if settings.bus == "postgres":
        return PostgresBus(database_url, service)
    from shared.bus.kafka import KafkaBus  # noqa: PLC0415 - most installations never load Kafka's client

    servers = settings.bus.removeprefix("kafka://").rstrip("/").split(",")
    return KafkaBus(servers, settings.bus_prefix, service, database_url, pool)
