"""The sandbox's side of an SMTP conversation, with the faults in force.

Steps for faults: `ehlo`, `auth`, `mail`, `rcpt`, `data`. A refusal without a step happens at `rcpt`, where
mail servers refuse mailboxes; everything else at `data`, after the final dot.
"""

import asyncio
from typing import Protocol, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sandbox.faults import (
    ANY_KIND,
    BreakAfterAccepting,
    BreakBeforeAccepting,
    Faults,
    Garbage,
    HangAfterAccepting,
    Misbehaviour,
    Refuse,
    Slow,
)

GARBAGE = "<html>not SMTP</html>"
USUAL: dict[str, tuple[type[Misbehaviour], ...]] = {
    "rcpt": (Refuse,),
    "data": tuple(kind for kind in ANY_KIND if kind is not Refuse),
}


class Mailroom(Protocol):
    """What a session needs of the inbox."""

    faults: Faults
    login: tuple[str, str] | None
    pipelining: bool
    eightbitmime: bool
    smtputf8: bool

    def accept(self, envelope: Envelope) -> int:
        """Records the letter; its number."""
        ...


class SmtpSession(SMTP):
    """One connection; registers itself so that the inbox can cut it when it stops."""

    def __init__(self, inbox: Mailroom, connections: set[SMTP]) -> None:
        self._connections = connections
        super().__init__(
            _Handler(inbox),
            enable_SMTPUTF8=inbox.smtputf8,
            hostname="sandbox.invalid",
            ident="Sandbox",
            auth_require_tls=False,  # loopback only
            authenticator=_Authenticator(inbox),
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        super().connection_lost(error)


class _Authenticator:
    def __init__(self, inbox: Mailroom) -> None:
        self._inbox = inbox

    def __call__(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object
    ) -> AuthResult:
        refused = self._inbox.faults.pick("auth", ())
        good = False
        if self._inbox.login and isinstance(data, LoginPassword) and not refused:
            user, password = self._inbox.login
            good = (data.login, data.password) == (user.encode(), password.encode())
        return AuthResult(success=good, handled=False)


class _Handler:
    """What aiosmtpd calls at each command."""

    def __init__(self, inbox: Mailroom) -> None:
        self._inbox = inbox

    async def handle_EHLO(  # noqa: N802 - the names aiosmtpd calls
        self, server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        trouble = await self._trouble(server, "ehlo", ())
        if trouble:
            return [trouble]
        hidden = ("250-8BITMIME",) if not self._inbox.eightbitmime else ()
        kept = [line for line in responses if line not in hidden]
        if not self._inbox.login:
            kept = [line for line in kept if not line.startswith("250-AUTH")]
        if self._inbox.pipelining:
            kept.insert(1, "250-PIPELINING")
        return kept

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._inbox.login and not session.authenticated:
            return "530 5.7.0 Authentication required"
        trouble = await self._trouble(server, "mail", (address,))
        if trouble:
            return trouble
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        trouble = await self._trouble(server, "rcpt", (address,))
        if trouble:
            return trouble
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        trouble = await self._trouble(server, "data", tuple(envelope.rcpt_tos), envelope)
        if trouble:
            return trouble
        return f"250 2.0.0 Accepted {self._inbox.accept(envelope)}"

    async def _trouble(
        self, server: SMTP, step: str, addresses: tuple[str, ...], envelope: Envelope | None = None
    ) -> str | None:
        """The reply of a fault in force, or None to go on. A cut connection never returns."""
        match self._inbox.faults.pick(step, addresses, USUAL.get(step, ())):
            case Slow(seconds):
                await asyncio.sleep(seconds)
            case Refuse(code, text):
                return f"{code} {text or '5.0.0 Refused'}"
            case Garbage():
                return GARBAGE
            case BreakBeforeAccepting():
                await _cut(server)
            case BreakAfterAccepting():
                if envelope:
                    self._inbox.accept(envelope)
                await _cut(server)
            case HangAfterAccepting():
                if envelope:
                    self._inbox.accept(envelope)
                await asyncio.Event().wait()  # until the connection goes, which cancels this
        return None


async def _cut(server: SMTP) -> None:
    """Closes without a reply and waits for the end of the session, which cancels this."""
    cast("asyncio.Transport", server.transport).close()
    await asyncio.Event().wait()
