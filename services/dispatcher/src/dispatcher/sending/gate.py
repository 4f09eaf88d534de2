"""The gate before a provider: whoever sends passes through it, so all replicas together keep to the
limits, stop at a pause or an open breaker, and probe with one message (DESIGN §7).

Permits are drawn from the provider's row in batches: the calls that wait for one, and as many more
as lately were used within a permit's short life.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import asyncpg
import prometheus_client
import structlog

from dispatcher.channels.base import Blame, Misconfigured, Outcome, Parcel, Port, Retry, Unknown
from dispatcher.sending import provider_row
from dispatcher.sending.breaker import Report
from dispatcher.sending.limits import PERMIT_SECONDS, Limits
from dispatcher.sending.provider_row import LIMITED, PAUSED, Answer, Provider, Told
from shared.categories import Channel
from shared.db import DATABASE_AWAY
from shared.settings import Settings

log = structlog.get_logger()

PATIENCE_SECONDS = 1.0
"""A message in hand waits so long for a permit; then it goes back, and others come first."""
LONGEST_AWAY = timedelta(seconds=15)
"""A message that came to a shut gate is not looked at before; the gate may open earlier."""
TEND_SECONDS = 1.0
AHEAD = 64

_CALLS = prometheus_client.Counter(
    "vestnik_provider_calls", "Calls of providers, by how they ended", ["provider", "outcome"]
)
_SECONDS = prometheus_client.Histogram(
    "vestnik_provider_call_seconds",
    "How long providers took to answer",
    ["provider"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)
_OPEN = prometheus_client.Gauge(
    "vestnik_provider_open", "1 while messages may be handed to a provider, else 0", ["provider"]
)


def limits_of(settings: Settings) -> dict[Channel, Limits]:
    return {
        Channel.EMAIL: Limits(settings.smtp_per_second, settings.smtp_per_hour),
        Channel.SMS: Limits(settings.smsaero_per_second, settings.smsaero_per_hour),
        Channel.PUSH: Limits(settings.push_per_second, settings.push_per_hour),
    }


@dataclass(frozen=True, slots=True)
class Shut:
    """No call now: why, and when to look again."""

    why: str
    wait: timedelta


@dataclass(frozen=True, slots=True)
class Permit:
    """One call, now. `probe`: its outcome closes the breaker, or opens it again."""

    probe: bool = False


@dataclass(slots=True)
class _Waiting:
    until: float
    answer: asyncio.Future[Permit | Shut] = field(default_factory=asyncio.Future)


@dataclass(slots=True)
class _Calls:
    """What has come of calls since the last report."""

    answered: int = 0
    failed: int = 0
    last: int = 0
    reason: str | None = None
    probe: bool | None = None
    unused: bool = False
    slow: bool = False
    slow_for: timedelta | None = None
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=32))

    def told(self) -> Told:
        report = Report(self.answered, self.failed, self.last, self.reason, self.probe, self.unused)
        return Told(report, self.slow, self.slow_for, tuple(self.latencies))

    @property
    def any(self) -> bool:
        return bool(self.answered) or self.urgent

    @property
    def urgent(self) -> bool:
        """Whether the other replicas should hear of it now."""
        return bool(self.failed) or self.slow or self.unused or self.probe is not None

    def earlier(self, other: "_Calls") -> None:
        """A report that could not be made is joined with what came after it."""
        if not self.answered:
            self.last += other.last
        self.answered += other.answered
        self.failed += other.failed
        self.reason = self.reason or other.reason
        self.probe = other.probe if self.probe is None else self.probe
        self.unused = self.unused or other.unused
        self.slow = self.slow or other.slow
        self.slow_for = self.slow_for or other.slow_for


class Gate:
    """One process's gate before one provider."""

    def __init__(self, pool: asyncpg.Pool, channel: Channel, limits: Limits) -> None:
        self.channel = channel
        self.limits = limits
        self._pool = pool
        self._waiting: deque[_Waiting] = deque()
        self._drawing: asyncio.Task[None] | None = None
        self._calls = _Calls()
        self._permits = 0
        self._lapse = 0.0
        self._used = 0
        self._ahead = 0
        self._room: int | None = None
        self._was_shut = False

    @property
    def room(self) -> int:
        """How many messages are worth having in hand, as last heard of the provider."""
        return self.limits.per_second if self._room is None else self._room

    async def enter(self) -> Permit | Shut:
        """Leave for one call, within `PATIENCE_SECONDS`. Raises nothing of the database."""
        now = time.monotonic()
        if self._permits and now < self._lapse:
            self._permits -= 1
            self._used += 1
            return Permit()
        waiting = _Waiting(now + PATIENCE_SECONDS)
        self._waiting.append(waiting)
        self._draw_soon()
        return await waiting.answer

    def heard(self, outcome: Outcome, seconds: float, *, probe: bool) -> None:
        """A call has ended."""
        calls, failed = self._calls, _failed(outcome)
        _CALLS.labels(self.channel.value, type(outcome).__name__.lower()).inc()
        _SECONDS.labels(self.channel.value).observe(seconds)
        calls.latencies.append(seconds)
        if failed:
            calls.failed += 1
            calls.last += 1
            calls.reason = outcome.reason if isinstance(outcome, (Retry, Unknown)) else None
        else:
            calls.answered += 1
            calls.last = 0
        if isinstance(outcome, Retry) and outcome.blame is Blame.PACE:
            calls.slow, calls.slow_for = True, outcome.after
        if probe:
            # Settings that are refused pause the channel in a moment; until then nobody else is to try.
            calls.probe = not failed and not isinstance(outcome, Misconfigured)
            if isinstance(outcome, Misconfigured):
                calls.reason = outcome.reason
        if calls.urgent:
            self._draw_soon()

    def not_called(self) -> None:
        """A probe's leave comes back, for the next message."""
        self._calls.unused = True
        self._draw_soon()

    async def report(self) -> None:
        """Tell what nobody told yet."""
        if self._calls.any:
            self._draw_soon()
        if self._drawing is not None:
            await self._drawing

    def see(self, provider: Provider) -> bool:
        """How the provider stands; whether the gate has opened since this was asked last."""
        _, answer = provider_row.decide(provider, self.limits, 1)
        self._heed(answer)
        _OPEN.labels(self.channel.value).set(0 if self._room == 0 else 1)
        opened = self._was_shut and self._room != 0
        self._was_shut = self._room == 0
        return opened

    def _heed(self, answer: Answer) -> None:
        if answer.probe:
            self._room = 1
        else:
            away = answer.why is not None and (answer.why == PAUSED or answer.wait > PATIENCE_SECONDS)
            self._room = 0 if away else None
            self._was_shut = self._was_shut or away

    def _draw_soon(self) -> None:
        if self._drawing is None:
            self._drawing = asyncio.create_task(self._draw())

    async def _draw(self) -> None:
        """Rounds while anybody waits or something must be told at once."""
        try:
            while await self._round() and (self._waiting or self._calls.urgent):
                pass
        except Exception as error:  # noqa: BLE001 - whoever waits is answered, and asks again
            log.error("gate.broken", provider=self.channel.value, error=type(error).__name__)  # noqa: TRY400
        finally:
            self._drawing = None
            _answer(self._waiting, Shut("gate_broken", LONGEST_AWAY))
            self._waiting.clear()

    async def _round(self) -> bool:
        """Report and draw; False when the database is away."""
        asking = [one for one in self._waiting if not one.answer.done()]
        self._waiting.clear()
        calls, self._calls = self._calls, _Calls()
        began = time.monotonic()
        try:
            async with self._pool.acquire() as connection:
                answer = await provider_row.exchange(
                    connection, self.channel, self.limits, self._wanted(len(asking)), calls.told()
                )
        except BaseException as error:
            self._calls.earlier(calls)
            _answer(asking, Shut("database_away", timedelta(seconds=TEND_SECONDS)))
            if isinstance(error, DATABASE_AWAY):
                log.warning("gate.interrupted", provider=self.channel.value, error=type(error).__name__)
                return False
            raise
        self._heed(answer)
        if asking:
            self._deal(asking, answer, began)
        if self._waiting and answer.wait:
            await asyncio.sleep(min(answer.wait, PATIENCE_SECONDS))
        return True

    def _wanted(self, asking: int) -> int:
        """Those who wait, and as many more as were used of what was drawn ahead last time, or a few more
        when all of it was; never more than a slot's share of the limit, for what lapses is lost."""
        if not asking:
            return 0
        ahead = self._used if self._permits else 2 * self._used + 1
        return asking + min(ahead, AHEAD, int(self.limits.per_second * PERMIT_SECONDS))

    def _deal(self, asking: list[_Waiting], answer: Answer, began: float) -> None:
        everybody = [*asking, *self._waiting]  # what was drawn ahead is for those who came meanwhile first
        self._waiting.clear()
        served, left = everybody[: answer.granted], everybody[answer.granted :]
        _answer(served, Permit(probe=answer.probe))
        self._used, self._permits = max(0, len(served) - len(asking)), answer.granted - len(served)
        self._lapse = began + PERMIT_SECONDS
        stay = [one for one in left if answer.why != PAUSED and time.monotonic() + answer.wait < one.until]
        self._waiting.extendleft(reversed(stay))
        shut = Shut(answer.why or LIMITED, min(timedelta(seconds=answer.wait), LONGEST_AWAY))
        _answer([one for one in left if one not in stay], shut)


