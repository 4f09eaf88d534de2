"""Members of staff for tests: accounts with passwords, and a browser's manners without a browser."""

import re
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
from argon2 import PasswordHasher

from shared.staff import Role
from shared.web.sessions import Cookies, digest, new_token

PASSWORD = "верный пароль тестов"
_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
_HASH = _CHEAP.hash(PASSWORD)

HTML = {"Accept": "text/html"}


async def add_account(
    connection: asyncpg.Connection, school: str, login: str, role: Role | str, name: str = "Сотрудник"
) -> None:
    """An account that logs in with PASSWORD."""
    await connection.execute(
        "INSERT INTO people.account (school, login, role, name) VALUES ($1, $2, $3, $4)",
        school,
        login,
        str(role),
        name,
    )
    await connection.execute(
        "INSERT INTO people.password (school, login, hash) VALUES ($1, $2, $3)", school, login, _HASH
    )


async def session(
    connection: asyncpg.Connection, cookies: Cookies, school: str, login: str
) -> dict[str, str]:
    """Headers of somebody logged in just now, without the work of a password: cookie and CSRF token."""
    token = new_token()
    await connection.execute(
        """INSERT INTO people.session (hash, school, login, expires_at)
           VALUES ($1, $2, $3, now() + interval '1 hour')""",
        digest(token),
        school,
        login,
    )
    return {"Cookie": f"{cookies.session}={cookies.seal(token)}", "X-CSRF-Token": cookies.csrf(token)}


@dataclass
class Person:
    """Somebody before a browser: keeps cookies, sends forms with their token, is not redirected by itself."""

    http: httpx.AsyncClient

    async def open(self, path: str) -> httpx.Response:
        return await self.http.get(path, headers=HTML)

    async def send(
        self, page: str, data: dict[str, Any] | None = None, to: str | None = None
    ) -> httpx.Response:
        """Opens `page`, and sends a form of it to `to`, or to the page itself."""
        token = token_in((await self.open(page)).text)
        return await self.http.post(to or page, data={"_csrf": token, **(data or {})}, headers=HTML)

    async def log_in(self, login: str, password: str = PASSWORD) -> httpx.Response:
        return await self.send("/dispatcher/login", {"login": login, "password": password})


def token_in(html: str) -> str:
    """The CSRF token of the page's forms."""
    found = re.search(r'name="_csrf" value="([\w-]+)"', html)
    assert found, "a page without a form"
    return found.group(1)
