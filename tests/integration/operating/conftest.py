"""`office`: the small school of sending; `audit`: what is written of who did what."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from integration.sending.office import Office

from shared.db import open_pool
from shared.topics import Service

Lines = Callable[[], Awaitable[list[tuple[str, str, dict[str, Any]]]]]


@pytest.fixture
async def office(database: str) -> AsyncIterator[Office]:
    pool = await open_pool(database, Service.DISPATCHER, largest=8)
    admin = await open_pool(database, largest=3)
    made = Office(pool, admin)
    await made.found()
    try:
        yield made
    finally:
        await pool.close()
        await admin.close()


@pytest.fixture
def audit(office: Office) -> Lines:
    async def lines() -> list[tuple[str, str, dict[str, Any]]]:
        """Actor, action, details."""
        rows = await office.pool.fetch("SELECT * FROM dispatch.audit ORDER BY id")
        return [(row["actor"], row["action"], row["details"]) for row in rows]

    return lines
