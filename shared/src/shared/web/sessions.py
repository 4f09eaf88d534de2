"""The cookie of a logged-in person, readable by every service and writable without a database.

It holds the session's token and a stamp: when the person was last seen, signed. Every service may
renew the stamp, so the idle limit holds across services though only the dispatcher writes `people`.
The token itself is kept nowhere: the row has its SHA-256 (256 random bits need no slow hash).
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.db import AnyConnection
from shared.families import Name
from shared.parents import Parent
from shared.staff import Role, Staff

IDLE = timedelta(minutes=30)
"""Without a request for this long the person logs in again."""
LONGEST = timedelta(hours=12)
"""However busy; the row's `expires_at`."""
_RENEW = timedelta(minutes=1)
_STAMP = 4  # bytes: seconds since the epoch

# Whose it is, if it lives: one look by the unique hash.
_READ = """
SELECT a.school, a.login, a.role, a.name FROM people.session s
JOIN people.account a USING (school, login)
WHERE s.hash = $1 AND s.ended_at IS NULL AND s.expires_at > clock_timestamp() AND a.disabled_at IS NULL
"""


_READ_FAMILY = """
SELECT g.school, g.guardian, g.family_name, g.given_name, g.patronymic FROM people.family_session s
JOIN roster.guardian g USING (school, guardian)
WHERE s.hash = $1 AND s.ended_at IS NULL AND s.expires_at > clock_timestamp()
"""


def real_now() -> datetime:
    """Sessions live by real time: school time may run a week a minute."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a valid cookie says. `stale` asks for a new stamp."""

    token: str
    stale: bool


class Cookies:
    """Makes and reads the cookies of one installation. `key` gives its secret."""

    def __init__(
        self, key: Callable[[], bytes], *, secure: bool, now: Callable[[], datetime] = real_now
    ) -> None:
        self._key_of = key
        self._now = now
        self.secure = secure
        prefix = "__Host-" if secure else ""
        self.session, self.form, self.language = f"{prefix}vestnik", f"{prefix}vestnik-form", "vestnik-lang"
        self.family = f"{prefix}vestnik-family"

    def seal(self, token: str) -> str:
        """The session cookie's value for somebody seen just now."""
        stamp = int(self._now().timestamp()).to_bytes(_STAMP)
        return f"{token}.{_b64(stamp + self._stamp_mac(token, stamp))}"

    def open(self, value: str | None) -> Seen | None:
        """None for a cookie we did not make, and for somebody away longer than IDLE."""
        token, dot, sealed = (value or "").partition(".")
        if not dot:
            return None
        try:
            raw = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
        except (binascii.Error, ValueError):
            return None
        stamp, mac = raw[:_STAMP], raw[_STAMP:]
        if not hmac.compare_digest(mac, self._stamp_mac(token, stamp)):
            return None
        away = self._now() - datetime.fromtimestamp(int.from_bytes(stamp), UTC)
        return None if away > IDLE else Seen(token, away > _RENEW)

    def csrf(self, bound_to: str) -> str:
        """What a form must bring back: worth something only beside the cookie it is bound to."""
        return _b64(self._mac(b"csrf\0" + bound_to.encode()))

    def set(self, name: str, value: str, *, longest: timedelta | None = None) -> str:
        """A `Set-Cookie` line; without `longest` the browser forgets it when closed."""
        limit = "" if longest is None else f"; Max-Age={int(longest.total_seconds())}"
        secure = "; Secure" if self.secure else ""
        return f"{name}={value}; Path=/{limit}; HttpOnly; SameSite=Lax{secure}"

    def forget(self, name: str) -> str:
        return self.set(name, "", longest=timedelta(0))

    def _stamp_mac(self, token: str, stamp: bytes) -> bytes:
        return self._mac(b"seen\0" + token.encode() + b"\0" + stamp)

    def _mac(self, said: bytes) -> bytes:
        key = hashlib.blake2b(self._key_of(), person=b"vestnik cookies").digest()
        return hashlib.blake2b(said, key=key, digest_size=16).digest()


def new_token() -> str:
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """What the database keeps of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


async def read_session(connection: AnyConnection, token: str) -> Staff | None:
    """Whose session it is; None for one that ended, ran out, or whose account is disabled."""
    row = await connection.fetchrow(_READ, digest(token))
    if row is None:
        return None
    return Staff(row["school"], row["login"], Role(row["role"]), row["name"])


async def read_family_session(connection: AnyConnection, token: str) -> Parent | None:
    """Whose session it is; None for one that ended, ran out, or whose guardian is in the lists no more."""
    row = await connection.fetchrow(_READ_FAMILY, digest(token))
    if row is None:
        return None
    name = Name(row["family_name"], row["given_name"], row["patronymic"])
    return Parent(row["school"], row["guardian"], name.polite)


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
