"""`POST /ingest/v1/changes`: a journal tells of its changes (DESIGN §3)."""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import prometheus_client
import structlog
from fastapi import APIRouter, Request
from starlette.responses import Response

from ingest import tokens
from ingest.accept import Outcomes, judge_all
from ingest.envelope import Envelope, NotCloudEventsError
from ingest.judging import Judged, Refused
from ingest.problems import ProblemError, unavailable
from ingest.reading import mode_of, read_body, read_events
from ingest.store import settle
from shared.access import Access, access
from shared.clock import Clock
from shared.db import DATABASE_AWAY

log = structlog.get_logger()

IN_FLIGHT = 8
"""Requests of one token at a time. One source is settled one request after another, so more would
only wait, each with up to 5 MiB in memory; eight keep the line busy over a slow network."""

_LARGE = 128 * 1024  # bytes; reading more than this takes long enough to be felt by others in the loop

_CHANGES = prometheus_client.Counter(
    "vestnik_ingest_changes", "Changes that journals sent, by what became of them", ["outcome"]
)


class Doorkeeper:
    """Bounds the requests of a token in flight, and lets those of a source through one by one, so that
    a busy journal holds one connection of the pool and not all."""

    def __init__(self, limit: int = IN_FLIGHT) -> None:
        self._limit = limit
        self._inside: Counter[UUID] = Counter()
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @contextlib.contextmanager
    def inside(self, token: UUID) -> Iterator[None]:
        if self._inside[token] >= self._limit:
            raise ProblemError(
                429,
                f"С этим токеном уже идёт {self._limit} запросов. Ничего не принято: "
                "дождитесь ответов и пришлите этот запрос снова.",
                headers={"Retry-After": "1"},
            )
        self._inside[token] += 1
        try:
            yield
        finally:
            self._inside[token] -= 1

    @contextlib.asynccontextmanager
    async def turn(self, source: str) -> AsyncIterator[None]:
        async with self._turns[source]:
            yield


def routes(pool_of: Callable[[], asyncpg.Pool | None], clock: Clock) -> APIRouter:
    """`pool_of` gives the service's pool, None while it is not started."""
    router = APIRouter()
    door = Doorkeeper()

    @router.post("/v1/changes")
    @access(Access.JOURNAL_TOKEN, "a journal may tell only of its own school")
    async def changes(request: Request) -> Response:
        try:
            return await _changes(request, pool_of(), clock, door)
        except ProblemError as problem:
            return problem.response()
        except DATABASE_AWAY as away:
            # The class alone: messages of the database may quote what was sent.
            log.warning("ingest.unavailable", error=type(away).__name__)
            return unavailable().response()

    return router


async def _changes(request: Request, pool: asyncpg.Pool | None, clock: Clock, door: Doorkeeper) -> Response:
    if pool is None:
        raise unavailable()
    journal = await _journal(request, pool)
    with door.inside(journal.token):
        mode = mode_of(request.headers.get("content-type"), request.headers.get("content-encoding"))
        body = await read_body(request)
        read = (journal.source, mode, list(request.headers.raw), body)
        try:
            envelopes, judged = await asyncio.to_thread(_read, *read) if len(body) > _LARGE else _read(*read)
        except NotCloudEventsError as wrong:
            raise ProblemError(400, f"Ничего не принято: {wrong}.") from wrong
        async with (
            door.turn(journal.source),
            pool.acquire(timeout=5) as connection,
            connection.transaction(),
        ):
            outcomes = await settle(connection, journal.source, envelopes, judged, clock)
    _tell(journal, outcomes)
    return _answer(outcomes, len(envelopes))


def _read(
    source: str, mode: str, headers: list[tuple[bytes, bytes]], body: bytes
) -> tuple[list[Envelope], list[Judged | Refused]]:
    """The request's events, every one of them from `source` (else ProblemError 403), and what each is
    by itself."""
    envelopes = read_events(mode, headers, body)
    for index, envelope in enumerate(envelopes):
        if envelope.source != source:
            raise ProblemError(
                403,
                f"Ничего не принято: событие {index} не от этого журнала; токен выдан для source «{source}».",
            )
    return envelopes, judge_all(envelopes)


async def _journal(request: Request, pool: asyncpg.Pool) -> tokens.Journal:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    journal = await tokens.verify(pool, token.strip()) if scheme.lower() == "bearer" else None
    if journal is None:
        raise ProblemError(
            401,
            "Нужен действующий токен журнала в заголовке Authorization: Bearer …; "
            "его выдаёт команда vestnik token create.",
            headers={"WWW-Authenticate": 'Bearer realm="vestnik"'},
        )
    return journal


def _tell(journal: tokens.Journal, outcomes: Outcomes) -> None:
    counts = {
        "accepted": len(outcomes.accepted),
        "duplicates": len(outcomes.duplicates),
        "stale": outcomes.stale,
        "rejected": len(outcomes.rejected),
    }
    for outcome, count in counts.items():
        _CHANGES.labels(outcome).inc(count)
    bound = log.bind(school=journal.school, journal=journal.journal)
    bound.info("ingest.settled", **counts)
    for id_ in outcomes.altered:
        bound.warning("ingest.duplicate_altered", event_id=id_)


def _answer(outcomes: Outcomes, count: int) -> Response:
    body: dict[str, Any] = {
        "accepted": len(outcomes.accepted),
        "duplicates": len(outcomes.duplicates),
        "stale": outcomes.stale,
        "rejected": [
            {"index": one.index, "id": one.envelope.id, "reason": one.reason} for one in outcomes.rejected
        ],
    }
    status = 422 if count and len(outcomes.rejected) == count else 202
    return Response(orjson.dumps(body), status, media_type="application/json")
