"""A service as a process of its own: alive at once, ready when it can work, gone in order (DESIGN §5)."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from support.aside import run_aside
from support.databases import Databases
from support.installations import Running, environment, listening

from shared.migrations import migrate

PAGES = {
    "ingest": ("POST", "/ingest/v1/changes"),
    "dispatcher": ("GET", "/dispatcher/u/x"),
    "print_queue": ("GET", "/print/"),
}


@pytest.fixture
def empty(databases: Databases) -> Iterator[str]:
    """The URL of a database nobody migrated."""
    name = databases.create(migrated=False)
    yield databases.url(name)
    databases.drop(name)


@asynccontextmanager
async def service(name: str, database: str, folder: Path) -> AsyncIterator[Running]:
    settings = {"VESTNIK_DATABASE_URL": database, "VESTNIK_DATA": str(folder / "var")}
    async with listening(sys.executable, "-m", name, folder=folder, settings=settings) as running:
        yield running


async def meanwhile_503(running: Running, name: str) -> None:
    """Not ready is said with the reason, and its pages ask to come again."""
    method, path = PAGES[name]
    page = await running.http.request(method, path)
    assert page.status_code == 503
    assert int(page.headers["retry-after"]) > 0
    assert page.headers["content-type"] == "application/problem+json"
    assert page.json()["detail"]
    person = await running.http.request(method, path, headers={"Accept": "text/html"})
    assert person.status_code == 503
    style = re.search(r'href="([^"]+\.css)"', person.text)
    assert style, "in the usual look"
    assert (await running.http.get(style[1])).status_code == 200
    assert (await running.http.get("/healthz")).json() == {"status": "alive"}
    assert (await running.http.get("/metrics")).status_code == 200


@pytest.mark.parametrize("name", sorted(PAGES))
async def test_an_old_schema_is_said_and_the_migration_is_enough(
    name: str, empty: str, tmp_path: Path
) -> None:
    """A cluster migrates by `vestnik migrate` only; the service comes by itself when that is done."""
    async with service(name, empty, tmp_path) as running:
        answer = await running.until(503)
        while "vestnik migrate" not in answer.text:
            answer = await running.http.get("/readyz")
        assert answer.json()["ready"] is False
        await meanwhile_503(running, name)
        run_aside(migrate(empty))
        assert (await running.until(200)).json() == {"ready": True, "problems": {}}
        method, path = PAGES[name]
        assert (await running.http.request(method, path)).status_code in {401, 404}
        assert await running.told_to_stop() == 0


@pytest.mark.parametrize("name", sorted(PAGES))
async def test_without_a_database_it_waits_for_it(name: str, databases: Databases, tmp_path: Path) -> None:
    """Its database does not exist yet when it starts."""
    later = databases.create(migrated=False)
    databases.drop(later)
    url = databases.url(later)
    async with service(name, url, tmp_path) as running:
        await running.until(503)
        await meanwhile_503(running, name)
        databases.create_named(later)
        run_aside(migrate(url))
        await running.until(200)
    databases.drop(later)


async def test_a_database_that_goes_and_comes_back(database: str, tmp_path: Path) -> None:
    """Every connection cut and none let in for a while: said in /readyz, mended without a restart."""
    name = database.split("///")[1].split("?", maxsplit=1)[0]
    admin = await asyncpg.connect(database.replace(f"///{name}?", "///postgres?"))
    async with service("ingest", database, tmp_path) as running:
        await running.until(200)
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        said = await running.until(503)
        assert said.json()["problems"]["/ingest"]
        answer = await running.http.post("/ingest/v1/changes", headers={"Authorization": "Bearer x"})
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await running.until(200)
        assert (await running.http.post("/ingest/v1/changes")).status_code == 401
        assert await running.told_to_stop() == 0
    await admin.close()


async def test_it_stops_while_it_still_waits(databases: Databases, tmp_path: Path) -> None:
    async with service("ingest", databases.url("there_is_none"), tmp_path) as running:
        await running.until(503)
        assert await running.told_to_stop() == 0


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "VESTNIK_DATABASE_URL"),
        ({"VESTNIK_DATABASE_URL": "postgresql://x", "VESTNIK_BUS": "rabbit"}, "VESTNIK_BUS"),
    ],
)
async def test_wrong_settings_are_one_sentence(settings: dict[str, str], says: str, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ingest",
        env=environment(settings),
        cwd=tmp_path,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode not in {0, None}
    assert says in said.decode()
    assert len(said.decode().strip().splitlines()) == 1
