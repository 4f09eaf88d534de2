"""The far end: where messages are accepted, and the instant of each.

A mail server that takes everything, in as few instructions as the protocol allows, and the sandbox's
SMS gateway with the delay of a real one.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import cast

from sandbox.faults import Slow
from sandbox.smsaero import SmsAero

GATEWAY_SECONDS = 0.05
_NAMED = re.compile(rb"^Message-ID: <([0-9a-f-]{36})@", re.MULTILINE)


@dataclass
class Sinks:
    """`letters`: instant of acceptance (seconds since the epoch) by the message's id."""

    sms: SmsAero
    smtp_port: int = 0
    letters: dict[str, float] = field(default_factory=dict)

    def accepted(self) -> dict[str, float]:
        """All instants: of letters by the message's id, of SMS by the gateway's."""
        return self.letters | {str(one.id): one.created_at for one in self.sms.messages}


@contextlib.asynccontextmanager
async def sinks() -> AsyncIterator[Sinks]:
    async with SmsAero(balance=1e9) as sms:
        sms.faults.add(Slow(GATEWAY_SECONDS), on="send")
        made = Sinks(sms)
        server = await asyncio.get_running_loop().create_server(lambda: _Smtp(made.letters), "127.0.0.1", 0)
        made.smtp_port = server.sockets[0].getsockname()[1]
        try:
            yield made
        finally:
            server.close()


class _Smtp(asyncio.Protocol):
    """Says yes to everything; a letter counts from the moment its final dot is read."""

    def __init__(self, letters: dict[str, float]) -> None:
        self._letters = letters
        self._unread = bytearray()
        self._in_letter = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # of either event loop
        self._transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while True:
            end = b"\r\n.\r\n" if self._in_letter else b"\r\n"
            place = self._unread.find(end)
            if place < 0:
                return
            taken = bytes(self._unread[: place + 2])
            del self._unread[: place + len(end)]
            self._transport.write(self._letter(taken) if self._in_letter else self._command(taken))

    def _letter(self, content: bytes) -> bytes:
        self._in_letter = False
        named = _NAMED.search(content)
        if named is not None:
            self._letters.setdefault(named[1].decode(), time.time())
        return b"250 2.0.0 Ok\r\n"

    def _command(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        if verb == b"DATA":
            self._in_letter = True
            return b"354 Go on\r\n"
        return b"221 Bye\r\n" if verb == b"QUIT" else b"250 Ok\r\n"
