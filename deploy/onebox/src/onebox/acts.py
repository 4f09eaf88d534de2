"""What the small commands do: each opens one service's pool, asks that service, closes it."""

import contextlib
from collections.abc import AsyncIterator

import asyncpg

import ingest.tokens
from dispatcher.people.first import first_access, nobody_can_come_in
from dispatcher.sending import pauses
from ingest.replay import Replayed, replay_refused
from shared.categories import Channel
from shared.db import AnyConnection, open_pool
from shared.errors import ForPeople
from shared.schema import require_current
from shared.service import Context
from shared.staff import WHOLE_INSTALLATION, Role
from shared.topics import Service


class UnknownSchool(ForPeople):
    """A school that is not in the lists."""


@contextlib.asynccontextmanager
async def acting(context: Context, service: Service) -> AsyncIterator[asyncpg.Pool]:
    """A pool that acts as `service`. Raises SchemaOutdated before anything is touched."""
    pool = await open_pool(context.database_url, service, largest=2)
    try:
        async with pool.acquire() as connection:
            await require_current(connection)
        yield pool
    finally:
        await pool.close()


async def create_token(context: Context, school: str, journal: str) -> str:
    """A journal's token, to be shown once. Raises UnknownSchool, or UnfitName of ingest."""
    async with acting(context, Service.INGEST) as pool:
        if not await pool.fetchval("SELECT true FROM roster.school WHERE school = $1", school):
            raise UnknownSchool(f"Школы «{school}» нет в списках: сначала vestnik registry import.")
        return await ingest.tokens.create(pool, school, journal)


async def create_account(context: Context, school: str, login: str, role: str, name: str | None) -> str:
    """The one-time address by which a member of staff sets a password; makes the account if there is none.

    Raises UnfitAccount.
    """
    async with acting(context, Service.DISPATCHER) as pool:
        return await first_access(pool, context.settings.public_url, school, login, role, name or login)


async def first_administrator(context: Context) -> str | None:
    """At the first start, a one-time address for whoever installs; None once anybody has a password."""
    async with acting(context, Service.DISPATCHER) as pool:
        if not await nobody_can_come_in(pool):
            return None
        return await first_access(
            pool,
            context.settings.public_url,
            WHOLE_INSTALLATION,
            "admin",
            Role.ADMIN,
            "Администратор Вестника",
        )


async def replay_what_was_refused(context: Context, school: str | None) -> Replayed:
    async with acting(context, Service.INGEST) as pool:
        return await replay_refused(pool, context.clock, school)


async def pause_channel(context: Context, channel: str, reason: str) -> bool:
    """False if it was paused already."""
    async with _transaction(context) as connection:
        return await pauses.pause(connection, Channel(channel), reason, by="vestnik channel pause")


async def resume_channel(context: Context, channel: str, reason: str) -> bool:
    """False if it was not paused."""
    async with _transaction(context) as connection:
        return await pauses.resume(connection, Channel(channel), reason, by="vestnik channel resume")


@contextlib.asynccontextmanager
async def _transaction(context: Context) -> AsyncIterator[AnyConnection]:
    async with (
        acting(context, Service.DISPATCHER) as pool,
        pool.acquire() as connection,
        connection.transaction(),
    ):
        yield connection
