"""Where the installation's database is: the one of the settings, else the embedded one."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from onebox.postgres import EmbeddedPostgres
from shared.settings import Settings


@contextlib.asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[str]:
    """The URL of a running database of this installation."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    async with embedded(settings.data) as url:
        yield url


@contextlib.asynccontextmanager
async def embedded(data: Path) -> AsyncIterator[str]:
    """The embedded server of a data folder: started, or attached to beside a running `vestnik up`,
    and left running for whoever else uses it."""
    server = EmbeddedPostgres(data / "postgres")
    url = await server.start()
    try:
        yield url
    finally:
        await server.stop()
