"""Sends a code at once, while the family stands at the desk or looks at its page: through the same gate as
every message, so that pauses and limits hold, and an SMS within the school's month (R-C6, R-C9).

Nothing is repeated by itself: who waits sees what happened and decides. The code stands in the
message and nowhere else.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum

import asyncpg
import structlog

from dispatcher.channels.base import (
    Accepted,
    AddressFailed,
    MessageFailed,
    Misconfigured,
    Outcome,
    Parcel,
    Port,
    Retry,
    Unknown,
)
from dispatcher.desk import contacts
from dispatcher.desk.code_letters import CodeLetters
from dispatcher.desk.contacts import Code
from dispatcher.sending.attempts import lock_names
from dispatcher.sending.budget import Budget, Spending
from dispatcher.sending.pauses import stop_misconfigured
from dispatcher.sending.provider_row import PAUSED
from dispatcher.texts.segments import segments
from shared.categories import Channel
from shared.clock import Clock

log = structlog.get_logger()


class Failure(StrEnum):
    """Why a code is not on its way; kept in `contact_code.failed_because`."""

    OFF = "off"  # the installation has no such channel
    PAUSED = "paused"
    BUSY = "busy"  # the gateway does not take it now
    BUDGET = "budget"
    ADDRESS = "address"
    SETTINGS = "settings"
    UNKNOWN = "unknown"  # it may have left


class Codes:
    """`ports` gives the ways out that are switched on, behind their gates; empty while not started."""

    def __init__(
        self,
        pool_of: Callable[[], asyncpg.Pool],
        clock: Clock,
        *,
        ports: Callable[[], Mapping[Channel, Port]],
        letters: CodeLetters,
        budget: Budget,
    ) -> None:
        self._pool_of = pool_of
        self._clock = clock
        self._ports = ports
        self._letters = letters
        self._budget = budget

    def may(self, channel: Channel) -> bool:
        """Whether codes can be sent this way at all."""
        return channel in self._ports()

    async def send(self, code: Code, *, school: str, language: str) -> Failure | None:
        """None: it was handed over. `school` is its name. No transaction is open meanwhile."""
        content = self._letters.write(code, school=school, language=language, now=self._clock.now())
        port = self._ports().get(code.channel)
        if port is None:
            failure: Failure | None = Failure.OFF
        elif not await self._reserve(code, content):
            failure = Failure.BUDGET
        else:
            outcome: Outcome
            try:
                outcome = await port.send(Parcel(code.id, code.school, (code.address,), content, urgent=True))
            except Exception as error:  # noqa: BLE001 - whatever broke, the secretary is told
                # The traceback may quote an address.
                log.error("desk.code_broken", error=type(error).__name__)  # noqa: TRY400
                outcome = Unknown(f"port: {type(error).__name__}")
            failure = failed(outcome)
            await self._settle(code, content, outcome)
        async with self._pool_of().acquire(timeout=5) as connection:
            if failure is None:
                await contacts.code_left(connection, code.id)
            else:
                log.warning("desk.code_not_sent", channel=code.channel.value, why=failure.value)
                await contacts.withdraw_code(connection, code.id, failure.value)
        return failure

    async def _reserve(self, code: Code, content: bytes) -> bool:
        """Takes an SMS off the school's month before it leaves, so that no replica spends it twice."""
        if code.channel is not Channel.SMS:
            return True
        parts = segments(content.decode())
        async with self._pool_of().acquire(timeout=5) as connection, connection.transaction():
            await lock_names(connection, {("school", code.school)})
            left = await self._budget.left(connection, {code.school})
            if left.get(code.school, 0) < parts:
                return False
            await self._budget.add(connection, [Spending(code.school, parts, 0.0)])
        return True

    async def _settle(self, code: Code, content: bytes, outcome: Outcome) -> None:
        """Adds what it cost; gives the segments back when the gateway did not take it."""
        async with self._pool_of().acquire(timeout=5) as connection, connection.transaction():
            if isinstance(outcome, Misconfigured):
                await stop_misconfigured(
                    connection, code.channel, outcome.reason, by="desk", at=self._clock.now()
                )
            if code.channel is not Channel.SMS or isinstance(outcome, Unknown):
                return
            if isinstance(outcome, Accepted):
                spent = Spending(code.school, 0, outcome.cost or 0.0)
            else:
                spent = Spending(code.school, -segments(content.decode()), 0.0)
            await self._budget.add(connection, [spent])


def failed(outcome: Outcome) -> Failure | None:
    """What an outcome means for who waits at the desk."""
    match outcome:
        case Accepted():
            return None
        case Retry(reason) if reason == PAUSED:
            return Failure.PAUSED
        case Retry():
            return Failure.BUSY
        case AddressFailed():
            return Failure.ADDRESS
        case MessageFailed() | Misconfigured():
            return Failure.SETTINGS
        case Unknown():
            return Failure.UNKNOWN
