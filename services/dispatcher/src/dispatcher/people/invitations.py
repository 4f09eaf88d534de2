"""One-time links by which a member of staff sets a password: the first one, or instead of a forgotten one.

Eighty random bits, written so that a person can type them from paper. The newest of an account is the
only one that opens; it opens once.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.db import AnyConnection
from shared.staff import Role, Staff
from shared.web.sessions import digest

LIVES = timedelta(days=14)
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: nothing that paper makes alike
_LENGTH, _GROUP = 16, 4
_ALIKE = str.maketrans("OIL", "011", " -\u2010\u2011\u2012\u2013\u2014")


@dataclass(frozen=True, slots=True)
class Invited:
    """An account and the code that opens it once, until `until`."""

    school: str
    login: str
    code: str
    until: datetime


async def invite(connection: AnyConnection, accounts: Sequence[tuple[str, str]]) -> list[Invited]:
    """New codes for these (school, login), in place of their older ones; disabled accounts get none."""
    codes = {key: new_code() for key in accounts}
    rows = await connection.fetch(
        """INSERT INTO people.invitation (school, login, hash, made_at, expires_at)
           SELECT a.school, a.login, given.hash, clock_timestamp(), clock_timestamp() + $4
           FROM unnest($1::text[], $2::text[], $3::bytea[]) AS given(school, login, hash)
           JOIN people.account a USING (school, login) WHERE a.disabled_at IS NULL ORDER BY 1, 2
           ON CONFLICT (school, login) DO UPDATE
           SET hash = excluded.hash, made_at = excluded.made_at, expires_at = excluded.expires_at
           RETURNING school, login, expires_at""",
        [school for school, _ in codes],
        [login for _, login in codes],
        [digest(_plain(code)) for code in codes.values()],
        LIVES,
    )
    until = {(row["school"], row["login"]): row["expires_at"] for row in rows}
    return [Invited(*key, codes[key], until[key]) for key in codes if key in until]


async def whose(connection: AnyConnection, code: str) -> Staff | None:
    """Whose open link this is; None for one that is not, is used, replaced or too old."""
    row = await connection.fetchrow(
        """SELECT a.school, a.login, a.role, a.name FROM people.invitation i
           JOIN people.account a USING (school, login)
           WHERE i.hash = $1 AND i.expires_at > clock_timestamp() AND a.disabled_at IS NULL""",
        digest(_plain(code)),
    )
    return None if row is None else Staff(row["school"], row["login"], Role(row["role"]), row["name"])


async def use(connection: AnyConnection, code: str) -> bool:
    """Closes the link; False when somebody was first or it is none."""
    return bool(
        await connection.fetchval(
            "DELETE FROM people.invitation WHERE hash = $1 AND expires_at > clock_timestamp() RETURNING true",
            digest(_plain(code)),
        )
    )


def new_code() -> str:
    """`7K3M-…`, four groups of four."""
    signs = [secrets.choice(_ALPHABET) for _ in range(_LENGTH)]
    return "-".join("".join(signs[at : at + _GROUP]) for at in range(0, _LENGTH, _GROUP))


def _plain(code: str) -> str:
    """As typed: letters of any case, any dashes or none, O for 0, I and L for 1."""
    return code.upper().translate(_ALIKE)
