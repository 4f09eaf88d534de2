"""Fixtures for every test that needs the real thing.

`database`   URL of a fresh migrated database on a real PostgreSQL (embedded, one per test process).
`kafka`      a real broker (`kafka.address`), one per run: VESTNIK_TEST_KAFKA=host:port if set, else
             started here, which takes java and, the first time, mvn. Without them such tests are
             skipped and the summary says so; with CI=true they fail.
`bus`        a `support.buses.BusKit` over a fresh database; the test runs once on each bus. A test
             that is about one of them asks for `postgres_bus` or `kafka_bus`.
`browser`    Chromium (see `support.browser`); without it such tests are skipped, and the summary says
             so; with CI=true they fail.

`postfix`    a real Postfix, one per test process (support.postfix); it takes root. Without it such tests
             are skipped and say so; with CI=true they fail.

Tests marked `slow` are left out unless asked for: `--run-slow`, which `make chaos` does.

Tests on the broker run in one test process, one after another, so they may kill it; each has
its own VESTNIK_BUS_PREFIX, so they share nothing else.
"""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

sys.path.insert(0, str(Path(__file__).parent))

from support.aside import run_aside
from support.browser import NO_BROWSER, available, launched
from support.buses import BusKit, Kafka
from support.databases import Databases

from sandbox import kafka as sandbox_kafka

pytest_plugins = ["support.postfix"]

NO_KAFKA = "no Kafka here (java and mvn, or VESTNIK_TEST_KAFKA=host:port)"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--run-slow", action="store_true", help="also what takes minutes (make chaos)")


def pytest_configure() -> None:
    # A run that is told to stop (`timeout`, CI) stops its servers too, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--run-slow"):
        slow = [item for item in items if item.get_closest_marker("slow")]
        if slow:
            config.hook.pytest_deselected(items=slow)
            items[:] = [item for item in items if item not in slow]
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        if names & {"kafka", "kafka_bus"}:
            item.add_marker(pytest.mark.kafka)
        if item.get_closest_marker("kafka"):
            item.add_marker(pytest.mark.xdist_group("kafka"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for where, why in (("ON KAFKA", NO_KAFKA), ("IN A BROWSER", NO_BROWSER)):
        skipped = [one for one in terminalreporter.stats.get("skipped", ()) if why in str(one.longrepr)]
        if skipped:
            terminalreporter.write_line(f"NOT PROVEN {where}: {len(skipped)} tests skipped, {why}", red=True)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A browser of this test."""
    if not available():
        if os.environ.get("CI") == "true":
            pytest.fail(NO_BROWSER)
        pytest.skip(NO_BROWSER)
    async with launched() as made:
        yield made


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
    name = databases.lend()
    yield databases.url(name)
    databases.give_back(name)


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """The broker of this run; `kafka.broker` is None when it is somebody else's."""
    if address := os.environ.get("VESTNIK_TEST_KAFKA"):
        yield Kafka(address, None)
        return
    if not sandbox_kafka.available():
        if os.environ.get("CI") == "true":
            pytest.fail(NO_KAFKA)
        pytest.skip(NO_KAFKA)
    with tempfile.TemporaryDirectory(prefix="vestnik-kafka-") as folder:
        broker = sandbox_kafka.KafkaBroker(Path(folder))
        try:
            run_aside(broker.start())
            yield Kafka(broker.address, broker)
        finally:
            broker.kill()


@pytest.fixture
def postgres_bus(database: str) -> BusKit:
    return BusKit(database, "postgres")


@pytest.fixture
def kafka_bus(database: str, kafka: Kafka) -> BusKit:
    return BusKit(database, f"kafka://{kafka.address}")


@pytest.fixture(params=["postgres", pytest.param("kafka", marks=pytest.mark.kafka)])
def bus(request: pytest.FixtureRequest) -> BusKit:
    """Either bus over a fresh database; a test that uses it runs once on each."""
    kit: BusKit = request.getfixturevalue(f"{request.param}_bus")
    return kit
