"""Writing down what became of what was sent, in batches: the fewer commits, the faster, but never
later than a tenth of a second after the gateway's answer (DESIGN §7)."""

import asyncio
import contextlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import structlog

from dispatcher.channels.base import Accepted, Outcome
from dispatcher.messages import Move, Moved, Status, move
from dispatcher.outcomes import MessageOutcome, is_end, publish
from dispatcher.sending import attempts
from dispatcher.sending.budget import Budget, Spending
from dispatcher.sending.claims import Claimed
from dispatcher.sending.failures import try_another
from dispatcher.sending.pauses import stop_misconfigured
from dispatcher.sending.prepare import Ready
from dispatcher.sending.retry import Backoff, time_left
from dispatcher.sending.settle import AttemptEnd, Settlement, settle
from dispatcher.sending.suppression import Source, Stop, suppress
from shared.bus.faults import passes
from shared.categories import Channel
from shared.clock import Clock
from shared.db import AnyConnection

log = structlog.get_logger()

ACTOR = "sender"
GATHER_SECONDS = 0.05
ENOUGH = 16
"""So many at once are written without gathering more."""
_LONGEST_PAUSE = 5.0
_FAR = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Result:
    """What a channel answered for one message; `segments` of an SMS."""

    ready: Ready
    outcome: Outcome
    segments: int = 0


@dataclass(slots=True)
class _Waiting:
    result: Result | None
    put_back: Move | None
    done: asyncio.Future[None] = field(default_factory=asyncio.Future)


class Settler:
    """`settled` returns once the result is committed; a database out of reach is waited for."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock, *, budget: Budget, backoff: Backoff) -> None:
        self._pool = pool
        self._clock = clock
        self.budget = budget
        self._backoff = backoff
        self._waiting: list[_Waiting] = []
        self._arrived = asyncio.Event()
        self._stopping = False

    async def settled(self, result: Result) -> None:
        await self._queue(_Waiting(result, None))

    async def put_back(self, claimed: Claimed, reason: str, again_in: timedelta | None = None) -> None:
        """A claimed message that was not sent after all."""
        back = Move(
            claimed.message,
            Status.COMPOSED,
            before=Status.SENDING,
            lease=claimed.lease,
            reason=reason,
            again_in=again_in,
            attempted=False,
        )
        await self._queue(_Waiting(None, back))

    async def _queue(self, one: _Waiting) -> None:
        self._waiting.append(one)
        self._arrived.set()
        await one.done

    def stop(self) -> None:
        """Ends `run` once nothing waits any more."""
        self._stopping = True
        self._arrived.set()

    async def run(self) -> None:
        failures = 0
        while not (self._stopping and not self._waiting):
            await self._arrived.wait()
            self._arrived.clear()
            await self._gather()
            batch, self._waiting = self._waiting, []
            if not batch:
                continue
            try:
                await self._write(batch)
            except Exception as error:  # noqa: BLE001 - judged below
                kind = type(error).__name__
                if passes(error):
                    failures += 1
                    log.warning("settle.interrupted", error=kind, messages=len(batch))
                    self._waiting = batch + self._waiting
                    self._arrived.set()
                    await asyncio.sleep(min(_LONGEST_PAUSE, 0.1 * 2**failures))
                else:  # one of them cannot be written: the others are
                    log.error("settle.broken", error=kind, messages=len(batch))  # noqa: TRY400 - may quote a row
                    await self._one_by_one(batch)
            else:
                failures = 0
                for one in batch:
                    one.done.set_result(None)

    async def _gather(self) -> None:
        """A moment for others to come in."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GATHER_SECONDS):
                while len(self._waiting) < ENOUGH and not self._stopping:
                    await self._arrived.wait()
                    self._arrived.clear()

    async def _one_by_one(self, batch: Sequence[_Waiting]) -> None:
        """One that cannot be written is left to its lease, which runs out."""
        for one in batch:
            try:
                await self._write([one])
            except Exception as error:  # noqa: BLE001 - passed on to the one who waits
                one.done.set_exception(error)
            else:
                one.done.set_result(None)

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        now = datetime.now(UTC)
        settlements = [(one.result, self._judge(one.result, now)) for one in batch if one.result is not None]
        firsts = [settlement.moves[0] for _, settlement in settlements]
        firsts += [one.put_back for one in batch if one.put_back is not None]
        later = [again for _, settlement in settlements for again in settlement.moves[1:]]
        school_now = self._clock.now()
        async with self._pool.acquire() as connection, connection.transaction():
            moved = await move(connection, firsts, actor=ACTOR, school_now=school_now)
            later = await _only_to_something(connection, settlements, moved, later)
            moved += await move(connection, later, actor=ACTOR)
            backs = [one.put_back for one in batch if one.put_back is not None]
            await attempts.end(connection, [(back.message, AttemptEnd.REFUSED, None) for back in backs])
            await self._record(connection, settlements, moved, school_now)
        if len(moved) < len(firsts) + len(later):
            log.warning("settle.lease_lost", messages=len(firsts) + len(later) - len(moved))

    def _judge(self, result: Result, now: datetime) -> Settlement:
        claimed = result.ready.claimed
        return settle(
            claimed,
            result.outcome,
            addresses=result.ready.addresses,
            backoff=self._backoff,
            left=time_left(
                self._backoff,
                until_expiry=self._until(claimed.expires_at),
                until_deadline=self._until(claimed.deadline),
                waited=now - claimed.composed_at,
            ),
            jitter=random.random(),  # noqa: S311 - spreads retries
        )

    def _until(self, instant: datetime | None) -> timedelta | None:
        """Real time until an instant of school time."""
        if instant is None:
            return None
        return min(timedelta(seconds=min(self._clock.real_seconds_until(instant), 1e9)), _FAR)

    async def _record(
        self,
        connection: AnyConnection,
        settlements: Sequence[tuple[Result, Settlement]],
        moved: Sequence[Moved],
        school_now: datetime,
    ) -> None:
        ended = {one.message: one.after for one in moved}
        sms = [pair for pair in settlements if pair[0].ready.claimed.channel is Channel.SMS]
        closed = await attempts.end(
            connection,
            [
                (result.ready.claimed.message, settlement.attempt, settlement.moves[0].provider_id)
                for result, settlement in sms
                if settlement.attempt is not None
            ],
        )
        await self.budget.add(
            connection,
            [
                Spending(result.ready.claimed.school, result.segments, result.outcome.cost or 0.0)
                for result, _ in sms
                if isinstance(result.outcome, Accepted) and result.ready.claimed.message in closed
            ],
        )
        await _suppress(connection, settlements)
        for result, settlement in settlements:
            if settlement.pause is not None:
                channel = result.ready.claimed.channel
                await stop_misconfigured(connection, channel, settlement.pause, by=ACTOR, at=school_now)
        await publish(
            connection,
            [
                _outcome(result.ready, ended[message], settlement.moves[0].reason, school_now)
                for result, settlement in settlements
                if (message := result.ready.claimed.message) in ended
                and is_end(ended[message], result.ready.claimed.channel)
            ],
        )


