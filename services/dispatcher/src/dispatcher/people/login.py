"""Logging in: the decision and what it leaves behind.

A login is `login`, when one account alone has it, or `school/login` always. Whoever is wrong in any way
gets the same answer after the same work.
"""

from dataclasses import dataclass

import asyncpg
import structlog

from dispatcher.people import sessions, throttle
from dispatcher.people.passwords import Passwords
from dispatcher.people.throttle import Throttle
from shared import audit
from shared.db import AnyConnection
from shared.staff import Role, Staff
from shared.topics import Service

log = structlog.get_logger()

_FIND = """
SELECT a.school, a.login, a.role, a.name, a.disabled_at, p.hash FROM people.account a
LEFT JOIN people.password p USING (school, login)
WHERE a.login = $1 AND ($2::text IS NULL OR a.school = $2) LIMIT 2
"""


@dataclass(frozen=True, slots=True)
class LoggedIn:
    staff: Staff
    token: str


class WrongPassword:
    """Or no such login, or one of several, or a disabled account, or one without a password."""


class TooManyTries:
    """Whatever the password was."""


@dataclass(frozen=True, slots=True)
class Found:
    staff: Staff
    disabled: bool
    hash: str | None


class Logins:
    """`throttle` and `passwords` are the process's."""

    def __init__(self, throttle: Throttle, passwords: Passwords) -> None:
        self._throttle = throttle
        self._passwords = passwords

    async def log_in(
        self, pool: asyncpg.Pool, said: str, password: str, address: str
    ) -> LoggedIn | WrongPassword | TooManyTries:
        """Checks the password of `said` as typed at `address`; no connection is held meanwhile."""
        async with pool.acquire(timeout=5) as connection:
            found = await find(connection, said)
            keys = self._throttle.keys(found.staff.key if found else said, address)
            if not await throttle.may_try(connection, keys):
                await self._note(connection, found, "login.throttled")
                return TooManyTries()
        kept = None if found is None or found.disabled else found.hash
        right = await self._passwords.verify(kept, password)
        anew = (
            await self._passwords.hash(password) if right and self._passwords.outdated(kept or "") else None
        )
        async with pool.acquire(timeout=5) as connection, connection.transaction():
            if not right or found is None or not await _still(connection, found.staff, kept or ""):
                await self._note(connection, found, "login.refused")
                return WrongPassword()
            await throttle.succeeded(connection, keys)
            await throttle.forget_old(connection)
            if anew is not None:
                await connection.execute(
                    "UPDATE people.password SET hash = $3 WHERE school = $1 AND login = $2",
                    found.staff.school,
                    found.staff.login,
                    anew,
                )
            token = await sessions.begin(connection, found.staff)
            await self._note(connection, found, "login.done")
        return LoggedIn(found.staff, token)

    async def _note(self, connection: AnyConnection, found: Found | None, action: str) -> None:
        """Of an unknown login nothing is kept but that it was: people type passwords there."""
        if found is None:
            await audit.note(connection, Service.DISPATCHER, "nobody", action, school=None)
        else:
            who = found.staff
            await audit.note(connection, Service.DISPATCHER, who, action, school=who.school, about=who.key)


async def find(connection: AnyConnection, said: str) -> Found | None:
    """The account that `login` or `school/login` means; None when there is none, or more than one."""
    school, slash, login = said.rpartition("/") if "/" in said else (None, "", said)
    rows = await connection.fetch(_FIND, login, school if slash else None)
    if len(rows) != 1:
        return None
    row = rows[0]
    staff = Staff(row["school"], row["login"], Role(row["role"]), row["name"])
    return Found(staff, row["disabled_at"] is not None, row["hash"])


async def _still(connection: AnyConnection, staff: Staff, kept: str) -> bool:
    """The account was neither disabled nor given another password while this one was checked."""
    return bool(
        await connection.fetchval(
            """SELECT true FROM people.account a JOIN people.password p USING (school, login)
               WHERE school = $1 AND login = $2 AND a.disabled_at IS NULL AND p.hash = $3 FOR UPDATE OF p""",
            staff.school,
            staff.login,
            kept,
        )
    )
