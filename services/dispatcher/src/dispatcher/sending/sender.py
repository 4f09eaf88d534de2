"""Sending: one lane a channel, each claiming only what it can hand over at once (DESIGN §7).

claim and check in one short transaction → render → (SMS: write the attempt down) → send →
settle. Never a transaction across a network call.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Protocol
from uuid import UUID, uuid4

import asyncpg
import structlog

from dispatcher.channels.base import Accepted, Outcome, Parcel, Port, Retry, Unknown
from dispatcher.messages import Move, Status, move
from dispatcher.sending import attempts
from dispatcher.sending.claims import HEARTBEAT_SECONDS, Claimed, claim, extend, seconds_to_next
from dispatcher.sending.phones import Planned
from dispatcher.sending.prepare import ACTOR, Preparer, Ready
from dispatcher.sending.settler import Result, Settler
from dispatcher.texts.segments import segments
from dispatcher.view import Kind, MessageView
from shared.categories import Channel
from shared.clock import Clock
from shared.db import DATABASE_AWAY

log = structlog.get_logger()

UNSETTLED = 32
"""At most so many messages are sent but not yet settled, in one process."""
FRESH_SECONDS = 2.0
"""A message checked longer ago than this is put back rather than sent on old papers."""
POLL_SECONDS = 2.0
"""Wake-ups and waiting attempts do not wait for this; it finds what a lost wake-up told of."""
SET_ASIDE = timedelta(minutes=10)


class Renders(Protocol):
    """What makes a channel's content of a view (dispatcher.texts)."""

    def render(self, view: MessageView, channel: Channel, *, address: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Width:
    """How broad a lane is: calls at a time, and messages in hand (called, waiting, unsettled). It looks
    for work by itself every `poll` seconds."""

    calls: int
    hand: int
    poll: float = POLL_SECONDS


WIDTHS = {
    Channel.EMAIL: Width(calls=16, hand=128),
    Channel.PUSH: Width(calls=8, hand=32),
    Channel.SMS: Width(calls=4, hand=8),
}


@dataclass(slots=True)
class Lane:
    """One channel's way out, with its own view of the registry. `due`: a claim may find something: somebody
    said so, the last one was full, a message went back, or nobody has looked for a while."""

    port: Port
    preparer: Preparer
    width: Width
    calls: asyncio.Semaphore
    gate: Callable[[], int]
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: set[asyncio.Task[bool | None]] = field(default_factory=set)
    due: bool = True
    pace: float = 0.05
    careful: int = 0

    @property
    def channel(self) -> Channel:
        return self.port.channel

    @property
    def free(self) -> int:
        """How many more to take: no more than go out well before their papers are stale. None when
        the gateway became slow, or its limit came near, while more than that were in hand."""
        soon = self.width.calls * FRESH_SECONDS / 4 / max(self.pace, 1e-3)
        return max(0, int(min(self.width.hand, self.width.calls + soon, self.gate())) - len(self.tasks))

    @property
    def room(self) -> bool:
        """Whether a claim is worth its statements: half the hand is empty, or all of it."""
        free = self.free
        return free > 0 and (free >= len(self.tasks) or not self.tasks)

    def wake(self) -> None:
        self.due = True
        self.changed.set()

    def paced(self, seconds: float) -> None:
        """A call took so long; recent ones count most."""
        self.pace += (seconds - self.pace) / 8


@dataclass(frozen=True, slots=True)
class Packed:
    """Ready to hand over. `checked` is the monotonic instant before its papers were read."""

    ready: Ready
    parcel: Parcel
    checked: float


class Sender:
    """Runs until stopped; then finishes what is in hand."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        clock: Clock,
        *,
        ports: Sequence[Port],
        renderer: Renders,
        make_preparer: Callable[[], Preparer],
        settler: Settler,
        widths: Mapping[Channel, Width] = WIDTHS,
        room: Callable[[Channel], int] = lambda _: sys.maxsize,
    ) -> None:
        """`room`: how many messages a channel's provider takes now (dispatcher.sending.gate)."""
        self._pool = pool
        self._clock = clock
        self._renderer = renderer
        self._settler = settler
        self._lanes = [
            Lane(
                port,
                make_preparer(),
                widths[port.channel],
                asyncio.Semaphore(widths[port.channel].calls),
                partial(room, port.channel),
            )
            for port in ports
        ]
        self._unsettled = asyncio.Semaphore(UNSETTLED)
        self._in_hand: dict[UUID, UUID] = {}
        self._stopping = asyncio.Event()

    def wake(self, channel: Channel | None = None) -> None:
        """New messages were composed, for this channel or for any."""
        for lane in self._lanes:
            if channel in {None, lane.channel}:
                lane.wake()

    def stop(self) -> None:
        self._stopping.set()
        self.wake()

    async def run(self) -> None:
        heart = asyncio.create_task(self._heartbeat())
        try:
            await asyncio.gather(*(self._run_lane(lane) for lane in self._lanes))
        finally:
            heart.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await heart

    async def _run_lane(self, lane: Lane) -> None:
        while not self._stopping.is_set():
            lane.changed.clear()
            if lane.due and lane.room:
                lane.due = False
                await self._try_round(lane)
            if not (lane.due and lane.room):
                pause = await self._until_next(lane)
                try:
                    await asyncio.wait_for(lane.changed.wait(), pause)
                except TimeoutError:
                    lane.due = True
        while lane.tasks:
            await asyncio.wait(lane.tasks)

    async def _try_round(self, lane: Lane) -> None:
        try:
            await self.round(lane)
        except DATABASE_AWAY as error:
            log.warning("send.interrupted", channel=lane.channel.value, error=type(error).__name__)
        except Exception as error:  # noqa: BLE001 - a message nobody foresaw must not stop the rest
            with contextlib.suppress(*DATABASE_AWAY):  # the next round says that it is away
                await self._stumbled(lane, error)
        else:
            lane.careful = max(0, lane.careful - 1)

    async def _until_next(self, lane: Lane) -> float:
        """Seconds to sleep: to the next attempt of a message that waits, but no longer than a poll."""
        if lane.tasks:  # the end of the last wakes the lane
            return lane.width.poll
        try:
            async with self._pool.acquire() as connection:
                seconds = await seconds_to_next(connection, lane.channel)
        except DATABASE_AWAY:
            return lane.width.poll
        return lane.width.poll if seconds is None else min(lane.width.poll, seconds + 0.001)

    async def round(self, lane: Lane) -> int:
        """Claim what fits into the hand and set it on its way; how many messages were claimed."""
        checked = time.monotonic()
        lease = uuid4()
        limit = 1 if lane.careful else lane.free
        async with self._pool.acquire() as connection, connection.transaction():
            claimed = await claim(
                connection,
                channel=lane.channel,
                school_now=self._clock.now(),
                limit=limit,
                lease=lease,
                actor=ACTOR,
            )
            ready = await lane.preparer.prepare(connection, claimed) if claimed else []
        lane.due = lane.due or len(claimed) == limit
        for one in ready:
            self._in_hand[one.claimed.message] = lease
        packed = [packed for one in ready if (packed := self._pack(lane, one, checked)) is not None]
        if lane.channel is Channel.SMS and packed:
            packed = await self._begin_sms(lane, packed)
        for one_packed in packed:
            self._start(lane, one_packed.ready.claimed, self._carry(lane, one_packed))
        return len(claimed)

    async def _stumbled(self, lane: Lane, error: Exception) -> None:
        """Something in the claim cannot be prepared: go one by one, and set aside the one that fails."""
        kind = type(error).__name__
        if not lane.careful:
            lane.careful = lane.width.hand
            log.error("send.round_broken", channel=lane.channel.value, error=kind)
            return
        async with self._pool.acquire() as connection, connection.transaction():
            claimed = await claim(
                connection,
                channel=lane.channel,
                school_now=self._clock.now(),
                limit=1,
                lease=uuid4(),
                actor=ACTOR,
            )
            for one in claimed:
                log.error("send.not_prepared", message=str(one.message), error=kind)
            aside = [
                Move(one.message, Status.COMPOSED, reason="not_prepared", again_in=SET_ASIDE)
                for one in claimed
            ]
            await move(connection, aside, actor=ACTOR)

    def _pack(self, lane: Lane, ready: Ready, checked: float) -> Packed | None:
        claimed = ready.claimed
        try:
            content = self._renderer.render(ready.view, lane.channel, address=ready.addresses[0])
        except Exception as error:  # noqa: BLE001 - one unreadable change must not stop the rest
            # The traceback may quote a family's data, so only the kind of the error is kept.
            log.error(  # noqa: TRY400
                "send.not_rendered", message=str(claimed.message), error=type(error).__name__
            )
            self._start(lane, claimed, self._settler.settled(Result(ready, Retry("not_rendered"))))
            return None
        urgent = claimed.kind is Kind.IMMEDIATE
        parcel = Parcel(claimed.message, claimed.school, ready.addresses, content, urgent, ready.papers)
        return Packed(ready, parcel, checked)

    async def _begin_sms(self, lane: Lane, packed: Sequence[Packed]) -> list[Packed]:
        """Commit the attempts before any request; equal ones to one number go one at a time, and what
        number or budget forbids now waits. When the
        commit's own outcome is unknown, the lease is left to run out."""
        planned = [self._planned(one) for one in packed]
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                waits = await attempts.begin(connection, planned, budget=self._settler.budget)
        except BaseException:
            for one in packed:
                self._in_hand.pop(one.ready.claimed.message, None)
            raise
        for one in packed:
            wait = waits.get(one.ready.claimed.message)
            if wait is not None:
                back = self._settler.put_back(one.ready.claimed, wait.reason, wait.again_in)
                self._start(lane, one.ready.claimed, back)
        return [one for one in packed if one.ready.claimed.message not in waits]

    def _planned(self, packed: Packed) -> Planned:
        text = packed.parcel.content.decode()
        return Planned(
            packed.parcel.message,
            packed.parcel.school,
            packed.parcel.addresses[0],
            text,
            attempts.text_hash(text),
            segments(text),
        )

    def _start(self, lane: Lane, claimed: Claimed, work: Coroutine[Any, Any, bool | None]) -> None:
        """`work` says whether the message is out of the lane's hands."""
        task = asyncio.create_task(work)
        lane.tasks.add(task)

        def ended(done: asyncio.Task[bool | None]) -> None:
            lane.tasks.discard(done)
            self._in_hand.pop(claimed.message, None)
            gone = False
            if not done.cancelled():
                if (error := done.exception()) is not None:
                    # Not settled: the lease runs out and another round takes it up.
                    log.error("send.broken", message=str(claimed.message), error=type(error).__name__)
                else:
                    gone = bool(done.result())
            lane.due = lane.due or not gone
            if lane.due or not lane.tasks:
                lane.changed.set()

        task.add_done_callback(ended)

    async def _carry(self, lane: Lane, packed: Packed) -> bool:
        """Hand one parcel over and see it settled; it keeps its place among the unsettled until then.
        Whether the gateway has it."""
        claimed = packed.ready.claimed
        await lane.calls.acquire()
        try:
            await self._unsettled.acquire()
        except BaseException:
            lane.calls.release()
            raise
        try:
            outcome: Outcome | None = None
            try:
                if not self._stopping.is_set() and time.monotonic() - packed.checked <= FRESH_SECONDS:
                    outcome = await self._call(lane, packed.parcel)
            finally:
                lane.calls.release()
            if outcome is None:
                await self._settler.put_back(claimed, "not_sent")
                return False
            sms = lane.channel is Channel.SMS
            parts = segments(packed.parcel.content.decode()) if sms else 0
            await self._settler.settled(Result(packed.ready, outcome, parts))
            return isinstance(outcome, Accepted)
        finally:
            self._unsettled.release()

    async def _call(self, lane: Lane, parcel: Parcel) -> Outcome:
        began = time.monotonic()
        try:
            return await lane.port.send(parcel)
        except Exception as error:  # noqa: BLE001 - a port must not raise; if it does, nothing is known
            log.error(  # noqa: TRY400 - a traceback may quote an address
                "send.port_broken", channel=lane.channel.value, error=type(error).__name__
            )
            return Unknown(f"port: {type(error).__name__}")
        finally:
            lane.paced(time.monotonic() - began)

    async def _heartbeat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            if self._in_hand:
                try:
                    async with self._pool.acquire() as connection:
                        await extend(connection, self._in_hand.items())
                except DATABASE_AWAY as error:
                    log.warning("send.heartbeat_missed", error=type(error).__name__)
