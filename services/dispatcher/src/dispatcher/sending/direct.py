"""What somebody at a page waits for, a way in or a code: handed over at once, past the queue.

Through the same ports and gates as everything else. Nothing is kept: who waits asks again. A letter whose
outcome is unknown goes again under its Message-ID; an SMS never does.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import UUID

import asyncpg
import structlog

from dispatcher.channels.base import Accepted, Blame, Outcome, Parcel, Port, Retry, Unknown
from dispatcher.sending.budget import Budget, Spending
from dispatcher.texts.segments import segments
from shared.categories import Channel

log = structlog.get_logger()

TRIES = 3
_BETWEEN = timedelta(seconds=3)
_LONGEST_WAIT = timedelta(seconds=20)


class Direct:
    """`ports_of` gives the ports in use, by channel; none while the service is not started."""

    def __init__(
        self,
        pool_of: Callable[[], asyncpg.Pool],
        ports_of: Callable[[], Mapping[Channel, Port]],
        budget: Budget,
    ) -> None:
        self._pool_of = pool_of
        self._ports_of = ports_of
        self._budget = budget

    async def mail(self, message: UUID, *, school: str, address: str, content: bytes) -> bool:
        """Whether the mail server took the letter over. `content` is the whole of it."""
        return isinstance(await self._send(Channel.EMAIL, message, school, address, content), Accepted)

    async def sms(self, message: UUID, *, school: str, address: str, text: str) -> bool:
        """Whether the gateway took it over, or perhaps did; False also when the school's month is spent,
        for the school pays (R-C9)."""
        parts = segments(text)
        if Channel.SMS not in self._ports_of() or not await self._reserve(school, parts):
            return False
        outcome: Outcome = Retry("direct: not tried")
        try:
            outcome = await self._send(Channel.SMS, message, school, address, text.encode())
        finally:
            if isinstance(outcome, Accepted):
                await self._spend(Spending(school, 0, outcome.cost or 0))
            elif not isinstance(outcome, Unknown):
                await self._spend(Spending(school, -parts, 0))
        return isinstance(outcome, Accepted | Unknown)

    async def _send(
        self, channel: Channel, message: UUID, school: str, address: str, content: bytes
    ) -> Outcome:
        port = self._ports_of().get(channel)
        outcome: Outcome = Retry("direct: channel off")
        for number in range(1, TRIES + 1 if port is not None else 0):
            assert port is not None
            outcome = await port.send(Parcel(message, school, (address,), content, urgent=True))
            if not _again(channel, outcome) or number == TRIES:
                break
            asked = outcome.after if isinstance(outcome, Retry) else None
            await asyncio.sleep(min(asked or _BETWEEN * number, _LONGEST_WAIT).total_seconds())
        said = type(outcome).__name__.lower()
        log.info("direct.sent", channel=channel.value, message=str(message), outcome=said)
        return outcome

    async def _reserve(self, school: str, parts: int) -> bool:
        """Takes the segments off the month before they are sent: two at once cannot overspend it."""
        async with self._pool_of().acquire(timeout=5) as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"sms {school}")
            if (await self._budget.left(connection, [school])).get(school, 0) < parts:
                log.info("direct.month_is_spent", school=school)
                return False
            await self._budget.add(connection, [Spending(school, parts, 0)])
            return True

    async def _spend(self, spending: Spending) -> None:
        async with self._pool_of().acquire(timeout=5) as connection, connection.transaction():
            await self._budget.add(connection, [spending])


def _again(channel: Channel, outcome: Outcome) -> bool:
    """Whether another try is due, and cannot become a second SMS."""
    match outcome:
        case Unknown():
            return channel is Channel.EMAIL
        case Retry(blame=blame):
            return channel is Channel.EMAIL or blame in {Blame.GATE, Blame.PACE}
        case _:
            return False
