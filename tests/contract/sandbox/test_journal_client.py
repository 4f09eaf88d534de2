"""The journal's client against an ingest that is slow, busy, absent or strict."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.journal import Journal, Size, build, week
from sandbox.journal.client import RefusedByIngestError
from sandbox.web import WebServer, answer, cut


class Ingest:
    """Answers as DESIGN §3 has it; `troubles` are answered first, one a request."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.requests: list[tuple[dict[str, str], list[dict[str, Any]]]] = []
        self.troubles: list[Callable[[Request], Any]] = []
        self.web = WebServer([Route("/ingest/v1/changes", self._changes, methods=["POST"])])

    async def _changes(self, request: Request) -> Response:
        batch = orjson.loads(await request.body())
        self.requests.append((dict(request.headers), batch))
        if self.troubles:
            response: Response = await self.troubles.pop(0)(request)
            return response
        known = {event["id"] for event in self.seen}
        fresh = [event for event in batch if event["id"] not in known]
        self.seen += fresh
        counts = {"accepted": len(fresh), "duplicates": len(batch) - len(fresh), "stale": 0, "rejected": []}
        return answer(counts, 202)


@pytest.fixture
async def ingest() -> AsyncIterator[Ingest]:
    server = Ingest()
    await server.web.start()
    yield server
    await server.web.stop()


async def busy(_: Request) -> Response:
    return answer({"error": "busy"}, 503)


async def slow_down(_: Request) -> Response:
    response = answer({}, 429)
    response.headers["Retry-After"] = "1"
    return response


async def strict(_: Request) -> Response:
    return answer({"error": "no token"}, 401)


async def all_refused(request: Request) -> Response:
    rejected = [{"index": 0, "id": orjson.loads(await request.body())[0]["id"], "reason": "unknown pupil"}]
    return answer({"accepted": 0, "duplicates": 0, "stale": 0, "rejected": rejected}, 422)


async def test_a_week_arrives_in_batches_and_in_order(ingest: Ingest) -> None:
    moments = list(week(build(3, Size(classes=2, pupils=4, rate=1))))
    async with Journal(ingest.web.url, "secret", batch=30) as journal:
        told = await journal.post(moments)
    assert told.events == len(moments)
    assert {headers["authorization"] for headers, _ in ingest.requests} == {"Bearer secret"}
    assert {headers["content-type"] for headers, _ in ingest.requests} == {
        "application/cloudevents-batch+json"
    }
    assert max(len(batch) for _, batch in ingest.requests) == 30
    assert [event for _, batch in ingest.requests for event in batch] == [one.event for one in moments]


async def test_it_repeats_with_the_same_ids(ingest: Ingest) -> None:
    ingest.troubles += [busy, cut, slow_down]
    started = asyncio.get_running_loop().time()
    async with Journal(ingest.web.url, "secret") as journal:
        told = await journal.post([{"id": "1"}, {"id": "2"}])
    assert (told.accepted, told.retries) == (2, 3)
    assert [[event["id"] for event in batch] for _, batch in ingest.requests] == [["1", "2"]] * 4
    assert asyncio.get_running_loop().time() - started >= 1


async def test_it_waits_for_a_server_that_is_not_there_yet() -> None:
    server = Ingest()
    await server.web.start()
    await server.web.stop()
    async with Journal(server.web.url, "secret") as journal:
        posting = asyncio.create_task(journal.post([{"id": "1"}]))
        await asyncio.sleep(0.2)
        await server.web.start()
        assert (await posting).accepted == 1
    await server.web.stop()


async def test_it_gives_up_when_patience_ends() -> None:
    server = Ingest()
    await server.web.start()
    await server.web.stop()
    async with Journal(server.web.url, "secret", patience=0.3) as journal:
        with pytest.raises(TimeoutError):
            await journal.post([{"id": "1"}])


async def test_refusals_are_counted_and_strictness_raised(ingest: Ingest) -> None:
    ingest.troubles += [all_refused, strict]
    async with Journal(ingest.web.url + "/ingest/v1/changes", "secret") as journal:
        told = await journal.post([{"id": "1"}])
        assert told.rejected == [{"index": 0, "id": "1", "reason": "unknown pupil"}]
        with pytest.raises(RefusedByIngestError, match="401"):
            await journal.post([{"id": "2"}])
