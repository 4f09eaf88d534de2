"""The row of a provider: read, decided about, and written if nobody wrote it meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import asyncpg

from dispatcher.sending import breaker, limits
from dispatcher.sending.breaker import Breaker, Leave, Report, State
from dispatcher.sending.limits import Count, Counts, Hold, Limits
from shared.categories import Channel
from shared.db import AnyConnection

LATENCIES = 128
"""So many calls' durations are kept."""
PAUSED = "channel_paused"
HELD = "asked_to_wait"
LIMITED = "rate_limit"
AWAY = "provider_away"
WHY = (PAUSED, HELD, LIMITED, AWAY)
"""Why a message in hand goes back without a call."""
PROBE_AGAIN = timedelta(seconds=2)
"""While another's probe is under way, when to look again."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one replica has to say: its calls, whether the provider asked for less (and for how long),
    and how long calls took, in seconds."""

    report: Report = field(default_factory=Report)
    slow: bool = False
    slow_for: timedelta | None = None
    latencies: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Provider:
    """How a provider stands. `now` is the database's."""

    breaker: Breaker
    hold: Hold
    counts: Counts
    paused: bool
    now: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """`granted` calls may be made now; none: because of `why`, look again after `wait` seconds. One
    granted as `probe` decides whether the breaker closes."""

    granted: int
    why: str | None = None
    wait: float = 0.0
    probe: bool = False


TRIES = 4
"""So often a row is tried without its lock: whoever loses the race has seen another one win it."""

_COLUMNS = """p.*, p.xmin::text AS version, clock_timestamp() AS now,
EXISTS (SELECT FROM dispatch.channel_pause c WHERE c.channel = p.channel) AS paused"""
_READ = f"SELECT {_COLUMNS} FROM dispatch.provider p WHERE channel = ANY($1::text[])"
_ONE = f"SELECT {_COLUMNS} FROM dispatch.provider p WHERE channel = $1"
_LOCK = f"{_ONE} FOR UPDATE"
_WRITE = """UPDATE dispatch.provider SET
    state = $2, since = $3, reason = $4, until = $5, openings = $6, streak = $7, seen = $8, failed = $9,
    seen_from = $10, held_until = $11, strikes = $12, second_at = $13, second_counts = $14, hour_at = $15,
    hour_counts = $16, latencies = (latencies || $17::real[])[greatest(1, cardinality(latencies)
        + cardinality($17::real[]) - $18 + 1):],
    called_at = CASE WHEN $19 THEN clock_timestamp() ELSE called_at END,
    told_at = CASE WHEN $2 <> 'closed' THEN told_at END
WHERE channel = $1"""
# A grant forgotten in a crash of the database is worth no wait for the disk.
_REPLACE = f"{_WRITE} AND xmin::text = $20 AND set_config('synchronous_commit', 'off', true) = 'off'"


async def exchange(
    connection: AnyConnection, channel: Channel, allowed: Limits, wanted: int, told: Told
) -> Answer:
    """Report, and ask for leave to call `wanted` times; not inside a transaction.

    No lock is held while a reply travels: a process that is slow to read one would stop all the others.
    """
    for _ in range(TRIES):
        row = await connection.fetchrow(_ONE, channel.value)
        assert row is not None, "the migration made it"
        after, answer = decide(hear(read(row), told), allowed, wanted)
        if await connection.execute(_REPLACE, *_values(channel, after, told), row["version"]) == "UPDATE 1":
            return answer
    async with connection.transaction():
        after, answer = decide(hear(await lock(connection, channel), told), allowed, wanted)
        await write(connection, channel, after, told)
    return answer


async def lock(connection: AnyConnection, channel: Channel) -> Provider:
    """Until the transaction ends."""
    row = await connection.fetchrow(_LOCK, channel.value)
    assert row is not None, "the migration made it"
    return read(row)


async def look(connection: AnyConnection, channels: Sequence[Channel]) -> dict[Channel, Provider]:
    """How providers stand, nothing taken."""
    rows = await connection.fetch(_READ, [channel.value for channel in channels])
    return {Channel(row["channel"]): read(row) for row in rows}


def hear(provider: Provider, told: Told) -> Provider:
    hold, now = provider.hold, provider.now
    if told.slow:
        hold = limits.slowed(hold, told.slow_for, now)
    elif told.report.answered:
        hold = limits.eased(hold, now)
    return Provider(
        breaker.heard(provider.breaker, told.report, now), hold, provider.counts, provider.paused, now
    )


def decide(provider: Provider, allowed: Limits, wanted: int) -> tuple[Provider, Answer]:
    """Pause, hold, limits and breaker, in this order: a probe is handed out only if it can go."""
    now = provider.now
    if provider.paused:
        return provider, Answer(0, PAUSED)
    if provider.hold.until is not None and now < provider.hold.until:
        return provider, Answer(0, HELD, (provider.hold.until - now).total_seconds())
    seconds = now.timestamp()
    free = limits.wait(provider.counts, allowed, seconds)
    if free > 0:
        return provider, Answer(0, LIMITED, free)
    after, leave = breaker.ask(provider.breaker, now)
    if leave is Leave.WAIT:
        assert after.until is not None
        wait = PROBE_AGAIN if after.state is State.PROBING else after.until - now
        return provider, Answer(0, AWAY, wait.total_seconds())
    if not wanted:
        return provider, Answer(0, probe=leave is Leave.PROBE)
    counts, granted = limits.draw(provider.counts, allowed, 1 if leave is Leave.PROBE else wanted, seconds)
    changed = Provider(after, provider.hold, counts, provider.paused, now)
    return changed, Answer(granted, probe=leave is Leave.PROBE)


def read(row: asyncpg.Record) -> Provider:
    return Provider(
        breaker=Breaker(
            since=row["since"],
            state=State(row["state"]),
            reason=row["reason"],
            until=row["until"],
            openings=row["openings"],
            streak=row["streak"],
            seen=row["seen"],
            failed=row["failed"],
            seen_from=row["seen_from"],
        ),
        hold=Hold(row["held_until"], row["strikes"]),
        counts=Counts(
            Count(row["second_at"], tuple(row["second_counts"])),
            Count(row["hour_at"], tuple(row["hour_counts"])),
        ),
        paused=row["paused"],
        now=row["now"],
    )


async def write(
    connection: AnyConnection, channel: Channel, provider: Provider, told: Told | None = None
) -> None:
    """Under the row's lock."""
    await connection.execute(_WRITE, *_values(channel, provider, told))


def _values(channel: Channel, provider: Provider, told: Told | None) -> tuple[object, ...]:
    found, counts, latencies = provider.breaker, provider.counts, list(told.latencies) if told else []
    return (
        channel.value,
        found.state.value,
        found.since,
        found.reason,
        found.until,
        found.openings,
        found.streak,
        found.seen,
        found.failed,
        found.seen_from,
        provider.hold.until,
        provider.hold.strikes,
        counts.second.at,
        counts.second.counts,
        counts.hour.at,
        counts.hour.counts,
        latencies,
        LATENCIES,
        bool(latencies),
    )
