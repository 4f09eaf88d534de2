"""Running services: one in a process of its own, or all of them in one (DESIGN §5).

The process listens at once and tells through `/readyz` what it still lacks; a service that
cannot start yet (no database, an old schema) is tried again, and its pages answer 503 meanwhile.
"""

import argparse
import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
import uvicorn
import uvloop
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared import logging
from shared.access import Access, access
from shared.bus.faults import describe
from shared.clock import make_clock
from shared.errors import ForPeople
from shared.service import Build, Context, Part
from shared.settings import Settings, SettingsError, load
from shared.web.pages import Pages
from shared.web.site import Site
from shared.web.visit import visit_of

log = structlog.get_logger()

PORTS = {"ingest": 8101, "dispatcher": 8102, "print_queue": 8103}
_RARELY = (20_000, 20, 50)  # when circles of objects are looked for: new ones, and rounds of young, of old
_LARGEST_HEAD = 64 * 1024  # bytes of a request before its body
_RETRY_START = 2.0  # seconds between attempts to start a service


@dataclass(slots=True)
class Hosted:
    """A part and whether it runs; stands before its app and answers 503 until it does."""

    part: Part
    started: bool = False
    lacks: str = "запускается"
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app: ASGIApp = self.part.app
        if not self.started and scope["type"] == "http" and not self._needs_nothing(scope):
            app = self._not_ready(Request(scope))
        await app(scope, receive, send)

    def _needs_nothing(self, scope: Scope) -> bool:
        """The page that says it is not ready is to look as the others do."""
        return bool(scope["path"].startswith(f"{self.part.path}/static/"))

    def _not_ready(self, request: Request) -> Response:
        """For people without the reason: it is for the operator, who has `/readyz`."""
        headers = {"Retry-After": "2"}
        if visit_of(request).wants_html:
            return Pages("shared.web", self.part.path).error(request, 503, headers=headers)
        return JSONResponse(
            {"title": "Служба ещё не готова", "status": 503, "detail": self.lacks},
            503,
            headers,
            media_type="application/problem+json",
        )

    async def run(self) -> None:
        while not self.started:
            try:
                await self.part.start()
            except Exception as reason:  # noqa: BLE001 - whatever it lacks, it is tried again and said
                self.lacks = str(reason) if isinstance(reason, ForPeople) else describe(reason)
                log.warning("service.not_started", path=self.part.path, error=type(reason).__name__)
                await asyncio.sleep(_RETRY_START)
            else:
                self.started = True
                log.info("service.started", path=self.part.path)

    async def stop(self) -> None:
        if self.task is not None and not self.task.done():
            self.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.task
        if self.started:
            await self.part.stop()
            log.info("service.stopped", path=self.part.path)

    async def problems(self) -> list[str]:
        return await self.part.problems() if self.started else [self.lacks]


class _Http(HttpToolsProtocol):
    """Parses in C, a third of the CPU of the parser in Python; that one's bound on a head is added here."""

    _head = 0
    _in_body = False

    def data_received(self, data: bytes) -> None:
        self._head += len(data)
        super().data_received(data)
        if not self._in_body and self._head > _LARGEST_HEAD and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def on_headers_complete(self) -> None:
        self._in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._head, self._in_body = 0, False
        super().on_message_complete()


class _Server(uvicorn.Server):
    """Leaves signals to us: the services stop after the last request, before the process ends."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def root_app(hosted: Sequence[Hosted], site: Site) -> FastAPI:
    """All services' pages below their paths, and what watchers ask of every process. `site` is the root's."""
    app = site.app

    @app.get("/healthz")
    @access(Access.PUBLIC, "says only that the process answers")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz")
    @access(Access.PUBLIC, "says only what the process lacks")
    async def readyz() -> JSONResponse:
        problems = {one.part.path: found for one in hosted if (found := await one.problems())}
        return JSONResponse({"ready": not problems, "problems": problems}, 503 if problems else 200)

    @app.get("/metrics")
    @access(Access.PUBLIC, "numbers without labels of persons; the proxy does not pass it on")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    for one in hosted:
        app.mount(one.part.path, one)
    return app


@contextlib.asynccontextmanager
async def serving(parts: Sequence[Part], site: Site, *, host: str, port: int) -> AsyncIterator[FastAPI]:
    """Services behind one listening socket, stopped in order on leaving."""
    hosted = [Hosted(part) for part in parts]
    app = root_app(hosted, site)
    server = _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=_Http,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=10,
            server_header=False,
        )
    )
    for one in hosted:
        one.task = asyncio.create_task(one.run())
    listening = asyncio.create_task(server.serve())
    try:
        yield app
    finally:
        server.should_exit = True
        await listening
        for one in hosted:
            await one.stop()


async def until_told_to_stop() -> None:
    """Waits for SIGTERM or Ctrl-C."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await stop.wait()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def run_loop(work: Coroutine[Any, Any, None]) -> None:
    """Runs a service's whole life on the faster loop: a third less CPU for each connection's bytes.

    Our values hold no circles, and a registry of thousands of families lives for days: a collector that
    walks it after every 700 new objects takes a tenth of the CPU and finds nothing.
    """
    gc.freeze()
    gc.set_threshold(*_RARELY)
    uvloop.run(work)


def context_of(settings: Settings, database_url: str) -> Context:
    clock = make_clock(settings.clock_start, settings.clock_anchor, settings.clock_rate)
    return Context(settings, database_url, clock)


def run(name: str, build: Build, *, load_settings: Callable[[], Settings] = load) -> None:
    """`python -m <service> [--port N]`: one service of a distributed installation."""
    parser = argparse.ArgumentParser(prog=f"python -m {name}")
    parser.add_argument("--port", type=int, default=PORTS[name])
    port = parser.parse_args().port
    try:
        settings = load_settings()
    except SettingsError as wrong:
        raise SystemExit(f"Настройки: {wrong}") from None
    if settings.database_url is None:
        raise SystemExit("VESTNIK_DATABASE_URL: нужна, когда службы работают отдельно друг от друга")
    logging.configure(settings.log_level)
    context = context_of(settings, settings.database_url.get_secret_value())

    async def main() -> None:
        site = Site("shared.web", "", settings)
        async with serving([build(context)], site, host=settings.host, port=port):
            await until_told_to_stop()

    run_loop(main())
