"""Guessing is slow: so many failures of a login and of an address in a quarter of an hour, and no more.

Kept in the database, so replicas share it; keys are digests, so it lists neither logins nor addresses.
A try is counted before the password is looked at: a burst of simultaneous tries gains nothing.
"""

import hashlib
from datetime import timedelta

from shared.db import AnyConnection

WINDOW = timedelta(minutes=15)
PER_LOGIN = 10
PER_ADDRESS = 60
"""A whole school may stand behind one address."""
PER_CONTACT = 3
"""One-time links to one e-mail address or phone."""


class Throttle:
    """`key` is the installation's secret."""

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.blake2b(key, person=b"vestnik throttle").digest()

    def keys(self, login: str, address: str) -> tuple[bytes, bytes]:
        """What counts the tries of this login and of this address."""
        return self._digest("login", login.casefold()), self._digest("address", address)

    def family_keys(self, contact: str, address: str) -> tuple[bytes, bytes]:
        """What counts the links asked for to this contact, and from this address."""
        return self._digest("contact", contact.casefold()), self._digest("family address", address)

    def _digest(self, kind: str, value: str) -> bytes:
        said = f"{kind}\0{value}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(said, key=self._key, digest_size=16).digest()


async def may_try(
    connection: AnyConnection, keys: tuple[bytes, bytes], *, most: tuple[int, int] = (PER_LOGIN, PER_ADDRESS)
) -> bool:
    """Counts a try as failed until `succeeded` says otherwise; False when there were too many by either
    key."""
    rows = await connection.fetch(
        """INSERT INTO people.throttle AS t (key, failures)
           SELECT key, 1 FROM unnest($1::bytea[]) AS key ORDER BY key
           ON CONFLICT (key) DO UPDATE SET
               failures = CASE WHEN t.began_at > now() - $2::interval THEN t.failures + 1 ELSE 1 END,
               began_at = CASE WHEN t.began_at > now() - $2::interval THEN t.began_at ELSE now() END
           RETURNING key, failures""",
        sorted(keys),
        WINDOW,
    )
    failures = {row["key"]: row["failures"] for row in rows}
    return bool(failures[keys[0]] <= most[0] and failures[keys[1]] <= most[1])


async def succeeded(connection: AnyConnection, keys: tuple[bytes, bytes]) -> None:
    """The login begins anew; the address gets this try back, no more."""
    await connection.execute("DELETE FROM people.throttle WHERE key = $1", keys[0])
    await connection.execute(
        "UPDATE people.throttle SET failures = greatest(failures - 1, 0) WHERE key = $1", keys[1]
    )


async def forget_old(connection: AnyConnection) -> None:
    """What counts no more."""
    await connection.execute("DELETE FROM people.throttle WHERE began_at < now() - $1::interval", WINDOW)
