"""Bearer tokens of journals: what a journal shows to be let in (DESIGN §3).

A token is 256 random bits, so a plain SHA-256 of it is enough to keep: there is nothing to guess,
and slow password hashes protect only what people choose. It is found by the hash itself: a
comparison that leaks time tells nothing about a token that is not known whole.
"""

import hashlib
import secrets
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from ingest.envelope import has_control
from shared.changes import source_of
from shared.db import AnyConnection
from shared.errors import ForPeople

_PREFIX = "vestnik_"
"""Lets secret scanners find a token that was committed somewhere."""
_LONGEST_PART = 100


class UnfitName(ForPeople, ValueError):
    """A school or journal name that cannot stand in a source."""


@dataclass(frozen=True, slots=True)
class Journal:
    """Whom a token lets in."""

    token: UUID
    school: str
    journal: str

    @property
    def source(self) -> str:
        return source_of(self.school, self.journal)


async def create(
    pool: asyncpg.Pool, school: str, journal: str, *, actor: str = "vestnik token create"
) -> str:
    """A new token of the journal; it is nowhere kept and cannot be shown again.

    Raises UnfitName.
    """
    for name, value in (("школы", school), ("журнала", journal)):
        if not value.strip() or "/" in value or has_control(value) or len(value) > _LONGEST_PART:
            raise UnfitName(
                f"Обозначение {name} «{value}» не годится: нужно от 1 до {_LONGEST_PART} знаков без «/»."
            )
    token = _PREFIX + secrets.token_urlsafe(32)
    async with pool.acquire() as connection, connection.transaction():
        number = await connection.fetchval(
            "INSERT INTO ingest.token (school, journal, hash) VALUES ($1, $2, $3) RETURNING id",
            school,
            journal,
            _hash(token),
        )
        await _audit(connection, actor, "token.created", school, str(number))
    return token


async def verify(pool: asyncpg.Pool, token: str) -> Journal | None:
    """Whose token it is; None for one that never was or is revoked."""
    async with pool.acquire(timeout=5) as connection:
        row = await connection.fetchrow(
            """SELECT id, school, journal, coalesce(used_at < now() - interval '1 minute', true) AS note
               FROM ingest.token WHERE hash = $1 AND revoked_at IS NULL""",
            _hash(token),
        )
        if row is None:
            return None
        if row["note"]:  # once a minute is enough for "when was it last seen" and spares a write a request
            await connection.execute("UPDATE ingest.token SET used_at = now() WHERE id = $1", row["id"])
        return Journal(row["id"], row["school"], row["journal"])


async def revoke(pool: asyncpg.Pool, token: UUID, *, actor: str) -> bool:
    """Shut the token out from now on; False when it is not there or was revoked before."""
    async with pool.acquire() as connection, connection.transaction():
        school = await connection.fetchval(
            """UPDATE ingest.token SET revoked_at = now()
               WHERE id = $1 AND revoked_at IS NULL RETURNING school""",
            token,
        )
        if school is not None:
            await _audit(connection, actor, "token.revoked", school, str(token))
        return school is not None


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


async def _audit(connection: AnyConnection, actor: str, action: str, school: str, about: str) -> None:
    await connection.execute(
        "INSERT INTO ingest.audit (actor, action, school, about) VALUES ($1, $2, $3, $4)",
        actor,
        action,
        school,
        about,
    )
