"""A database of these tests and an empty folder of lists."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from support.databases import Databases
from support.lists import Registry

from shared.db import open_pool
from shared.topics import Service


@pytest.fixture(scope="package")
def emptied(databases: Databases) -> Iterator[str]:
    """One database for all of them: emptying it takes a tenth of making one."""
    name = databases.create()
    yield databases.url(name)
    databases.drop(name)


@pytest.fixture
async def registry(emptied: str, tmp_path: Path) -> AsyncIterator[Registry]:
    await _empty(emptied)
    ingest = await open_pool(emptied, Service.INGEST, largest=3)
    dispatcher = await open_pool(emptied, Service.DISPATCHER, largest=3)
    folder = tmp_path / "lists"
    folder.mkdir()
    yield Registry(ingest, dispatcher, folder)
    await ingest.close()
    await dispatcher.close()


async def _empty(url: str) -> None:
    """Every table but the migrations' own; the audit logs, which nobody may empty, as a superuser."""
    connection = await asyncpg.connect(url)
    tables = await connection.fetch(
        """SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
           WHERE (schemaname IN ('roster', 'consent', 'people') OR tablename IN ('audit', 'outbox'))
             AND tablename NOT LIKE 'alembic%'"""
    )
    await connection.execute("SET session_replication_role = replica")
    for table in tables:
        await connection.execute(f"DELETE FROM {table['name']}")
    await connection.close()
