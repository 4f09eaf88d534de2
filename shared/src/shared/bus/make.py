"""Which bus an installation has."""

import asyncpg

from shared.bus.base import Bus
from shared.bus.postgres import PostgresBus
from shared.settings import Settings
from shared.topics import Service


def make_bus(settings: Settings, service: Service, database_url: str, pool: asyncpg.Pool) -> Bus:
    """The bus of `VESTNIK_BUS`. `pool` acts as the service; a relay and each reader of the
    postgres bus keep one more connection of their own."""
    if settings.bus == "postgres":
        return PostgresBus(database_url, service)
    raise NotImplementedError
