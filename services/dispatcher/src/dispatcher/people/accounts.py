"""Accounts of staff: who there is, made and changed by an administrator (R-D2).

`accounts.csv` fills the same table; it may overwrite name, role and e-mail, never a password.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import asyncpg

from dispatcher.people import sessions
from dispatcher.people.invitations import Invited, invite
from shared import audit
from shared.db import AnyConnection
from shared.errors import ForPeople
from shared.staff import WHOLE_INSTALLATION, Role, Staff
from shared.topics import Service
from shared.web.language import mark
from shared.web.listing import Asked


class Entry(StrEnum):
    """Whether the person can come in."""

    OPEN = "open"
    INVITED = "invited"
    NONE = "none"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Account:
    school: str
    login: str
    role: Role
    name: str
    email: str
    entry: Entry

    @property
    def key(self) -> str:
        return f"{self.school}/{self.login}"


class UnfitAccount(ForPeople):
    """An account that cannot be made as asked; the text says why."""


ONE_SCHOOL = mark("Классный руководитель бывает только в одной школе: выберите её.")

_SELECT = """
SELECT a.school, a.login, a.role, a.name, a.email,
    CASE WHEN a.disabled_at IS NOT NULL THEN 'disabled' WHEN p.login IS NOT NULL THEN 'open'
         WHEN i.expires_at > clock_timestamp() THEN 'invited' ELSE 'none' END AS entry
FROM people.account a LEFT JOIN people.password p USING (school, login)
LEFT JOIN people.invitation i USING (school, login)
"""


async def listed(connection: AnyConnection, scope: str | None, asked: Asked) -> list[Account]:
    """By name, disabled ones last; `scope` as in `Staff.scope`."""
    rows = await connection.fetch(
        f"""{_SELECT} WHERE ($1::text IS NULL OR a.school = $1)
            AND ($2 = '%%' OR a.name ILIKE $2 OR a.login ILIKE $2 OR a.school ILIKE $2)
            ORDER BY a.disabled_at IS NOT NULL, a.name, a.school, a.login LIMIT $3 OFFSET $4""",
        scope,
        asked.pattern,
        asked.limit,
        asked.offset,
    )
    return [_account(row) for row in rows]


async def read(connection: AnyConnection, school: str, login: str) -> Account | None:
    row = await connection.fetchrow(f"{_SELECT} WHERE a.school = $1 AND a.login = $2", school, login)
    return None if row is None else _account(row)


async def schools(connection: AnyConnection) -> dict[str, str]:
    """Names of schools by their ids."""
    rows = await connection.fetch("SELECT school, name FROM roster.school ORDER BY name, school")
    return {row["school"]: row["name"] for row in rows}


async def create(connection: AnyConnection, by: Staff | str, account: Account) -> bool:
    """False when the login is taken in this school. Raises UnfitAccount."""
    if account.school == WHOLE_INSTALLATION:
        if account.role is Role.TEACHER:
            raise UnfitAccount(ONE_SCHOOL)
    elif not await connection.fetchval("SELECT true FROM roster.school WHERE school = $1", account.school):
        raise UnfitAccount(mark("Такой школы нет в списках. Сначала загрузите списки школы."))
    made = await connection.fetchval(
        """INSERT INTO people.account (school, login, role, name, email) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT DO NOTHING RETURNING true""",
        account.school,
        account.login,
        account.role.value,
        account.name,
        account.email,
    )
    if made:
        await _note(connection, by, "account.created", account, to=account.role.value)
    return bool(made)


async def change(connection: AnyConnection, by: Staff, was: Account, to: Account) -> bool:
    """Name, role and e-mail; False when somebody changed them since `was` was read."""
    done = await connection.fetchval(
        """UPDATE people.account SET role = $6, name = $7, email = $8
           WHERE school = $1 AND login = $2 AND role = $3 AND name = $4 AND email = $5 RETURNING true""",
        was.school,
        was.login,
        was.role.value,
        was.name,
        was.email,
        to.role.value,
        to.name,
        to.email,
    )
    if done:
        changed = [name for name in ("role", "name", "email") if getattr(was, name) != getattr(to, name)]
        roles = {"was": was.role.value, "to": to.role.value} if was.role is not to.role else {}
        await _note(connection, by, "account.changed", was, fields=changed, **roles)
    return bool(done)


async def disable(connection: AnyConnection, by: Staff, account: Account) -> bool:
    """Out at once and everywhere; False when it was disabled before."""
    done = await connection.fetchval(
        """UPDATE people.account SET disabled_at = clock_timestamp()
           WHERE school = $1 AND login = $2 AND disabled_at IS NULL RETURNING true""",
        account.school,
        account.login,
    )
    if done:
        await connection.execute(
            "DELETE FROM people.invitation WHERE school = $1 AND login = $2", account.school, account.login
        )
        ended = await sessions.end_all(connection, account.school, account.login)
        await _note(connection, by, "account.disabled", account, sessions=ended)
    return bool(done)


async def enable(connection: AnyConnection, by: Staff, account: Account) -> bool:
    """With the password it had; False when it was not disabled."""
    done = await connection.fetchval(
        """UPDATE people.account SET disabled_at = NULL
           WHERE school = $1 AND login = $2 AND disabled_at IS NOT NULL RETURNING true""",
        account.school,
        account.login,
    )
    if done:
        await _note(connection, by, "account.enabled", account)
    return bool(done)


async def waiting(connection: AnyConnection, scope: str | None) -> dict[str, int]:
    """Schools with staff that have no password yet, and how many."""
    rows = await connection.fetch(
        """SELECT a.school, count(*) AS number FROM people.account a
           LEFT JOIN people.password p USING (school, login)
           WHERE ($1::text IS NULL OR a.school = $1) AND a.disabled_at IS NULL AND p.login IS NULL
           GROUP BY a.school ORDER BY a.school""",
        scope,
    )
    return {row["school"]: row["number"] for row in rows}


async def without_password(connection: AnyConnection, school: str) -> list[tuple[str, str]]:
    """Whom the first filling of the system is still waiting for (R-F4)."""
    rows = await connection.fetch(
        """SELECT a.school, a.login FROM people.account a LEFT JOIN people.password p USING (school, login)
           WHERE a.school = $1 AND a.disabled_at IS NULL AND p.login IS NULL ORDER BY a.name, a.login""",
        school,
    )
    return [(row["school"], row["login"]) for row in rows]


async def invite_noted(
    connection: AnyConnection, by: Staff | str, keys: Sequence[tuple[str, str]]
) -> list[Invited]:
    """New one-time codes for these accounts, each in the audit."""
    invited = await invite(connection, keys)
    for one in invited:
        about = f"{one.school}/{one.login}"
        await audit.note(
            connection, Service.DISPATCHER, by, "account.invited", school=one.school, about=about
        )
    return invited


async def _note(
    connection: AnyConnection, by: Staff | str, action: str, account: Account, **details: Any
) -> None:
    await audit.note(
        connection, Service.DISPATCHER, by, action, school=account.school, about=account.key, **details
    )


def _account(row: asyncpg.Record) -> Account:
    return Account(
        row["school"], row["login"], Role(row["role"]), row["name"], row["email"], Entry(row["entry"])
    )
