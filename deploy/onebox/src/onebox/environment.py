"""Where the installation's database is: the one of the settings, else the embedded one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import structlog

from onebox.account import EmbeddedPostgresError
from onebox.postgres import EmbeddedPostgres
from shared.db import DATABASE_AWAY
from shared.errors import ForPeople
from shared.settings import Settings

log = structlog.get_logger()

_LOOK_SECONDS = 2.0


class DatabaseAway(ForPeople):
    """The database of VESTNIK_DATABASE_URL does not let us in."""


@contextlib.asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[str]:
    """The URL of a running database of this installation. Raises DatabaseAway or EmbeddedPostgresError."""
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
        await _answers(url)
        yield url
        return
    async with embedded(settings.data) as url:
        yield url


@contextlib.asynccontextmanager
async def embedded(data: Path) -> AsyncIterator[str]:
    """The embedded server of a data folder: started, or attached to beside a running `vestnik up`,
    and left running for whoever else uses it."""
    server = EmbeddedPostgres(data / "postgres")
    url = await server.start()
    watch = asyncio.create_task(_keep_running(server))
    try:
        yield url
    finally:
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
        await server.stop()


async def _keep_running(server: EmbeddedPostgres) -> None:
    """A server that was killed comes back without a human; the services wait for it meanwhile."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        if not server.running():
            log.error("postgres.gone")
            try:
                await server.start()
            except EmbeddedPostgresError as why:
                log.error("postgres.not_back", reason=str(why))  # noqa: TRY400 - the reason is the whole story
            except DATABASE_AWAY as why:  # a disk that is full refuses our own files, and statements too
                log.error("postgres.not_back", reason=type(why).__name__)  # noqa: TRY400 - as above


async def _answers(url: str) -> None:
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError, TimeoutError) as reason:
        # The class and the server's code alone: a driver's words may hold the address with its password.
        code = getattr(reason, "sqlstate", None)
        raise DatabaseAway(
            f"База данных не отвечает ({type(reason).__name__}{f', {code}' if code else ''}). Проверьте, что "
            "PostgreSQL работает и что VESTNIK_DATABASE_URL указывает на него: адрес, базу, имя и пароль."
        ) from reason
    await connection.close()