async def _only_to_something(
    connection: AnyConnection,
    settlements: Sequence[tuple[Result, Settlement]],
    moved: Sequence[Moved],
    later: Sequence[Move],
) -> list[Move]:
    """Second moves without those of messages that have nothing left to look for elsewhere."""
    failed = {one.message for one in moved if one.after is Status.FAILED}
    elsewhere = {
        settlement.moves[0].message for _, settlement in settlements if settlement.elsewhere
    } & failed
    going = await try_another(connection, elsewhere) if elsewhere else set()
    return [one for one in later if one.message not in elsewhere or one.message in going]


async def _suppress(connection: AnyConnection, settlements: Sequence[tuple[Result, Settlement]]) -> None:
    await suppress(
        connection,
        [
            Stop(claimed.school, claimed.channel, address, settlement.moves[0].reason or "", Source.REPLY)
            for result, settlement in settlements
            for claimed in [result.ready.claimed]
            for address in settlement.suppress
        ],
    )


def _outcome(ready: Ready, status: Status, reason: str | None, at: datetime) -> MessageOutcome:
    claimed, items = ready.claimed, ready.view.items
    changes: list[UUID] = [item.change.change for item in items]
    return MessageOutcome(
        message=claimed.message,
        school=claimed.school,
        guardian=claimed.guardian,
        channel=claimed.channel,
        status=status,
        reason=reason,
        changes=tuple(changes),
        pupils=tuple(sorted({child.pupil for item in items for child in item.children})),
        at=at,
    )
