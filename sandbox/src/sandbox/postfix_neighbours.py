"""The services a Postfix asks: a policy server (SMTPD_POLICY_README) and a login server (Dovecot's
authentication protocol, version 1.1)."""

import asyncio
import base64
import contextlib
from dataclasses import dataclass, field

PASSWORD = "right"  # noqa: S105 - of a server that exists for one test

POLICY = {
    "full@mail.example": "452 4.2.2 Mailbox full",
    "overfull@mail.example": "552 5.2.2 Mailbox quota exceeded",
}


class _Server:
    """A line protocol on a free port."""

    def __init__(self) -> None:
        self.port = 0
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for writer in list(self._talks):
            writer.transport.abort()
        await self._server.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._talks.add(writer)
        try:
            with contextlib.suppress(ConnectionError):
                await self._converse(reader, writer)
        finally:
            self._talks.discard(writer)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError


@dataclass(eq=False)
class Policy(_Server):
    """Greylists `grey@mail.example` the first time it is asked for it, and says what `POLICY` has."""

    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        facts: dict[str, str] = {}
        while line := (await reader.readline()).decode():
            name, equals, value = line.rstrip("\n").partition("=")
            if equals:
                facts[name] = value
                continue
            writer.write(f"action={self._judge(facts.get('recipient', ''))}\n\n".encode())
            await writer.drain()
            facts = {}

    def _judge(self, recipient: str) -> str:
        first = recipient not in self.asked
        self.asked.append(recipient)
        if recipient == "grey@mail.example" and first:
            return "DEFER_IF_PERMIT 4.7.1 Greylisted, try again"
        return POLICY.get(recipient, "DUNNO")


class Logins(_Server):
    """Lets in whoever knows `PASSWORD`."""

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t0\nDONE\n")
        await writer.drain()
        while line := (await reader.readline()).decode():
            command, *said = line.rstrip("\n").split("\t")
            if command != "AUTH":
                continue
            response = next((one.removeprefix("resp=") for one in said if one.startswith("resp=")), "")
            _, user, password = base64.b64decode(response).decode().split("\0")
            verdict = "OK" if password == PASSWORD else "FAIL"
            writer.write(f"{verdict}\t{said[0]}\tuser={user}\n".encode())
            await writer.drain()
