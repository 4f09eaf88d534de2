"""Letting somebody in from the command line: the first administrator, and whoever lost every other way."""

import asyncpg

from dispatcher.people import accounts
from dispatcher.people.accounts import Account, Entry, UnfitAccount
from dispatcher.people.desk import link
from shared.staff import Role

_BY = "vestnik account create"


async def nobody_can_come_in(pool: asyncpg.Pool) -> bool:
    """No account of the installation has a password: its first start."""
    return not await pool.fetchval("SELECT EXISTS (SELECT FROM people.password)")


async def first_access(
    pool: asyncpg.Pool, public_url: str, school: str, login: str, role: str, name: str
) -> str:
    """The one-time address by which the account gets a password; makes the account if there is none.

    Raises UnfitAccount.
    """
    if role not in set(Role):
        raise UnfitAccount(f"Роли «{role}» нет. Есть: {', '.join(Role)}.")
    if not login or "/" in login or any(char.isspace() for char in login):
        raise UnfitAccount(f"Логин «{login}» не годится: нужны знаки без пробелов и «/».")
    wanted = Account(school, login, Role(role), name, "", Entry.NONE)
    async with pool.acquire() as connection, connection.transaction():
        if not await accounts.create(connection, _BY, wanted):
            found = await accounts.read(connection, school, login)
            if found is None or found.role is not wanted.role:
                raise UnfitAccount(
                    f"Учётная запись {wanted.key} уже есть, но с другой ролью. Ничего не изменено: "
                    "роль меняет администратор на странице «Сотрудники»."
                )
        invited = await accounts.invite_noted(connection, _BY, [(school, login)])
    if not invited:
        raise UnfitAccount(f"Учётная запись {wanted.key} отключена. Ничего не изменено: сначала включите её.")
    return link(public_url, invited[0].code)
