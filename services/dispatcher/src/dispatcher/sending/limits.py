"""How fast a provider may be called by all replicas together: pure; the counts lie in the database.

Grants are counted in slots. Slots touched by a window are all counted, the one just begun and
the life of a permit included, so *any* second and *any* hour hold no more calls than the limit;
the price is a tenth of the rate at a limit that is used up all the time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

PERMIT_SECONDS = 0.05
"""A permit not used for so long lapses; it stays counted."""


@dataclass(frozen=True, slots=True)
class Span:
    """A window: `slots` of so many `micros`econds each. Whole numbers: a slot's edge is one instant."""

    micros: int
    slots: int


# Any window with a permit's life before it touches at most so many slots.
SECOND = Span(50_000, 22)
HOUR = Span(60_000_000, 62)


@dataclass(frozen=True, slots=True)
class Limits:
    """The most calls in any second and in any hour."""

    per_second: int
    per_hour: int


@dataclass(frozen=True, slots=True)
class Count:
    """Grants by slot, the newest first; `at` is the newest slot's number since 1970."""

    at: int = 0
    counts: tuple[int, ...] = ()

    @property
    def total(self) -> int:
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Counts:
    second: Count = Count()
    hour: Count = Count()


def at(count: Count, span: Span, now: float) -> Count:
    """The count as of now: what is too old falls out. A clock that steps back changes nothing."""
    passed = _micros(now) // span.micros - count.at
    if passed <= 0:
        return count
    kept = count.counts[: max(0, span.slots - passed)]
    return Count(count.at + passed, (0,) * min(passed, span.slots) + kept)


def draw(counts: Counts, limits: Limits, wanted: int, now: float) -> tuple[Counts, int]:
    """As many of the wanted permits as both limits allow. `now`: seconds since 1970, the database's."""
    second, hour = at(counts.second, SECOND, now), at(counts.hour, HOUR, now)
    left = min(limits.per_second - second.total, limits.per_hour - hour.total)
    granted = max(0, min(wanted, left))
    return Counts(_added(second, granted), _added(hour, granted)), granted


def wait(counts: Counts, limits: Limits, now: float) -> float:
    """Seconds until both limits allow at least one more; 0 when they do."""
    return max(
        _free_in(at(counts.second, SECOND, now), SECOND, limits.per_second, now),
        _free_in(at(counts.hour, HOUR, now), HOUR, limits.per_hour, now),
    )


def _added(count: Count, granted: int) -> Count:
    return Count(count.at, (count.counts[0] + granted, *count.counts[1:])) if granted else count


def _free_in(count: Count, span: Span, limit: int, now: float) -> float:
    over = count.total - limit + 1
    for age in range(len(count.counts) - 1, -1, -1):
        if over <= 0:
            break
        over -= count.counts[age]
        if over <= 0:
            return ((count.at - age + span.slots) * span.micros - _micros(now)) / 1e6
    return 0.0


def _micros(now: float) -> int:
    return round(now * 1e6)


@dataclass(frozen=True, slots=True)
class Hold:
    """The provider itself asked for less: nobody calls it until then."""

    until: datetime | None = None
    strikes: int = 0


FIRST_HOLD = timedelta(seconds=5)
LONGEST_HOLD = timedelta(minutes=15)
"""A server that asks for hours is asked again sooner, by one batch."""


def slowed(hold: Hold, asked: timedelta | None, now: datetime) -> Hold:
    """The provider answered «too fast» (429, 421). Without a time of its own: 5 s, doubled each time it
    says so again. Calls that were under way when it said so first are one strike."""
    if hold.until is not None and now < hold.until:
        return Hold(max(hold.until, now + min(asked or timedelta(0), LONGEST_HOLD)), hold.strikes)
    pause = max(FIRST_HOLD * 2 ** min(hold.strikes, 10), asked or timedelta(0))
    return Hold(now + min(pause, LONGEST_HOLD), hold.strikes + 1)


def eased(hold: Hold, now: datetime) -> Hold:
    """A call came through: after the hold is over, it is forgotten."""
    return hold if hold.until is not None and now < hold.until else Hold()
