"""The breaker of a provider: pure; shared by all replicas through the database (DESIGN §7).

closed → (failures) → open → (one message) → probing → closed, or open again for twice as long. Only
transport counts: whoever answers, be it with a refusal, is there.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

STREAK = 5
"""So many failures on end open it."""
SEEN = 20
"""Or so many calls within `RECENT`, half of which failed."""
RECENT = timedelta(seconds=60)
FIRST = timedelta(seconds=15)
LONGEST = timedelta(minutes=5)
PROBE_LEASE = timedelta(seconds=60)
"""A probe nobody reported of by then is lost with its replica."""


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


@dataclass(frozen=True, slots=True)
class Breaker:
    """`since`: when it closed, or opened first. `until`: open, no probe before; probing, none beside it."""

    since: datetime
    state: State = State.CLOSED
    reason: str | None = None
    until: datetime | None = None
    openings: int = 0
    streak: int = 0
    seen: int = 0
    failed: int = 0
    seen_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What a replica's calls came to since its last report: `last` failures after the last that was
    answered. `probe`: whether the probe was answered, None without one; `unused`: it came back, for nobody
    was called."""

    answered: int = 0
    failed: int = 0
    last: int = 0
    reason: str | None = None
    probe: bool | None = None
    unused: bool = False


class Leave(StrEnum):
    """May one call?"""

    GO = "go"
    PROBE = "probe"  # with one message
    WAIT = "wait"


def heard(breaker: Breaker, report: Report, now: datetime) -> Breaker:
    """The breaker after a report. While it is not closed only the probe counts: the rest was under way."""
    match breaker.state:
        case State.CLOSED:
            return _counted(breaker, report, now)
        case State.PROBING if report.probe is not None:
            return Breaker(now) if report.probe else _opened(breaker, report.reason, now)
        case State.PROBING if report.unused:
            return replace(breaker, state=State.OPEN, until=now)
        case _:
            return breaker


def ask(breaker: Breaker, now: datetime) -> tuple[Breaker, Leave]:
    """Leave to call; a probe is handed out once."""
    if breaker.state is State.CLOSED:
        return breaker, Leave.GO
    if breaker.until is not None and now < breaker.until:
        return breaker, Leave.WAIT
    return replace(breaker, state=State.PROBING, until=now + PROBE_LEASE), Leave.PROBE


def ready(breaker: Breaker, now: datetime) -> Breaker:
    """An operator says it is mended: the next call is the probe."""
    if breaker.state is State.CLOSED:
        return replace(breaker, state=State.OPEN, since=now, until=now)
    return replace(breaker, state=State.OPEN, until=now, openings=0)


def _counted(breaker: Breaker, report: Report, now: datetime) -> Breaker:
    calls = report.answered + report.failed
    if not calls:
        return breaker
    fresh = breaker.seen_from is not None and now - breaker.seen_from < RECENT
    counted = replace(
        breaker,
        streak=report.last if report.answered else breaker.streak + report.failed,
        seen=calls + (breaker.seen if fresh else 0),
        failed=report.failed + (breaker.failed if fresh else 0),
        seen_from=breaker.seen_from if fresh else now,
    )
    if counted.streak >= STREAK or (counted.seen >= SEEN and counted.failed * 2 >= counted.seen):
        return _opened(counted, report.reason, now)
    return counted


def _opened(breaker: Breaker, reason: str | None, now: datetime) -> Breaker:
    return Breaker(
        since=now if breaker.state is State.CLOSED else breaker.since,
        state=State.OPEN,
        reason=reason or breaker.reason,
        until=now + min(FIRST * 2 ** min(breaker.openings, 10), LONGEST),
        openings=breaker.openings + 1,
    )
