"""Connections to PostgreSQL, each acting as one service's role.

A service connects with the installation's login and becomes `vestnik_<service>`, whose
grants say which schemas it writes (DESIGN §1).
"""

from urllib.parse import parse_qs, urlsplit

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from shared.topics import Service

AnyConnection = asyncpg.Connection | PoolConnectionProxy
"""A connection, or one lent by a pool."""

_CODECS = ("json", "jsonb")


async def _prepare(connection: asyncpg.Connection) -> None:
    for name in _CODECS:
        await connection.set_type_codec(
            name,
            schema="pg_catalog",
            encoder=lambda value: orjson.dumps(value).decode(),
            decoder=orjson.loads,
        )


async def open_pool(
    url: str, service: Service | None = None, *, smallest: int = 1, largest: int = 10
) -> asyncpg.Pool:
    """A pool whose every connection acts as `service` (None: as the login itself, for migrations)."""
    settings = {"application_name": f"vestnik {service.value if service else 'admin'}", "jit": "off"}
    if service is not None:
        settings["role"] = service.role
    return await asyncpg.create_pool(
        url, min_size=smallest, max_size=largest, init=_prepare, server_settings=settings, command_timeout=60
    )


async def connect(url: str, service: Service | None = None) -> asyncpg.Connection:
    """One connection acting as `service`, for locks and LISTEN that outlive a statement."""
    settings = {"application_name": f"vestnik {service.value if service else 'admin'} session", "jit": "off"}
    if service is not None:
        settings["role"] = service.role
    connection = await asyncpg.connect(url, server_settings=settings, command_timeout=60)
    await _prepare(connection)
    return connection


def sqlalchemy_url(url: str) -> str:
    """The same database for SQLAlchemy (migrations, desk CRUD)."""
    return url.replace("postgresql://", "postgresql+asyncpg://", 1)


def socket_folder(url: str) -> str | None:
    """The unix socket folder in a URL such as postgresql:///db?host=/run/pg, if it has one."""
    host = parse_qs(urlsplit(url).query).get("host", [""])[0]
    return host if host.startswith("/") else None
