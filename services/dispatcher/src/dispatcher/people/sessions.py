"""The rows behind the cookies: begun at login, ended by whoever it is, an administrator or time."""

from shared.db import AnyConnection
from shared.staff import Staff
from shared.web.sessions import LONGEST, digest, new_token


async def begin(connection: AnyConnection, staff: Staff) -> str:
    """A new session; its token is for the cookie and is nowhere kept. Sweeps out what ran out long ago."""
    token = new_token()
    await connection.execute(
        """INSERT INTO people.session (hash, school, login, expires_at)
           VALUES ($1, $2, $3, clock_timestamp() + $4)""",
        digest(token),
        staff.school,
        staff.login,
        LONGEST,
    )
    await connection.execute(
        "DELETE FROM people.session WHERE expires_at < clock_timestamp() - interval '7 days'"
    )
    return token


async def end(connection: AnyConnection, token: str) -> bool:
    """False when it had ended before."""
    return bool(
        await connection.fetchval(
            """UPDATE people.session SET ended_at = clock_timestamp()
               WHERE hash = $1 AND ended_at IS NULL RETURNING true""",
            digest(token),
        )
    )


async def end_all(connection: AnyConnection, school: str, login: str) -> int:
    """Everywhere; how many there were."""
    rows = await connection.fetch(
        """UPDATE people.session SET ended_at = clock_timestamp()
           WHERE school = $1 AND login = $2 AND ended_at IS NULL AND expires_at > clock_timestamp()
           RETURNING 1""",
        school,
        login,
    )
    return len(rows)
