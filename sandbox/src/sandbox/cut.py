"""A wire that breaks at the worst moment: between a letter's final dot and the server's answer."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

_DOT = b"\r\n.\r\n"


class CutAfterDot:
    """Carries SMTP to `target` (a port of this machine) and hangs up after the dot. With `delivers` the
    server has the letter and its answer is lost; without, the letter is lost too. `times`: how many."""

    def __init__(self, target: int, *, delivers: bool, times: int = 1) -> None:
        self._target = target
        self._delivers = delivers
        self.times = times
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, far_writer}
        back = asyncio.create_task(_copy(far_reader, writer))
        try:
            with contextlib.suppress(ConnectionError):
                await self._there(reader, far_writer, back)
        finally:
            back.cancel()
            for one in (writer, far_writer):
                one.close()
                self._writers.discard(one)

    async def _there(
        self, reader: asyncio.StreamReader, far: asyncio.StreamWriter, back: "asyncio.Task[None]"
    ) -> None:
        tail = b""
        while data := await reader.read(65_536):
            tail = (tail + data)[-len(_DOT) :]
            if tail != _DOT or self.times == 0:
                far.write(data)
                await far.drain()
                continue
            self.times -= 1
            back.cancel()  # whatever the server says now is lost
            if self._delivers:
                far.write(data + b"QUIT\r\n")
                await far.drain()
                await asyncio.sleep(0)
            return


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
