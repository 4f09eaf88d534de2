"""SQLAlchemy's way to the database: migrations, and reading and writing single rows off the hot path.

Apart from `shared.db`, so that what never needs SQLAlchemy starts without it.
"""

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from shared.topics import Service


def engine(url: str, service: Service | None = None) -> AsyncEngine:
    """An engine acting as `service`.

    The driver reads the URL here too, so that whatever connects a pool (`sslmode=`, `postgres://`, a
    socket) connects this. Keeps no connection: who comes seldom need not hold one.
    """
    settings = {"role": service.role} if service is not None else {}

    async def new() -> asyncpg.Connection:
        return await asyncpg.connect(url, server_settings=settings)

    return create_async_engine("postgresql+asyncpg://", async_creator=new, poolclass=NullPool)
