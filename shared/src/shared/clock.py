"""School time: what decides when a family is told.

It runs as real time does, or faster from a given start for the demo and the tests
(DESIGN §5). Leases, rate limits, retries and settle times never use it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """This instant of school time, aware, in UTC."""

    def real_seconds_until(self, instant: datetime) -> float:
        """How many real seconds until school time reaches `instant`; 0 if it has."""


@dataclass(frozen=True, slots=True)
class RealClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def real_seconds_until(self, instant: datetime) -> float:
        return max(0.0, (instant - self.now()).total_seconds())


@dataclass(frozen=True, slots=True)
class AcceleratedClock:
    """school time = start + (real - anchor) x rate."""

    start: datetime
    anchor: datetime
    rate: float

    def now(self) -> datetime:
        return self.start + (datetime.now(UTC) - self.anchor) * self.rate

    def real_seconds_until(self, instant: datetime) -> float:
        if self.rate == 0:
            return 0.0 if instant <= self.now() else timedelta.max.total_seconds()
        return max(0.0, (instant - self.now()).total_seconds() / self.rate)


def make_clock(start: datetime | None, anchor: datetime | None, rate: float) -> Clock:
    """The clock of the settings: real time unless a start is given."""
    if start is None:
        return RealClock()
    return AcceleratedClock(start.astimezone(UTC), (anchor or datetime.now(UTC)).astimezone(UTC), rate)
