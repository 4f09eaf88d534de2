"""Variable envelope return paths: who gets a letter's bounce back learns which letter it was.

`bounce+TOKEN@domain`; the token names the message and a keyed digest of the address it went to, is
signed, and tells nothing to others. Base32, for local parts may change their case on the way; with
a local part of at most `LONGEST_LOCAL` letters it stays within the 64 of RFC 5321 §4.5.3.1.1.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from uuid import UUID

_DIGEST, _MAC = 6, 10
_TOKEN = -(-8 * (16 + _DIGEST + _MAC) // 5)  # letters of base32
LONGEST_LOCAL = 64 - 1 - _TOKEN


@dataclass(frozen=True, slots=True)
class Returned:
    """What a valid token says. `address` is to be compared with `Verp.digest`; `token` is the name of
    the attempt, kept as the message's `provider_id`."""

    message: UUID
    address: bytes
    token: str


class Verp:
    """Makes and reads the envelope senders of one installation. `address`: where bounces come, without
    a token; `key`: the installation's secret."""

    def __init__(self, address: str, key: bytes) -> None:
        self._local, _, self._domain = address.lower().rpartition("@")
        if not self._local or len(self._local) > LONGEST_LOCAL:
            raise ValueError(f"a bounce address has at most {LONGEST_LOCAL} letters before its @")
        self._key = hashlib.blake2b(key, person=b"vestnik bounces").digest()
        signed = rf"{re.escape(self._local)}\+([a-z2-7]{{{_TOKEN}}})@{re.escape(self._domain)}"
        self._address = re.compile(rf"(?<![\w.+-]){signed}(?![\w.-])", re.IGNORECASE)

    @property
    def address(self) -> str:
        """Where mail without a token comes."""
        return f"{self._local}@{self._domain}"

    def token(self, message: UUID, address: str) -> str:
        said = message.bytes + self.digest(address)
        return _letters(said + self._mac(said))

    def sender(self, message: UUID, address: str) -> str:
        """The envelope sender of a message to an address."""
        return f"{self._local}+{self.token(message, address)}@{self._domain}"

    def digest(self, address: str) -> bytes:
        return self._mac(b"address\0" + address.strip().casefold().encode())[:_DIGEST]

    def find(self, text: str) -> Returned | None:
        """The first envelope sender in the text that we made; None without one."""
        for match in self._address.finditer(text):
            token = match[1].lower()
            raw = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
            said, mac = raw[:-_MAC], raw[-_MAC:]
            if hmac.compare_digest(mac, self._mac(said)):
                return Returned(UUID(bytes=said[:16]), said[16:], _letters(raw))
        return None

    def _mac(self, said: bytes) -> bytes:
        return hashlib.blake2b(said, key=self._key, digest_size=_MAC).digest()


def _letters(raw: bytes) -> str:
    return base64.b32encode(raw).rstrip(b"=").decode().lower()
