"""The far end: where messages are accepted, and the instant of each.

A mail server that takes everything, in as few instructions as the protocol allows, and the sandbox's
SMS gateway with the delay of a real one. `python -m bench.sinks FILE` is both in a process of their own.
"""

import asyncio
import contextlib
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import orjson
import uvloop

from sandbox.faults import Slow
from sandbox.smsaero import SmsAero
from shared.serve import until_told_to_stop

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


@dataclass(frozen=True, slots=True)
class Far:
    """The process of the sinks, its addresses, and, once it was left, what it accepted when."""

    pid: int
    settings: dict[str, str]
    accepted: dict[str, float] = field(default_factory=dict)


@contextlib.asynccontextmanager
async def far_end(folder: Path) -> AsyncIterator[Far]:
    report = folder / "accepted.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.sinks", str(report)),
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    made = Far(process.pid, orjson.loads(await process.stdout.readline()))
    try:
        yield made
    finally:
        process.send_signal(signal.SIGTERM)
        await process.communicate()
        made.accepted.update(orjson.loads(report.read_bytes()))


async def _serve(report: Path) -> None:
    async with sinks() as ends:
        settings = {
            "VESTNIK_SMTP_URL": f"smtp://127.0.0.1:{ends.smtp_port}",
            "VESTNIK_SMSAERO_EMAIL": ends.sms.email,
            "VESTNIK_SMSAERO_API_KEY": ends.sms.api_key,
            "VESTNIK_SMSAERO_SIGN": "Vestnik",
            "VESTNIK_SMSAERO_URL": ends.sms.url,
        }
        sys.stdout.write(orjson.dumps(settings).decode() + "\n")
        sys.stdout.flush()
        await until_told_to_stop()
        report.write_bytes(orjson.dumps(ends.accepted()))


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
        replies = b""
        while True:
            end = b"\r\n.\r\n" if self._in_letter else b"\r\n"
            place = self._unread.find(end)
            if place < 0:
                break
            taken = bytes(self._unread[: place + 2])
            del self._unread[: place + len(end)]
            replies += self._letter(taken) if self._in_letter else self._command(taken)
        if replies:
            self._transport.write(replies)

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
        if verb == b"EHLO":
            return b"250-sink\r\n250 PIPELINING\r\n"
        return b"221 Bye\r\n" if verb == b"QUIT" else b"250 Ok\r\n"


if __name__ == "__main__":
    uvloop.run(_serve(Path(sys.argv[1])))
