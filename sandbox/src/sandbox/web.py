"""HTTP servers inside this process and loop: started, stopped, and able to cut a connection mid-request."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self, cast

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox.faults import (
    BreakAfterAccepting,
    BreakBeforeAccepting,
    Faults,
    Garbage,
    HangAfterAccepting,
    Misbehaviour,
    Refuse,
    Rule,
    Slow,
)

GARBAGE_PAGE = "<html><body><h1>Доступ ограничен</h1></body></html>"


class _Protocol(HttpToolsProtocol):
    """Hands the transport to the application, so that a handler can break the connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self._closing = closing

    async def main_loop(self) -> None:
        """Until told to stop: without the tenth of a second that polling would cost each test."""
        await self._closing.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the process that embeds us."""
        yield


class WebServer:
    """An application on a loopback port; port 0 takes a free one, known after `start`."""

    def __init__(self, routes: list[BaseRoute], *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._app = Starlette(routes=routes)
        self.host, self.port = host, port
        self.closing = asyncio.Event()
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    async def start(self) -> Self:
        self.closing.clear()
        # Named as TCP, so that asyncio turns Nagle's algorithm off; otherwise each answer waits 40 ms.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.host, self.port))
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._app,
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=2,
        )
        self._server = _Server(config, self.closing)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))
        while not self._server.started:
            if self._task.done():
                self._task.result()
            await asyncio.sleep(0.005)
        return self

    async def stop(self) -> None:
        """Stops listening; requests that hang on purpose are cut."""
        if self._server is None or self._task is None:
            return
        self.closing.set()
        await self._task
        self._server = self._task = None

    async def under(
        self,
        fault: Misbehaviour | None,
        request: Request,
        handle: Callable[[], Response],
        *,
        refuse: Callable[[Refuse], Response],
        garbage: Callable[[], Awaitable[Response]],
    ) -> Response:
        """Handles the request the way the fault wants it: before, after, or instead of `handle`."""
        match fault:
            case Slow(seconds):
                await asyncio.sleep(seconds)
            case Refuse():
                return refuse(fault)
            case Garbage():
                return await garbage()
            case BreakBeforeAccepting():
                return await cut(request)
        response = handle()
        match fault:
            case BreakAfterAccepting():
                return await cut(request)
            case HangAfterAccepting():
                return await self._hang(request)
        return response

    async def _hang(self, request: Request) -> Response:
        """Never answers: returns only when the client has gone or the server stops."""
        gone = asyncio.create_task(_until_disconnected(request))
        closing = asyncio.create_task(self.closing.wait())
        try:
            await asyncio.wait({gone, closing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            closing.cancel()
        return await cut(request)


async def _until_disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def cut(request: Request, raw: bytes = b"") -> Response:
    """Breaks the connection under the request, after `raw` bytes if any. The response goes nowhere."""
    transport = cast("asyncio.Transport", request.scope["state"]["transport"])
    if raw:
        transport.write(raw)
        transport.close()
    else:
        transport.abort()
    await _until_disconnected(request)
    return Response()


def answer(data: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(data), status_code=status, media_type="application/json")


async def garbage_page() -> Response:
    """What a filtering proxy answers in place of the API: a page, and a happy status."""
    return HTMLResponse(GARBAGE_PAGE)


def fault_routes(faults: Faults) -> list[BaseRoute]:
    """`/control/faults`: GET lists the rules, POST adds one, PUT replaces all by a list, DELETE clears."""

    async def control(request: Request) -> Response:
        try:
            match request.method:
                case "POST":
                    faults.rules.append(Rule.from_json(orjson.loads(await request.body())))
                case "PUT":
                    faults.rules[:] = [Rule.from_json(one) for one in orjson.loads(await request.body())]
                case "DELETE":
                    faults.clear()
        except ValueError as error:
            return answer({"error": str(error)}, 422)
        return answer([rule.as_json() for rule in faults.rules])

    return [Route("/control/faults", control, methods=["GET", "POST", "PUT", "DELETE"])]
