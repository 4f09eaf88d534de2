"""Fixtures for every test that needs the real thing.

`database`   URL of a fresh migrated database on a real PostgreSQL (embedded, one per test process).
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from support.buses import BusKit
from support.databases import Databases


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """The PostgreSQL server of this test process."""
    # Not under pytest's own folder: its path is long and it is closed again by every other run.
    folder = Path(tempfile.mkdtemp(prefix="vestnik-tests-"))
    server = Databases(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    """A fresh database with every schema migrated: its URL."""
    name = databases.create()
    yield databases.url(name)
    databases.drop(name)


@pytest.fixture(params=["postgres"])
def bus(request: pytest.FixtureRequest, database: str) -> BusKit:
    """Either bus over a fresh database; a test that uses it runs once on each."""
    return BusKit(database, "postgres")
