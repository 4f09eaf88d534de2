"""Setting a password: by a one-time link, or by its owner. Whatever else was open with the old one ends."""

import asyncpg

from dispatcher.people import invitations, sessions, throttle
from dispatcher.people.passwords import Passwords
from dispatcher.people.throttle import Throttle
from shared import audit
from shared.db import AnyConnection
from shared.staff import Staff
from shared.topics import Service


class Changes:
    """`throttle` and `passwords` are the process's."""

    def __init__(self, throttle: Throttle, passwords: Passwords) -> None:
        self._throttle = throttle
        self._passwords = passwords

    async def by_link(self, pool: asyncpg.Pool, code: str, staff: Staff, password: str, address: str) -> bool:
        """False when the link was used or replaced meanwhile; nothing is changed then."""
        made = await self._passwords.hash(password)
        async with pool.acquire(timeout=5) as connection, connection.transaction():
            if not await invitations.use(connection, code):
                return False
            await self._set(connection, staff, made, "password.set_by_link")
            await throttle.succeeded(connection, self._throttle.keys(staff.key, address))
        return True

    async def by_owner(
        self, pool: asyncpg.Pool, staff: Staff, old: str, new: str, address: str
    ) -> str | None:
        """The token of the session that goes on; None when the old password is wrong or was tried too
        often."""
        keys = self._throttle.keys(staff.key, address)
        async with pool.acquire(timeout=5) as connection:
            allowed = await throttle.may_try(connection, keys)
            kept = await connection.fetchval(
                "SELECT hash FROM people.password WHERE school = $1 AND login = $2", staff.school, staff.login
            )
        if not allowed or not await self._passwords.verify(kept, old):
            await self._refused(pool, staff)
            return None
        made = await self._passwords.hash(new)
        async with pool.acquire(timeout=5) as connection, connection.transaction():
            unchanged = await connection.fetchval(
                "SELECT hash = $3 FROM people.password WHERE school = $1 AND login = $2 FOR UPDATE",
                staff.school,
                staff.login,
                kept,
            )
            if not unchanged:
                return None
            await throttle.succeeded(connection, keys)
            await self._set(connection, staff, made, "password.changed")
            return await sessions.begin(connection, staff)

    async def _set(self, connection: AnyConnection, staff: Staff, made: str, action: str) -> None:
        await connection.execute(
            """INSERT INTO people.password (school, login, hash) VALUES ($1, $2, $3)
               ON CONFLICT (school, login) DO UPDATE SET hash = excluded.hash, set_at = now()""",
            staff.school,
            staff.login,
            made,
        )
        ended = await sessions.end_all(connection, staff.school, staff.login)
        await audit.note(
            connection,
            Service.DISPATCHER,
            staff,
            action,
            school=staff.school,
            about=staff.key,
            sessions=ended,
        )

    async def _refused(self, pool: asyncpg.Pool, staff: Staff) -> None:
        async with pool.acquire(timeout=5) as connection:
            await audit.note(
                connection,
                Service.DISPATCHER,
                staff,
                "password.change_refused",
                school=staff.school,
                about=staff.key,
            )
