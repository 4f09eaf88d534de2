"""A few SMTP connections, each kept for many messages: opening one costs more than a message."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from shared.settings import is_loopback

MESSAGES_PER_CONNECTION = 100


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed over, as VESTNIK_SMTP_URL says. `start_tls` None: if the server offers it."""

    host: str
    port: int | None
    username: str | None
    password: str | None
    use_tls: bool
    start_tls: bool | None

    @classmethod
    def parse(cls, url: str) -> "Server":
        """`smtp://[user:password@]host[:port][?starttls=required|never]` or `smtps://…`.

        A password never travels in the clear except to this machine.
        """
        parts = urlsplit(url)
        wish = parse_qs(parts.query).get("starttls", [""])[0]
        use_tls = parts.scheme == "smtps"
        local = is_loopback(parts.hostname)
        start_tls: bool | None = None
        if use_tls or wish == "never" or (local and wish != "required"):
            start_tls = False
        elif wish == "required" or parts.username:
            start_tls = True
        return cls(
            host=parts.hostname or "localhost",
            port=parts.port,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            use_tls=use_tls,
            start_tls=start_tls,
        )


class Connection:
    """One connection that is opened when needed and renewed after its share of messages."""

    def __init__(self, server: Server, *, timeout: float) -> None:
        self._server = server
        self._timeout = timeout
        self._carried = 0
        self._logged_in = False
        self.client = self._new()

    def _new(self) -> aiosmtplib.SMTP:
        server = self._server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.use_tls,
            start_tls=server.start_tls,
            timeout=self._timeout,
        )

    @property
    def used(self) -> bool:
        """Whether it carried a message before: an idle one may have been closed by the server."""
        return self._carried > 0

    async def open(self) -> None:
        """Connected, greeted and within its share. Raises aiosmtplib's errors."""
        if self.client.is_connected and self._carried < MESSAGES_PER_CONNECTION:
            return
        await self.close()
        await self.client.connect()
        if self.client.is_ehlo_or_helo_needed:  # TLS has greeted already
            try:
                await self.client.ehlo()
            except aiosmtplib.SMTPHeloError:
                await self.client.helo()

    async def login(self) -> None:
        """Logged in, if the server wants it and we have not done it on this connection."""
        if not self._logged_in and self._server.username is not None:
            await self.client.login(self._server.username, self._server.password or "")
        self._logged_in = True

    def carried(self) -> None:
        self._carried += 1

    def drop(self) -> None:
        """Closed without a word: after a conversation that went wrong."""
        self.client.close()
        self.client = self._new()
        self._carried = 0
        self._logged_in = False

    async def close(self) -> None:
        if self.client.is_connected:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await self.client.quit(timeout=2)
        self.drop()


class Pool:
    """`size` connections; the most lately used one is lent first, so that idle ones stay idle."""

    def __init__(self, server: Server, *, size: int, timeout: float) -> None:
        self._free: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
        self._all = [Connection(server, timeout=timeout) for _ in range(size)]
        for connection in self._all:
            self._free.put_nowait(connection)

    @contextlib.asynccontextmanager
    async def lend(self) -> AsyncIterator[Connection]:
        connection = await self._free.get()
        try:
            yield connection
        finally:
            self._free.put_nowait(connection)

    async def close(self) -> None:
        await asyncio.gather(*(connection.close() for connection in self._all))
