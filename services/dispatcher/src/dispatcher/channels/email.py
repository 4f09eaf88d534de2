"""E-mail over SMTP (DESIGN §7).

Before the final dot nothing was handed over: *retry*. After it only the server's answer tells;
without one the outcome is *unknown*, and sending again keeps the Message-ID.
"""

import asyncio
import ssl

import aiosmtplib
import idna

from dispatcher.channels.base import (
    Accepted,
    AddressFailed,
    Blame,
    Misconfigured,
    Outcome,
    Parcel,
    Retry,
    Unknown,
)
from dispatcher.channels.smtp_dialogue import Dialogue
from dispatcher.channels.smtp_pool import Connection, Pool, Server
from dispatcher.channels.smtp_replies import Stage, judge
from dispatcher.channels.verp import Verp
from shared.categories import Channel


class EmailChannel:
    """The port over a pool of connections. `mail_from` may be an address or `Name <address>`. With `verp`
    each letter has an envelope sender of its own, whose token is the accepted letter's provider id."""

    channel = Channel.EMAIL

    def __init__(
        self,
        url: str,
        *,
        mail_from: str,
        verp: Verp | None = None,
        connections: int = 6,
        timeout: float = 20.0,
    ) -> None:
        self._pool = Pool(Server.parse(url), size=connections, timeout=timeout)
        self._sender = envelope_address(mail_from.rpartition("<")[2].rstrip("> "))
        self._verp = verp

    async def start(self) -> None:
        """Connections open with the first message."""

    async def close(self) -> None:
        await self._pool.close()

    async def send(self, parcel: Parcel) -> Outcome:
        try:
            recipient = envelope_address(parcel.addresses[0])
        except ValueError:
            return AddressFailed("smtp: not an address")
        sender, token = self._sender, None
        if self._verp is not None:
            sender = self._verp.sender(parcel.message, parcel.addresses[0])
            token = self._verp.token(parcel.message, parcel.addresses[0])
        async with self._pool.lend() as connection:
            attempt = _Attempt(connection, sender, recipient, parcel.content)
            outcome = await attempt.run()
            if attempt.stale:  # the server had closed it while it was idle; a new one decides
                outcome = await _Attempt(connection, sender, recipient, parcel.content).run()
            return Accepted(provider_id=token) if isinstance(outcome, Accepted) else outcome


