"""A guardian's sessions: begun by a one-time link, ended by themselves or by time."""

from shared.db import AnyConnection
from shared.parents import Parent
from shared.web.sessions import LONGEST, digest, new_token


async def begin(connection: AnyConnection, parent: Parent) -> str:
    """A new session; its token is for the cookie and is nowhere kept. Sweeps out what ran out long ago."""
    token = new_token()
    await connection.execute(
        """INSERT INTO people.family_session (hash, school, guardian, expires_at)
           VALUES ($1, $2, $3, clock_timestamp() + $4)""",
        *(digest(token), parent.school, parent.guardian, LONGEST),
    )
    await connection.execute(
        "DELETE FROM people.family_session WHERE expires_at < clock_timestamp() - interval '7 days'"
    )
    await connection.execute("DELETE FROM people.family_link WHERE expires_at < clock_timestamp()")
    return token


async def end(connection: AnyConnection, token: str) -> None:
    await connection.execute(
        "UPDATE people.family_session SET ended_at = clock_timestamp() WHERE hash = $1 AND ended_at IS NULL",
        digest(token),
    )
