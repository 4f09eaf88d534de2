"""Ingest when things go wrong around it: no database, a cut connection, two at once (DESIGN §3, §7)."""

import asyncio
import socket
from collections.abc import AsyncIterator

import asyncpg
import httpx
import orjson
import pytest
import uvicorn
from support.buses import eventually

from ingest.app import Ingest
from ingest.reading import LARGEST_BODY
from shared.clock import RealClock
from shared.service import Context
from shared.settings import Settings

from .conftest import BATCH, World

SLOW = """
CREATE FUNCTION ingest.{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$;
CREATE TRIGGER {name} AFTER INSERT ON ingest.outbox FOR EACH STATEMENT EXECUTE FUNCTION ingest.{name}();
"""


async def test_a_connection_cut_before_commit_is_503_and_nothing_is_half_stored(world: World) -> None:
    """§7: what was answered 202 is never lost; what was not stored is answered 503 with Retry-After."""
    await world.admin.execute(SLOW.format(name="cut", body="PERFORM pg_terminate_backend(pg_backend_pid());"))
    response = await world.post(world.mark(), world.mark(subject="p-9"))
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert response.headers["content-type"] == "application/problem+json"
    for table in ("inbox", "entity", "refused", "outbox"):
        assert await world.count(table) == 0
    await world.admin.execute("DROP TRIGGER cut ON ingest.outbox")
    assert (await world.post(world.mark())).json()["accepted"] == 1


async def test_202_comes_only_after_commit(world: World) -> None:
    """§7: while the transaction is open there is no answer; once there is one, another connection sees it."""
    await world.admin.execute(SLOW.format(name="wait", body="PERFORM pg_advisory_xact_lock(42);"))
    async with world.admin.acquire() as connection:
        await connection.execute("SELECT pg_advisory_lock(42)")
        request = asyncio.create_task(world.post(world.mark()))
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while not await connection.fetchval(waiting):
            assert not request.done()
        assert not request.done()
        assert await world.count("inbox") == 0
        await connection.execute("SELECT pg_advisory_unlock(42)")
    assert (await request).status_code == 202
    assert await world.count("inbox") == await world.count("outbox") == 1


async def test_two_requests_about_one_entity_take_one_version_once(world: World) -> None:
    """§3: requests of one source follow one another, in one process or in two."""
    other = Ingest(Context(Settings(), world.service._context.database_url, RealClock()))
    await other.start()
    doors = [
        world.http,
        httpx.AsyncClient(transport=httpx.ASGITransport(app=other.app), base_url="http://other"),
    ]
    headers = {"Authorization": f"Bearer {world.token}", "Content-Type": BATCH}
    for revision in range(1, 6):
        same = [world.mark(data={"entity": "mark/x", "revision": revision}) for _ in range(4)]
        answers = await asyncio.gather(
            *(
                doors[at % 2].post("/v1/changes", content=orjson.dumps([event]), headers=headers)
                for at, event in enumerate(same)
            )
        )
        told = [answer.json() for answer in answers]
        assert sum(one["accepted"] for one in told) == 1
        assert sum(one["stale"] for one in told) == 3
    assert [event["data"]["revision"] for _, event in await world.outbox()] == [1, 2, 3, 4, 5]
    await doors[1].aclose()
    await other.stop()


async def test_the_same_event_at_once_is_one_change(world: World) -> None:
    """§3: a journal that lost its patience and sent again."""
    event = world.mark()
    answers = [answer.json() for answer in await asyncio.gather(*(world.post(event) for _ in range(4)))]
    assert sum(one["accepted"] for one in answers) == 1
    assert sum(one["duplicates"] for one in answers) == 3


async def test_without_a_database_it_is_503(world: World) -> None:
    """§3: 503 when it cannot be made durable: not started, stopped, schema gone."""
    await world.service.stop()
    assert (await world.post(world.mark())).status_code == 503
    assert await world.service.problems() != []


async def test_an_old_schema_does_not_start_and_is_said(world: World) -> None:
    """§1: services answer 503 on an old schema; `problems` says what to do."""
    await world.admin.execute("UPDATE ingest.alembic_version SET version_num = 'older'")
    assert any("vestnik migrate" in problem for problem in await world.service.problems())
    another = Ingest(world.service._context)
    with pytest.raises(Exception, match="older"):
        await another.start()
    await another.stop()
    await world.admin.execute("ALTER TABLE ingest.inbox RENAME TO inbox_before")
    assert (await world.post(world.mark())).status_code == 503


async def test_a_well_wired_service_has_no_problems(world: World) -> None:
    """§5 /readyz: database, bus, last progress; soon after the start, when the bus has looked once."""

    async def ready() -> bool:
        return await world.service.problems() == []

    await eventually(ready)


@pytest.fixture
async def server(world: World) -> AsyncIterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    running = uvicorn.Server(uvicorn.Config(world.service.app, log_config=None, lifespan="off"))
    task = asyncio.create_task(running.serve(sockets=[listening]))
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    running.should_exit = True
    await task
    listening.close()


async def test_a_chunked_upload_is_bounded_too(world: World, server: str) -> None:
    """§3: 413 over 5 MiB though no Content-Length says so; the door stays open for others."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(LARGEST_BODY // 65536 + 2):
            yield b" " * 65536

    async def small() -> AsyncIterator[bytes]:
        yield b"["
        yield orjson.dumps(world.mark())
        yield b"]"

    headers = {"Authorization": f"Bearer {world.token}", "Content-Type": BATCH}
    async with httpx.AsyncClient(base_url=server, headers=headers) as http:
        response = await http.post("/v1/changes", content=endless())
        assert response.status_code == 413
        assert (await http.post("/v1/changes", content=small())).json()["accepted"] == 1
    assert await world.count("inbox") == 1


async def test_logs_and_reasons_hold_no_token_and_no_payload(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    """R-D3: no personal data in logs: neither what was sent nor the token."""
    await world.post(world.mark(data={"comment": "тайное слово"}), world.mark(subject="p-9"))
    event = world.mark(data={"comment": "тайное слово"})
    await world.post(event)
    await world.post(event | {"ext": "тайное слово"})
    await world.admin.execute("DROP TABLE ingest.outbox")
    assert (await world.post(world.mark(data={"comment": "тайное слово"}))).status_code == 503
    said = "".join(capfd.readouterr())
    assert "ingest.settled" in said
    assert "ingest.duplicate_altered" in said
    assert "ingest.unavailable" in said
    assert "тайное" not in said
    assert world.token not in said


async def test_the_role_of_ingest_cannot_write_elsewhere(world: World) -> None:
    """§1: every schema has one writer."""
    for table in ("consent.epoch", "dispatch.audit"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await world.pool.execute(f"DELETE FROM {table}")