class _Attempt:
    """One transaction on one connection; knows how far it came."""

    def __init__(self, connection: Connection, sender: str, recipient: str, content: bytes) -> None:
        self._connection = connection
        self._sender, self._recipient, self._content = sender, recipient, content
        self._stage = Stage.CONNECT
        self.stale = False

    async def run(self) -> Outcome:
        used = self._connection.used
        try:
            return await self._transact()
        except aiosmtplib.SMTPResponseException as refused:
            outcome = judge(refused.code, refused.message, self._stage)
            await self._tidy(answered=400 <= refused.code <= 599)
            return outcome
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
            self._connection.drop()
            self.stale = used and self._stage not in {Stage.DATA, Stage.DOT} and _cut(error)
            return self._broken(error)
        except asyncio.CancelledError:
            self._connection.drop()
            raise

    async def _transact(self) -> Outcome:
        connection = self._connection
        await connection.open()
        self._stage = Stage.LOGIN
        await connection.login()
        client = connection.client
        self._stage = Stage.MAIL
        utf8 = not self._recipient.isascii()
        if utf8 and not client.supports_extension("smtputf8"):
            return AddressFailed("smtp: the server takes no letters beyond Latin in an address")
        options = self._options(client, utf8=utf8)
        encoding = "utf-8" if utf8 else "ascii"
        if client.supports_extension("pipelining"):
            return await self._at_once(client, options, encoding)
        await client.mail(self._sender, options=options, encoding=encoding)
        connection.carried()
        self._stage = Stage.RCPT
        await client.rcpt(self._recipient, encoding=encoding)
        self._stage = Stage.DATA
        reply = await client.execute_command(b"DATA")
        if reply.code != 354:
            raise aiosmtplib.SMTPDataError(reply.code, reply.message)
        return await self._content_and_dot(client)

    async def _at_once(self, client: aiosmtplib.SMTP, options: list[str], encoding: str) -> Outcome:
        """The whole envelope in one go, then the letter."""
        mail = " ".join((f"MAIL FROM:<{self._sender}>", *options))
        commands = [mail.encode(encoding), f"RCPT TO:<{self._recipient}>".encode(encoding), b"DATA"]
        if any(byte < 0x20 or byte == 0x7F for command in commands for byte in command):
            raise ValueError("a control character in an address")
        with Dialogue(client) as dialogue:
            dialogue.write(b"".join(command + b"\r\n" for command in commands))
            self._connection.carried()
            for self._stage, hoped in ((Stage.MAIL, {250}), (Stage.RCPT, {250, 251}), (Stage.DATA, {354})):
                reply = await dialogue.reply()
                if reply.code not in hoped:
                    await self._skip_the_rest(dialogue)
                    raise aiosmtplib.SMTPResponseException(reply.code, reply.message)
            dialogue.write(_stuffed(self._content))
            self._stage = Stage.DOT
            reply = await dialogue.reply()
            if reply.code != 250:
                raise aiosmtplib.SMTPDataError(reply.code, reply.message)
            return Accepted()

    async def _skip_the_rest(self, dialogue: Dialogue) -> None:
        """The replies to what was sent after a command that was refused. A server that wants the letter all
        the same gets none: the connection goes, and with it the transaction."""
        try:
            for _ in range({Stage.MAIL: 2, Stage.RCPT: 1}.get(self._stage, 0)):
                last = await dialogue.reply()
                if last.code == 354:
                    self._connection.drop()
        except (aiosmtplib.SMTPException, OSError):
            self._connection.drop()

    async def _content_and_dot(self, client: aiosmtplib.SMTP) -> Outcome:
        # The library's own DATA cannot tell a failure before the dot from one after it.
        protocol = client.protocol
        if protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        protocol.write(_stuffed(self._content))
        self._stage = Stage.DOT
        reply = await protocol.read_response(timeout=client.timeout)
        if reply.code != 250:
            raise aiosmtplib.SMTPDataError(reply.code, reply.message)
        return Accepted()

    def _options(self, client: aiosmtplib.SMTP, *, utf8: bool) -> list[str]:
        options = [f"size={len(self._content)}"] if client.supports_extension("size") else []
        if utf8:
            options.append("smtputf8")
        if not self._content.isascii() and client.supports_extension("8bitmime"):
            options.append("body=8bitmime")
        return options

    async def _tidy(self, *, answered: bool) -> None:
        """After a refusal the envelope is reset; where that fails too, the connection goes."""
        if not answered or self._stage in {Stage.CONNECT, Stage.LOGIN}:
            self._connection.drop()
            return
        try:
            await self._connection.client.rset()
        except (aiosmtplib.SMTPException, OSError, TimeoutError):
            self._connection.drop()

    def _broken(self, error: Exception) -> Outcome:
        reason = f"smtp: {type(error).__name__} at {self._stage}"
        if self._stage is Stage.DOT:
            return Unknown(reason)
        if isinstance(error, aiosmtplib.SMTPNotSupported) or _certificate(error) or _unfit(error):
            return Misconfigured(reason)
        return Retry(reason, blame=Blame.PROVIDER)


def envelope_address(address: str) -> str:
    """The address as the envelope wants it: domain in A-labels (IDNA 2008). Raises ValueError."""
    local, at, domain = address.strip().rpartition("@")
    if not (local and at and domain) or any(char.isspace() or not char.isprintable() for char in address):
        raise ValueError("not an address")
    if domain.isascii():
        return f"{local}@{domain}"
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError as wrong:
        raise ValueError("not a domain") from wrong


def _stuffed(content: bytes) -> bytes:
    """The content as DATA carries it: dots doubled at line starts, the final dot (RFC 5321 §4.5.2)."""
    if content.startswith(b"."):
        content = b"." + content
    end = b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n"
    return content.replace(b"\r\n.", b"\r\n..") + end


def _cut(error: Exception) -> bool:
    return isinstance(error, aiosmtplib.SMTPServerDisconnected)


def _certificate(error: BaseException | None) -> bool:
    """Whether a certificate that cannot be trusted is behind it."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _unfit(error: Exception) -> bool:
    """No STARTTLS or no login where we need one: the library says it with its bare base class."""
    return type(error) is aiosmtplib.SMTPException
