"""`make chaos`: PostgreSQL and Kafka are restarted, and killed and half a minute gone; the database's disk
is full: nothing accepted is lost, and what waited leaves without a human (DESIGN §7)."""

import asyncio
import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import asyncpg
import pytest
from support.buses import BusKit, Kafka
from support.fleet import Fleet, onebox, services
from support.kafka_lag import caught_up
from support.outage import outage, small
from support.reckoning import reckon
from support.stage import Stage, prepared

from onebox.environment import embedded
from onebox.postgres import EmbeddedPostgres
from sandbox.kafka import KafkaBroker
from shared.migrations import migrate

pytestmark = pytest.mark.slow
IN_SHORT = (
    "tests/integration/test_serve.py::test_a_database_that_goes_and_comes_back",
    "tests/contract/bus/test_failures.py::test_a_killed_broker_loses_nothing",
    "tests/integration/test_embedded_postgres.py::test_whoever_watches_over_it_outlives_a_disk_that_refuses",
)

DISK = 400  # MB: an installation takes about half of it


@pytest.fixture
def folder() -> Iterator[Path]:
    """For an embedded PostgreSQL: pytest's own folder is closed again by every other run."""
    with tempfile.TemporaryDirectory(prefix="vestnik-chaos-") as name:
        yield Path(name)


def _services(folder: Path, environment: Mapping[str, str]) -> Fleet:
    return services(folder, environment, {"ingest": 1, "dispatcher": 2, "print_queue": 1})


async def _outlived(stage: Stage, away: contextlib.AbstractAsyncContextManager[None]) -> None:
    async with stage.fleet.running():
        await outage(stage, away)
    verdict = await reckon(stage)
    print(verdict)  # noqa: T201 - the counts are what the run is for
    assert not verdict.wrongs, str(verdict)


@pytest.mark.parametrize("how", ["restarted", "killed"])
async def test_the_database_is_away(folder: Path, how: str) -> None:
    data = folder / "db"
    server = EmbeddedPostgres(data)
    url = await server.start()

    @contextlib.asynccontextmanager
    async def away() -> AsyncIterator[None]:
        if how == "restarted":
            await server.stop()
            await server.start()
            yield
        else:
            os.kill(_postmaster(data), signal.SIGKILL)
            yield
            await server.start()

    try:
        await migrate(url)
        bus = {"VESTNIK_DATABASE_URL": url, "VESTNIK_BUS": "postgres"}
        async with prepared(small(), folder, url, bus, _services) as stage:
            stage.fleet.kills["postgres"] = 1
            await _outlived(stage, away())
    finally:
        await server.stop()


@pytest.mark.parametrize("how", ["restarted", "killed"])
async def test_the_broker_is_away(kafka: Kafka, kafka_bus: BusKit, tmp_path: Path, how: str) -> None:
    if kafka.broker is None:
        pytest.skip("somebody else's broker is not ours to stop")

    @contextlib.asynccontextmanager
    async def away(broker: KafkaBroker) -> AsyncIterator[None]:
        if how == "restarted":
            await broker.restart()
            yield
        else:
            await asyncio.to_thread(broker.kill)
            yield
            await broker.start()

    async with prepared(small(), tmp_path, kafka_bus.database, kafka_bus.environment, _services) as stage:
        stage.caught_up = lambda: caught_up(kafka_bus)
        await _outlived(stage, away(kafka.broker))


@pytest.mark.parametrize("installation", ["services", "one box"])
async def test_the_disk_is_full(folder: Path, installation: str) -> None:
    """Statements fail first, then PostgreSQL itself falls over and cannot start, then there is room again.
    Whoever watches over the server is our own watcher, as in the one box."""
    with _small_disk(folder / "data"):
        data = folder / "data"
        async with embedded(data) as url:
            await migrate(url)
            settings = {"VESTNIK_BUS": "postgres"}
            if installation == "services":
                settings["VESTNIK_DATABASE_URL"] = url
            make = _services if installation == "services" else onebox
            async with prepared(small(), folder, url, settings, make) as stage:
                stage.fleet.kills["postgres"] = 1
                await _outlived(stage, _full(data, url))


@contextlib.asynccontextmanager
async def _full(data: Path, url: str) -> AsyncIterator[None]:
    """Not a byte is left, until the block ends."""
    filler = data / "filler"

    def fill() -> None:
        with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))

    await asyncio.to_thread(fill)
    before = _postmaster(data / "postgres")
    try:
        await _write_until_refused(url)
        yield
        await asyncio.to_thread(fill)  # what the server gave back when it fell
        assert _gone(before), "the server was to fall over"
    finally:
        filler.unlink()


async def _write_until_refused(url: str) -> None:
    """Other programs of the database write too: until the log itself finds no room."""
    for _ in range(200):
        try:
            connection = await asyncpg.connect(url, timeout=5)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
            return
        try:
            await connection.execute("SELECT pg_logical_emit_message(false, 'x', repeat('x', 4000000))")
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await asyncio.sleep(0.1)
        finally:
            connection.terminate()


def _postmaster(data: Path) -> int:
    return int((data / "cluster" / "postmaster.pid").read_text().split()[0])


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@contextlib.contextmanager
def _small_disk(place: Path) -> Iterator[None]:
    """A disk of its own, that can be filled; takes root."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}m", "tmpfs", str(place)]
    done = subprocess.run(mount, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"NOT PROVEN: a full disk, for none can be mounted here: {done.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
