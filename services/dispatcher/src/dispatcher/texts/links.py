"""Links that act for their bearer without a login: stateless, signed, without expiry (DESIGN §7).

The address is inside only as a keyed digest, so that a link tells nothing and works for one address.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Purpose(StrEnum):
    UNSUBSCRIBE = "u"
    NOT_MINE = "n"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a valid link says. `address` is the digest to compare with `Links.digest`."""

    purpose: Purpose
    school: str
    guardian: str
    address: str


class Links:
    """Makes and reads the links of one installation; `key` is its secret."""

    def __init__(self, *, public_url: str, key: Callable[[], bytes]) -> None:
        self._base = f"{public_url.rstrip('/')}/dispatcher"
        self._key = hashlib.blake2b(key(), person=b"vestnik links").digest()

    @property
    def own_page(self) -> str:
        return f"{self._base}/me/"

    def unsubscribe(self, *, school: str, guardian: str, address: str) -> str:
        return f"{self._base}/u/{self.token(Purpose.UNSUBSCRIBE, school, guardian, address)}"

    def unsubscribe_mail(self, mailbox: str, *, school: str, guardian: str, address: str) -> str:
        """A mail to this mailbox with this subject unsubscribes (RFC 2369, RFC 6068)."""
        token = self.token(Purpose.UNSUBSCRIBE, school, guardian, address)
        return f"mailto:{mailbox}?subject=unsubscribe%20{token}"

    def not_mine(self, *, school: str, guardian: str, address: str) -> str:
        return f"{self._base}/not-mine/{self.token(Purpose.NOT_MINE, school, guardian, address)}"

    def token(self, purpose: Purpose, school: str, guardian: str, address: str) -> str:
        said = "\0".join((purpose, school, guardian, self.digest(address))).encode()
        return _b64url(self._mac(said) + said)

    def read(self, token: str) -> Claim | None:
        """What the token says; None for one we did not make."""
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            return None
        mac, said = raw[:16], raw[16:]
        if not hmac.compare_digest(mac, self._mac(said)):
            return None
        purpose, school, guardian, address = said.decode().split("\0")
        return Claim(Purpose(purpose), school, guardian, address)

    def digest(self, address: str) -> str:
        return _b64url(self._mac(b"address\0" + address.strip().casefold().encode())[:9])

    def _mac(self, said: bytes) -> bytes:
        return hashlib.blake2b(said, key=self._key, digest_size=16).digest()


def _b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
