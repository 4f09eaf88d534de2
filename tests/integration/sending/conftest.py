"""`office`: a small school on a fresh database."""

from collections.abc import AsyncIterator

import pytest
from integration.sending.office import Office

from shared.db import open_pool
from shared.topics import Service


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
