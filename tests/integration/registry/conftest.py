"""A database and an empty folder of lists."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.lists import Registry

from shared.db import open_pool
from shared.topics import Service


@pytest.fixture
async def registry(database: str, tmp_path: Path) -> AsyncIterator[Registry]:
    ingest = await open_pool(database, Service.INGEST, largest=3)
    dispatcher = await open_pool(database, Service.DISPATCHER, largest=3)
    folder = tmp_path / "lists"
    folder.mkdir()
    yield Registry(ingest, dispatcher, folder)
    await ingest.close()
    await dispatcher.close()
