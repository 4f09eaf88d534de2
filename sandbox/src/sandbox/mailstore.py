"""Where a mail server delivers to in the end: mailboxes behind LMTP, some of which say no after all."""

import asyncio
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as email_policy
from typing import cast

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

ANSWERS = {
    "late-gone@mail.example": "550 5.1.1 No such mailbox",
    "late-full@mail.example": "552 5.2.2 Mailbox is over quota",
    "late-policy@mail.example": "554 5.7.26 Unauthenticated mail is not accepted",
}


@dataclass(frozen=True, slots=True)
class Delivered:
    recipient: str
    content: bytes

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=email_policy)


@dataclass(slots=True)
class Mailstore:
    """`letters` in order of delivery; `answers` by recipient, everything else is taken."""

    answers: dict[str, str] = field(default_factory=lambda: dict(ANSWERS))
    letters: list[Delivered] = field(default_factory=list)
    port: int = 0
    _server: asyncio.Server | None = None
    _sessions: set[LMTP] = field(default_factory=set)

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for session in self._sessions:
            if session.transport:
                cast("asyncio.Transport", session.transport).abort()
        await self._server.wait_closed()

    def _session(self) -> LMTP:
        made = LMTP(self, hostname="store.invalid", loop=asyncio.get_running_loop())
        self._sessions.add(made)
        return made

    async def handle_RCPT(  # noqa: N802 - the names aiosmtpd calls
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.answers.get(address, "250 2.1.5 OK")

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = cast("bytes", envelope.content)
        self.letters += [Delivered(recipient, content) for recipient in envelope.rcpt_tos]
        return "250 2.0.0 Delivered"
