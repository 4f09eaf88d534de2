"""Tells the staff: one process of all (`shared.bus.lead`), one letter an addressee at a time.

address → compose → send → mark. A letter keeps its notices and its Message-ID over all attempts, so
whatever breaks between acceptance and mark only repeats a letter its reader's program knows already.
While e-mail is paused nothing is done: notices wait, and `vestnik status` shows them.
"""

import random
from datetime import timedelta

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
from dispatcher.notices import store
from dispatcher.notices.letter import StaffLetters
from dispatcher.notices.store import Letter
from dispatcher.notices.view import see
from dispatcher.notices.whom import addresses
from dispatcher.sending.pauses import stop_misconfigured
from dispatcher.sending.retry import Backoff, retry_in, time_left
from shared.bus.lead import Bell, Pulse
from shared.categories import Channel
from shared.clock import Clock

log = structlog.get_logger()

JOB = "tell staff"
EVERY = timedelta(minutes=10)
"""No more than one letter an addressee in this time (real): what comes meanwhile is gathered."""
AT_MOST = 50
"""Notices in one letter."""
POLL_SECONDS = 2.0
_HOLD = timedelta(minutes=2)  # longer than any call of the port: a second teller does not send beside


class Teller:
    """`port` is the e-mail one, shared with the sender."""

    def __init__(
        self,
        clock: Clock,
        *,
        port: Port,
        letters: StaffLetters,
        every: timedelta = EVERY,
        hold: timedelta = _HOLD,
        backoff: Backoff | None = None,
    ) -> None:
        self._clock = clock
        self._port = port
        self._letters = letters
        self._every, self._hold = every, hold
        self._backoff = backoff or Backoff()

    async def run(self, connection: asyncpg.Connection, bell: Bell, pulse: Pulse) -> None:
        """`shared.bus.lead.Work`: rounds until told to stop; the letter in hand is finished first."""
        while not bell.stopping:
            await self.round(connection, bell)
            pulse.beat()
            await bell.sleep(POLL_SECONDS)

    async def round(self, connection: asyncpg.Connection, bell: Bell) -> None:
        if await _paused(connection):
            return
        async with connection.transaction():
            notices = await store.unaddressed(connection)
            if notices:
                staff = await store.read_staff(connection)
                await store.address(connection, {one.id: addresses(one, staff) for one in notices})
        async with connection.transaction():
            await store.compose(connection, every=self._every, at_most=AT_MOST)
        for letter in await store.take(connection, hold=self._hold):
            if bell.stopping or await _paused(connection):
                await store.again(connection, letter.id, timedelta(0), "not_sent")
                continue
            await self._tell(connection, letter)

    async def _tell(self, connection: asyncpg.Connection, letter: Letter) -> None:
        seen = await see(connection, letter)
        school = next((one.notice.school for one in seen if one.notice.school), "")
        outcome: Outcome
        try:
            content = self._letters.write(letter, seen, now=self._clock.now())
            outcome = await self._port.send(Parcel(letter.id, school, (letter.address,), content))
        except Exception as error:  # noqa: BLE001 - one letter nobody foresaw must not hold up the others
            # The traceback may quote a name or an address.
            log.error(  # noqa: TRY400
                "notices.letter_broken", letter=str(letter.id), error=type(error).__name__
            )
            outcome = Unknown(f"broken: {type(error).__name__}")
        async with connection.transaction():
            await self._mark(connection, letter, outcome)

    async def _mark(self, connection: asyncpg.Connection, letter: Letter, outcome: Outcome) -> None:
        match outcome:
            case Accepted():
                await store.end(connection, letter.id, "accepted")
                log.info("notices.told", letter=str(letter.id), attempts=letter.attempts)
            case AddressFailed(reason) | MessageFailed(reason):
                log.warning("notices.refused", letter=str(letter.id))
                await store.end(connection, letter.id, "refused", reason)
            case Misconfigured(reason):
                await stop_misconfigured(connection, Channel.EMAIL, reason, by="teller", at=self._clock.now())
                await store.again(connection, letter.id, timedelta(0), reason)
            case Retry(reason, after):
                await self._later(connection, letter, reason, after)
            case Unknown(reason):
                await self._later(connection, letter, reason, None)

    async def _later(
        self, connection: asyncpg.Connection, letter: Letter, reason: str, asked: timedelta | None
    ) -> None:
        left = time_left(self._backoff, until_expiry=None, until_deadline=None, waited=letter.waited)
        wait = retry_in(
            self._backoff,
            attempts=letter.attempts,
            asked=asked,
            left=left,
            jitter=random.random(),  # noqa: S311 - spreads retries
        )
        if wait is None:
            log.error("notices.gave_up", letter=str(letter.id))
            await store.end(connection, letter.id, "gave_up", reason)
        else:
            await store.again(connection, letter.id, wait, reason)


async def _paused(connection: asyncpg.Connection) -> bool:
    return bool(
        await connection.fetchval(
            "SELECT true FROM dispatch.channel_pause WHERE channel = $1", Channel.EMAIL.value
        )
    )