class Gated:
    """A port behind its gate. Where the gate is shut the message is told to wait and nobody is called."""

    def __init__(self, port: Port, gate: Gate) -> None:
        self.channel = port.channel
        self._port = port
        self._gate = gate

    async def start(self) -> None:
        await self._port.start()

    async def close(self) -> None:
        await self._port.close()

    async def send(self, parcel: Parcel) -> Outcome:
        leave = await self._gate.enter()
        if isinstance(leave, Shut):
            return Retry(leave.why, leave.wait, blame=Blame.GATE)
        began = time.monotonic()
        try:
            outcome = await self._port.send(parcel)
        except Exception as error:
            broken = Unknown(f"port: {type(error).__name__}")
            self._gate.heard(broken, time.monotonic() - began, probe=leave.probe)
            raise
        if isinstance(outcome, Retry) and outcome.blame is Blame.GATE:
            if leave.probe:
                self._gate.not_called()
            return outcome
        self._gate.heard(outcome, time.monotonic() - began, probe=leave.probe)
        return outcome


class Gates:
    """The gates of one process, and who looks after them."""

    def __init__(self, pool: asyncpg.Pool, limits: Mapping[Channel, Limits]) -> None:
        self._pool = pool
        self._gates = {channel: Gate(pool, channel, each) for channel, each in limits.items()}
        self._stopping = asyncio.Event()

    def __getitem__(self, channel: Channel) -> Gate:
        return self._gates[channel]

    def before(self, ports: Iterable[Port]) -> list[Port]:
        return [Gated(port, self._gates[port.channel]) for port in ports]

    def room(self, channel: Channel) -> int:
        return self._gates[channel].room

    def stop(self) -> None:
        self._stopping.set()

    async def run(self, opened: Callable[[], None]) -> None:
        """Until stopped; `opened` is called when messages may go again."""
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            while not stopping.done():
                await self._tend(opened)
                await asyncio.wait([stopping], timeout=TEND_SECONDS)
            await self._tend(opened)
        finally:
            stopping.cancel()

    async def _tend(self, opened: Callable[[], None]) -> None:
        try:
            for gate in self._gates.values():
                await gate.report()
            async with self._pool.acquire() as connection:
                found = await provider_row.look(connection, list(self._gates))
        except DATABASE_AWAY as error:
            log.warning("gate.not_tended", error=type(error).__name__)
            return
        news = [self._gates[channel].see(provider) for channel, provider in found.items()]
        if any(news):
            opened()


def _failed(outcome: Outcome) -> bool:
    """Whether the provider was not there."""
    return isinstance(outcome, Unknown) or (isinstance(outcome, Retry) and outcome.blame is Blame.PROVIDER)


def _answer(waiting: Iterable[_Waiting], answer: Permit | Shut) -> None:
    for one in waiting:
        if not one.answer.done():
            one.answer.set_result(answer)
