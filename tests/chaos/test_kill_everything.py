"""`make chaos`: 2,000 changes while everything is killed again and again: each service on each bus, the
one box, PostgreSQL, Kafka. Leases, retries and the gateway's settle times take their real time.

Each run prints its seed, how often what was killed, what arrived, and what was lost or came twice.
"""

import asyncio
import contextlib
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from support.burst import WITH_WEEKLY
from support.buses import BusKit, Kafka
from support.chaos import play
from support.fleet import Fleet, onebox, services
from support.kafka_lag import caught_up
from support.reckoning import reckon
from support.stage import Plan, Stage, chosen_seed, prepared

from onebox.postgres import EmbeddedPostgres
from shared.migrations import migrate

pytestmark = pytest.mark.slow
IN_SHORT = ("tests/e2e/test_chaos_short.py::test_nothing_is_lost_when_anything_is_killed",)

PLAN = Plan(
    changes=2_000,
    during=14,
    after=6,
    rate=2880,
    seed=0,
    waits=True,
    shares=WITH_WEEKLY,
    classes=4,
    pupils=20,
    pace=0.03,
    patience=900,
)
REPLICAS = {"ingest": 1, "dispatcher": 2, "print_queue": 2}


@pytest.fixture
def folder() -> Iterator[Path]:
    """For an embedded PostgreSQL: pytest's own folder is closed again by every other run."""
    with tempfile.TemporaryDirectory(prefix="vestnik-chaos-") as name:
        yield Path(name)


def _plan(*, during: int = PLAN.during, after: int = PLAN.after) -> Plan:
    plan = replace(PLAN, seed=chosen_seed(), during=during, after=after)
    print(f"\nVESTNIK_CHAOS_SEED={plan.seed}")  # noqa: T201 - to play it again
    return plan


def _services(folder: Path, environment: Mapping[str, str]) -> Fleet:
    return services(folder, environment, REPLICAS)


async def _played(stage: Stage) -> None:
    async with stage.fleet.running():
        await play(stage)
    verdict = await reckon(stage)
    print(verdict)  # noqa: T201 - the counts are what the run is for
    assert not verdict.wrongs, str(verdict)


async def test_every_service(bus: BusKit, tmp_path: Path) -> None:
    """Two replicas of each consumer, any process killed at any moment."""
    async with prepared(_plan(), tmp_path, bus.database, bus.environment, _services) as stage:
        if bus.address != "postgres":
            stage.caught_up = lambda: caught_up(bus)
        await _played(stage)


async def test_the_broker_dies_too(kafka: Kafka, kafka_bus: BusKit, tmp_path: Path) -> None:
    """Kafka is killed and comes back over its data, among the services."""
    broker = kafka.broker
    if broker is None:
        pytest.skip("somebody else's broker is not ours to kill")

    async def kill() -> None:
        await asyncio.to_thread(broker.kill)
        await broker.start()

    async with prepared(_plan(), tmp_path, kafka_bus.database, kafka_bus.environment, _services) as stage:
        stage.beyond = {"kafka": kill}
        stage.caught_up = lambda: caught_up(kafka_bus)
        await _played(stage)


async def test_the_database_dies_too(folder: Path) -> None:
    """PostgreSQL is killed and started again by whoever watches over it; the services find it again."""
    async with _durable_database(folder / "db") as (url, kill):
        bus = {"VESTNIK_DATABASE_URL": url, "VESTNIK_BUS": "postgres"}
        async with prepared(_plan(), folder, url, bus, _services) as stage:
            stage.beyond = {"postgres": kill}
            await _played(stage)


async def test_the_one_box(folder: Path) -> None:
    """All services in one process over the embedded PostgreSQL, which outlives it and is attached to."""
    async with _durable_database(folder / "data") as (url, _):
        plan = _plan(during=8, after=4)
        async with prepared(plan, folder, url, {"VESTNIK_BUS": "postgres"}, onebox) as stage:
            await _played(stage)


@contextlib.asynccontextmanager
async def _durable_database(data: Path) -> AsyncIterator[tuple[str, Callable[[], Awaitable[None]]]]:
    """The embedded PostgreSQL of a data folder as installations have it, and how to kill -9 it."""
    server = EmbeddedPostgres(data / "postgres")
    url = await server.start()

    async def kill() -> None:
        pid = int((data / "postgres" / "cluster" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        await server.start()

    try:
        await migrate(url)
        yield url, kill
    finally:
        await server.stop()
