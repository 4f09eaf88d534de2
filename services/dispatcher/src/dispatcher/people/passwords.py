"""Passwords: argon2id, in a thread, few at a time; and which ones may be set.

Checking takes the same work whether the login exists or not, so that time tells nothing.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from shared.web.language import mark

SHORTEST, LONGEST = 10, 200
_DIFFERENT = 5
_AT_ONCE = 2  # each takes 64 MiB and a core for some tens of milliseconds

Result = TypeVar("Result")


class Passwords:
    """Hashes and verifies. One per process: it bounds how many are worked on at a time."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        return await self._aside(lambda: self._hasher.hash(password))

    async def verify(self, kept: str | None, password: str) -> bool:
        """Whether it is the password `kept` was made of; for None, the same work and False."""
        if kept is None:
            if self._nobody is None:
                self._nobody = await self.hash("nobody has this password")
            await self._aside(lambda: self._verify(self._nobody or "", password))
            return False
        return await self._aside(lambda: self._verify(kept, password))

    def outdated(self, kept: str) -> bool:
        """Made with weaker parameters than today's: hash it anew at the next login."""
        return self._hasher.check_needs_rehash(kept)

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _aside(self, work: Callable[[], Result]) -> Result:
        async with self._turn:
            return await asyncio.to_thread(work)


def objection(password: str, login: str) -> str | None:
    """Why the password may not be set, in words; None when it may. Length over ornaments (SP 800-63B)."""
    if len(password) < SHORTEST:
        return mark("Нужно не меньше 10 знаков. Проще всего взять несколько слов через пробел.")
    if len(password) > LONGEST:
        return mark("Слишком длинно: не больше 200 знаков.")
    plain = password.casefold()
    if (
        len(set(plain)) < _DIFFERENT
        or plain in "12345678901234567890qwertyuiopasdfghjklzxcvbnmйцукенгшщзхъфывапролджэ"
    ):
        return mark("Такой пароль угадают первым. Возьмите несколько слов через пробел.")
    if login.casefold() in plain and len(password) - len(login) < _DIFFERENT:
        return mark("Пароль слишком похож на логин.")
    return None
