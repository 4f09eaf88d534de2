"""What the desk searched for, as a token in the address: names stay out of histories and proxies' logs,
while going back and reloading work (R-D3)."""

import base64
import hashlib
from collections.abc import Callable

from cryptography.fernet import Fernet, InvalidToken

_LIVES = 12 * 60 * 60  # seconds: no longer than a session
_LONGEST = 200


class Questions:
    """`key` gives the installation's secret."""

    def __init__(self, key: Callable[[], bytes]) -> None:
        self._key_of = key

    def seal(self, asked: str) -> str:
        """The question, readable by us alone."""
        return self._box().encrypt(asked[:_LONGEST].encode()).decode()

    def open(self, token: str) -> str:
        """The question; empty when it is too old or not ours."""
        try:
            return self._box().decrypt(token.encode(), ttl=_LIVES).decode()
        except (InvalidToken, UnicodeError):
            return ""

    def _box(self) -> Fernet:
        key = hashlib.blake2b(self._key_of(), digest_size=32, person=b"desk question").digest()
        return Fernet(base64.urlsafe_b64encode(key))
