"""Whether the gateway's list may be believed when it does not show an SMS (DESIGN §7).

«Not listed» means «send it», so a list that hides what was accepted would make us send twice. It is held
against what we know: an SMS accepted long enough ago must be on it. Before the first SMS was ever accepted
there is nothing to hold it against but the purse: money that went for something we were not told of.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import structlog

from dispatcher.channels.smsaero_client import Found, ListUnavailable
from dispatcher.sending.attempts import Attempt, Control, control
from dispatcher.sending.settle import SMS_ASKS
from shared.db import AnyConnection

log = structlog.get_logger()


class Lists(Protocol):
    """The gateway's list of accepted SMS (dispatcher.channels.sms)."""

    async def find(self, number: str, text: str, since: datetime) -> list[Found]:
        """Raises ListUnavailable."""


class Purse(Protocol):
    """The account at the gateway (dispatcher.channels.sms)."""

    async def balance(self) -> float:
        """Roubles left. Raises ListUnavailable."""


class Trust(StrEnum):
    """What the list's silence about an SMS is worth."""

    BELIEVED = "believed"
    TOO_EARLY = "too_early"  # what it could be held against was accepted a moment ago: ask again
    LIES = "lies"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was in the purse, and when (the database's clock)."""

    roubles: float
    at: datetime


def judge(
    attempt: Attempt,
    known: Control | None,
    listed: frozenset[str],
    *,
    before: Reading | None,
    now: float | None,
) -> Trust:
    """`known`: an SMS the gateway accepted; `listed`: the ids it lists for it. Without one, `before` and
    `now` are the purse before anything was sent and at this moment, where known."""
    if known is not None:
        if known.provider_id in listed:
            return Trust.BELIEVED
        return Trust.LIES if known.age >= SMS_ASKS[-1] else Trust.TOO_EARLY
    if before is not None and now is not None and before.at < attempt.started_at and now < before.roubles:
        return Trust.LIES
    return Trust.BELIEVED


class Truth:
    """Asks the list for what it must show. One per process; `purse` is read once, while nothing was ever
    accepted."""

    def __init__(self, lists: Lists, purse: Purse | None) -> None:
        self._lists = lists
        self._purse = purse
        self._before: Reading | None = None
        self._read = False

    async def begin(self, connection: AnyConnection) -> None:
        """Look into the purse before the first SMS, if it is before the first SMS."""
        if self._read or self._purse is None:
            return
        self._read = True
        at: datetime = await connection.fetchval("SELECT clock_timestamp()")
        if await control(connection) is None:
            self._before = await self._look(at)

    async def trust(self, known: Control | None, attempt: Attempt) -> Trust:
        """Raises ListUnavailable."""
        listed: frozenset[str] = frozenset()
        now: float | None = None
        if known is not None:
            rows = await self._lists.find(known.number, known.text, known.since)
            listed = frozenset(row.provider_id for row in rows)
        elif self._before is not None and self._purse is not None:
            now = await self._purse.balance()
        return judge(attempt, known, listed, before=self._before, now=now)

    async def _look(self, at: datetime) -> Reading | None:
        assert self._purse is not None
        try:
            return Reading(await self._purse.balance(), at)
        except ListUnavailable as error:
            log.warning("sms.purse_unknown", error=str(error))
            return None
