"""Commands sent without waiting for each reply (PIPELINING, RFC 2920): two round trips a letter, not four.

aiosmtplib waits for every reply, and drops what comes unasked; so for the length of one transaction the
connection is ours.
"""

import asyncio
from typing import Self, cast

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol

_LONGEST_REPLY = 32 * 1024


class Dialogue(asyncio.Protocol):
    """`with Dialogue(client) as dialogue`: the client's own protocol stands back until the end."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        if client.transport is None or client.protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        self._transport = cast(asyncio.Transport, client.transport)
        self._before: SMTPProtocol = client.protocol
        self._timeout = client.timeout
        self._unread = bytearray()
        self._arrived = asyncio.Event()
        self._lost = False

    def __enter__(self) -> Self:
        self._transport.set_protocol(self)
        return self

    def __exit__(self, *_: object) -> None:
        if not self._transport.is_closing():
            self._transport.set_protocol(self._before)

    def write(self, data: bytes) -> None:
        """Raises SMTPServerDisconnected."""
        if self._lost or self._transport.is_closing():
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        self._transport.write(data)

    async def reply(self) -> aiosmtplib.SMTPResponse:
        """The next one. Raises SMTPServerDisconnected, SMTPReadTimeoutError, or SMTPResponseException with a
        code that is none."""
        try:
            async with asyncio.timeout(self._timeout):
                while (found := self._next()) is None:
                    if self._lost:
                        raise aiosmtplib.SMTPServerDisconnected("Connection lost")
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            raise aiosmtplib.SMTPReadTimeoutError("Timed out waiting for server response") from None
        return found

    def _next(self) -> aiosmtplib.SMTPResponse | None:
        """A whole reply out of what has come."""
        if len(self._unread) > _LONGEST_REPLY:
            raise aiosmtplib.SMTPResponseException(-1, "Response too long")
        said, start = [], 0
        while (end := self._unread.find(b"\n", start)) >= 0:
            line, start = bytes(self._unread[start:end]), end + 1
            said.append(line[4:].strip())
            if line[3:4] != b"-":
                del self._unread[:start]
                code = int(line[:3]) if line[:3].isdigit() else -1
                return aiosmtplib.SMTPResponse(code, b"\n".join(said).decode("utf-8", "surrogateescape"))
        return None

    def data_received(self, data: bytes) -> None:
        self._unread += data
        self._arrived.set()

    def eof_received(self) -> bool | None:
        self._lost = True
        self._arrived.set()
        return self._before.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._arrived.set()
        self._before.connection_lost(exc)

    def pause_writing(self) -> None:
        self._before.pause_writing()

    def resume_writing(self) -> None:
        self._before.resume_writing()
