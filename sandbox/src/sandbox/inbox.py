"""An SMTP server that accepts any letter and keeps it, or fails the way it was told to.

What goes over the wire, and where faults strike, is in `sandbox.smtp`.
"""

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as email_policy
from pathlib import Path
from typing import Self, cast
from urllib.parse import quote

from aiosmtpd.smtp import SMTP, Envelope
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.faults import Faults
from sandbox.smtp import SmtpSession
from sandbox.web import WebServer, answer, fault_routes


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as it came. `received_at` is real time, UTC; `number` counts from 1 in order of arrival."""

    number: int
    mail_from: str
    rcpt_to: tuple[str, ...]
    content: bytes
    received_at: datetime

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=email_policy)

    @property
    def text(self) -> str:
        """The plain part, empty if there is none."""
        body = self.message.get_body(("plain",))
        return str(body.get_content()) if body else ""

    @property
    def file_name(self) -> str:
        address = re.sub(r"[^\w@.+-]", "_", self.rcpt_to[0] if self.rcpt_to else "nobody")
        return f"{self.number:05d}-{address}.eml"


class Inbox:
    """The server. `async with Inbox() as inbox` listens on a free loopback port; `letters` are in order."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        folder: Path | None = None,
        login: tuple[str, str] | None = None,
        pipelining: bool = True,
        eightbitmime: bool = True,
        smtputf8: bool = True,
        control_port: int = 0,
    ) -> None:
        self.host, self.port, self.folder, self.login = host, port, folder, login
        self.pipelining, self.eightbitmime, self.smtputf8 = pipelining, eightbitmime, smtputf8
        self.faults = Faults()
        self.letters: list[Letter] = []
        self._arrived = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._connections: set[SMTP] = set()
        routes = [*fault_routes(self.faults), Route("/control/letters", self._list_letters)]
        self._control = WebServer(routes, host=host, port=control_port)

    @property
    def url(self) -> str:
        """As VESTNIK_SMTP_URL wants it."""
        who = f"{quote(self.login[0], safe='')}:{quote(self.login[1], safe='')}@" if self.login else ""
        return f"smtp://{who}{self.host}:{self.port}"

    @property
    def control_url(self) -> str:
        """`/control/faults` and `/control/letters` live here, for servers in another process."""
        return self._control.url

    async def start(self) -> Self:
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, self.host, self.port, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]
        await self._control.start()
        return self

    async def stop(self) -> None:
        if self._server:
            self._server.close()
            for connection in list(self._connections):
                if connection.transport:
                    cast("asyncio.Transport", connection.transport).abort()
            await self._server.wait_closed()
            await asyncio.sleep(0)  # lets the cancelled sessions end inside this loop
            self._server = None
        await self._control.stop()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def to(self, address: str) -> list[Letter]:
        return [letter for letter in self.letters if address in letter.rcpt_to]

    async def wait_for(self, count: int, *, timeout: float = 10.0) -> list[Letter]:  # noqa: ASYNC109 - a test says it
        """All letters once there are `count`; TimeoutError otherwise."""
        async with asyncio.timeout(timeout):
            while len(self.letters) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return list(self.letters)

    def _protocol(self) -> SMTP:
        return SmtpSession(self, self._connections)

    def accept(self, envelope: Envelope) -> int:
        content = envelope.original_content or b""
        letter = Letter(
            len(self.letters) + 1,
            envelope.mail_from or "",
            tuple(envelope.rcpt_tos),
            content,
            datetime.now(UTC),
        )
        self.letters.append(letter)
        if self.folder:
            (self.folder / letter.file_name).write_bytes(content)
        self._arrived.set()
        return letter.number

    async def _list_letters(self, request: Request) -> Response:
        """Letters after number `?after=`: envelope, Message-ID and subject."""
        after = int(request.query_params.get("after", "0"))
        return answer(
            [
                {
                    "number": letter.number,
                    "mail_from": letter.mail_from,
                    "rcpt_to": letter.rcpt_to,
                    "received_at": letter.received_at,
                    "message_id": str(letter.message["Message-ID"] or ""),
                    "subject": str(letter.message["Subject"] or ""),
                }
                for letter in self.letters[after:]
            ]
        )
