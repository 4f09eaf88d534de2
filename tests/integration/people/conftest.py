"""`house`: every service in one process on a real database; `somebody()`: another person before a browser."""

from collections.abc import AsyncIterator, Callable

import asyncpg
import httpx
import pytest
from integration.guards.conftest import House, house
from support.people import Person, add_account

from shared.db import connect
from shared.staff import Role

__all__ = ["house"]


@pytest.fixture
async def admin(database: str) -> AsyncIterator[asyncpg.Connection]:
    """Two schools with staff, as the owner of the database."""
    connection = await connect(database)
    await connection.execute(
        "INSERT INTO roster.school VALUES ('a', 'Школа А', 'Europe/Moscow'), ('b', 'Школа Б', 'Asia/Omsk')"
    )
    await add_account(connection, "a", "boss", Role.ADMIN, "Анна Админова")
    await add_account(connection, "b", "boss", Role.ADMIN, "Борис Боссов")
    await add_account(connection, "a", "desk", Role.SECRETARY, "Света Секретарева")
    yield connection
    await connection.close()


@pytest.fixture
async def somebody(house: House) -> AsyncIterator[Callable[[], Person]]:
    made: list[httpx.AsyncClient] = []

    def new() -> Person:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app=house.app), base_url="http://house")
        made.append(client)
        return Person(client)

    yield new
    for client in made:
        await client.aclose()
