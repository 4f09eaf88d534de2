"""Connections to PostgreSQL, each acting as one service's role.

A service connects with the installation's login and becomes `vestnik_<service>`, whose
grants say which schemas it writes (DESIGN §1).
"""

import contextlib
from collections.abc import Iterator

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from shared.errors import ForPeople
from shared.topics import Service

AnyConnection = asyncpg.Connection | PoolConnectionProxy
"""A connection, or one lent by a pool."""

DATABASE_AWAY = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what the driver says when the server dies in the middle of an answer
    OSError,
    TimeoutError,
)
"""What a statement raises when the database cannot do it now; whether it was done is not known."""

_CODECS = ("json", "jsonb")
_FOUND_DEAD = {"tcp_keepalives_idle": "20", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
"""Without these a session whose machine vanished would keep its locks for hours."""


class RoleMissing(ForPeople):
    """The login cannot act as a service: nobody migrated, or somebody else did."""


@contextlib.contextmanager
def _acting_as(service: Service | None) -> Iterator[None]:
    try:
        yield
    except (asyncpg.InvalidParameterValueError, asyncpg.InsufficientPrivilegeError) as wrong:
        if service is None:
            raise
        raise RoleMissing(
            f"В базе данных нет роли {service.role}, или вход из VESTNIK_DATABASE_URL не может ею стать. "
            "Ничего не тронуто. Выполните vestnik migrate от имени владельца базы."
        ) from wrong


async def _prepare(connection: asyncpg.Connection) -> None:
    for name in _CODECS:
        await connection.set_type_codec(
            name,
            schema="pg_catalog",
            encoder=lambda value: orjson.dumps(value).decode(),
            decoder=orjson.loads,
        )


class _Pooled(asyncpg.Connection):
    """Goes back to its pool without the driver's four statements of cleaning up after strangers, which cost
    more than most of ours: what outlives a statement (locks, LISTEN) has a `connect` of its own. An open
    transaction is rolled back all the same."""

    def get_reset_query(self) -> str:
        return ""


_MOST_QUERIES = 1_000_000
"""Then a pooled connection is made anew, with all it has learned of types and plans."""


async def open_pool(
    url: str, service: Service | None = None, *, smallest: int = 1, largest: int = 10
) -> asyncpg.Pool:
    """A pool whose every connection acts as `service` (None: as the login itself, for migrations)."""
    settings = {"application_name": f"vestnik {service.value if service else 'admin'}", "jit": "off"}
    if service is not None:
        settings["role"] = service.role
    with _acting_as(service):
        return await asyncpg.create_pool(
            url,
            min_size=smallest,
            max_size=largest,
            max_queries=_MOST_QUERIES,
            connection_class=_Pooled,
            init=_prepare,
            server_settings=settings,
            command_timeout=60,
        )


async def connect(url: str, service: Service | None = None) -> asyncpg.Connection:
    """One connection acting as `service`, for locks and LISTEN that outlive a statement."""
    name = f"vestnik {service.value if service else 'admin'} session"
    settings = {"application_name": name, "jit": "off", **_FOUND_DEAD}
    if service is not None:
        settings["role"] = service.role
    with _acting_as(service):
        connection = await asyncpg.connect(url, server_settings=settings, command_timeout=60)
    await _prepare(connection)
    return connection


async def hang_up(connection: asyncpg.Connection) -> None:
    """Closed, in order if the server still answers."""
    try:
        await connection.close(timeout=5)
    except DATABASE_AWAY:
        connection.terminate()
