"""The listener a mail server hands bounces to (RFC 2033): 250 means that the mail is in the database."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from pathlib import Path

import asyncpg
import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from dispatcher.bounces.intake import LARGEST, Intake
from shared.db import DATABASE_AWAY

log = structlog.get_logger()

CONNECTIONS = 50
logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)  # it quotes addresses


class Listener:
    """Listens at `where`: `host:port`, or `unix:/path`. Replicas on one machine share a port."""

    def __init__(
        self, where: str, pool: asyncpg.Pool, intake: Intake, *, arrived: Callable[[], None]
    ) -> None:
        self._where = where
        self._handler = _Handler(pool, intake, arrived)
        self._connections: set[asyncio.Transport] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Where it listens, for `:0`."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Raises OSError where it cannot listen."""
        loop = asyncio.get_running_loop()
        if self._where.startswith("unix:"):
            path = Path(self._where.removeprefix("unix:"))
            with contextlib.suppress(FileNotFoundError):
                if path.is_socket():
                    path.unlink()  # of a process that is gone
            before = os.umask(0o117)  # the mail server's group may write
            try:
                self._server = await loop.create_unix_server(self._session, str(path))
            finally:
                os.umask(before)
        else:
            host, _, port = self._where.rpartition(":")
            self._server = await loop.create_server(self._session, host, int(port), reuse_port=True)
        log.info("bounces.listening")

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for transport in list(self._connections):
            transport.abort()
        await self._server.wait_closed()
        self._server = None

    def _session(self) -> LMTP:
        return _Session(self._handler, self._connections)


class _Session(LMTP):
    """One connection of the mail server."""

    line_length_limit = LARGEST  # a bounce quotes what others wrote, long lines too

    def __init__(self, handler: "_Handler", connections: set[asyncio.Transport]) -> None:
        super().__init__(
            handler,
            data_size_limit=LARGEST,
            hostname="vestnik",
            ident="LMTP",
            timeout=60,
            loop=asyncio.get_running_loop(),
        )
        self._connections = connections
        self._own: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        if len(self._connections) >= CONNECTIONS:
            transport.write(b"421 4.3.2 Too busy\r\n")
            transport.close()
            return
        self._own = transport
        self._connections.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._own is None:
            return
        self._connections.discard(self._own)
        super().connection_lost(error)


class _Handler:
    def __init__(self, pool: asyncpg.Pool, intake: Intake, arrived: Callable[[], None]) -> None:
        self._pool = pool
        self._intake = intake
        self._arrived = arrived

    async def handle_RCPT(  # noqa: N802 - the names aiosmtpd calls
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if envelope.rcpt_tos:
            return "452 4.5.3 One recipient at a time"  # LMTP wants an answer for each after DATA
        if not self._intake.takes(address):
            return "550 5.1.1 Not an address of ours"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        try:
            async with self._pool.acquire() as connection:
                kept = await self._intake.keep(connection, envelope.rcpt_tos[0], content)
        except DATABASE_AWAY as error:
            log.warning("bounces.not_kept", error=type(error).__name__)
            return "451 4.3.0 Cannot keep it now, try again"
        if kept:
            self._arrived()
        return "250 2.0.0 Kept"

    async def handle_exception(self, error: Exception) -> str:
        log.error("bounces.session_broken", error=type(error).__name__)
        return "451 4.3.0 Cannot take it now, try again"
