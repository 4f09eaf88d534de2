"""The paper week of a class: the half-open interval between two closes (DESIGN §8).

It closes on the class's last teaching day of the calendar week, at the profile's `close_week_at`, and is
named by the ISO week of that instant. A calendar week without teaching days has no close: what happens
in it belongs to the next week that has one. So weeks tile time: every instant of acceptance is in one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from shared.calendar import Calendar

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""When the first week of a calendar opened: earlier than anything a journal can have sent."""

_SEARCH = 60  # calendar weeks: longer than any summer, and more than a calendar usually spans
_LOOK_BACK = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class PaperWeek:
    """`opened_at` ≤ what belongs to it < `closes_at`, both in UTC; `name` as «2026-W47»."""

    name: str
    opened_at: datetime
    closes_at: datetime


@dataclass(frozen=True, slots=True)
class Timetable:
    """What the weeks of a class follow: its school's calendar and zone, its days a week, the closing time."""

    calendar: Calendar
    days: int
    timezone: ZoneInfo
    close_at: time

    def week_of(self, instant: datetime) -> PaperWeek | None:
        """The week that holds `instant`; None when the calendar teaches no more within a year."""
        closes_at = self.close_after(instant)
        if closes_at is None:
            return None
        return PaperWeek(self.name_of(closes_at), self.close_before(instant) or BEGINNING, closes_at)

    def week_named(self, name: str) -> PaperWeek | None:
        """The week that closes in this ISO week, if one does. Raises ValueError for no ISO week."""
        closes_at = self._close_in(date.fromisoformat(f"{name}-1"))
        if closes_at is None:
            return None
        return PaperWeek(name, self.close_before(closes_at - timedelta.resolution) or BEGINNING, closes_at)

    def week_after(self, closed: str, closed_at: datetime) -> PaperWeek | None:
        """The week that follows `closed`, which closed at `closed_at`, perhaps before its time:
        then the following one opens that much earlier."""
        for closes_at in self._closes(closed_at, step=1):
            if closes_at > closed_at and self.name_of(closes_at) > closed:
                return PaperWeek(self.name_of(closes_at), closed_at, closes_at)
        return None

    def close_after(self, instant: datetime) -> datetime | None:
        """The first close later than `instant`."""
        return next((close for close in self._closes(instant, step=1) if close > instant), None)

    def close_before(self, instant: datetime) -> datetime | None:
        """The last close not later than `instant`."""
        return next((close for close in self._closes(instant, step=-1) if close <= instant), None)

    def name_of(self, closes_at: datetime) -> str:
        year, week, _ = closes_at.astimezone(self.timezone).isocalendar()
        return f"{year:04}-W{week:02}"

    def day_of(self, instant: datetime) -> date:
        """The school's date."""
        return instant.astimezone(self.timezone).date()

    def local(self, day: date, at: time) -> datetime:
        """An instant of the school's own time."""
        return datetime.combine(day, at, tzinfo=self.timezone)

    def days_told_of(self, opened_at: datetime, closed_at: datetime) -> tuple[date, date]:
        """The days a sheet names as its period: from the first teaching day after the last close."""
        last = self.day_of(closed_at)
        after = max(self.day_of(opened_at), last - _LOOK_BACK)
        first = self.calendar.next_teaching_day(after, days=self.days)
        return (first if first is not None and first <= last else min(after + timedelta(days=1), last)), last

    def hand_out_by(self, closed_at: datetime, at: time) -> datetime | None:
        """`at` on the first teaching day after the close (R-E4)."""
        day = self.calendar.next_teaching_day(self.day_of(closed_at), days=self.days)
        return self.local(day, at) if day is not None else None

    def _close_in(self, day: date) -> datetime | None:
        last = self.calendar.last_teaching_day_of_week(day, days=self.days)
        # In UTC, because two instants of one zone compare by the wall, not by time.
        return self.local(last, self.close_at).astimezone(UTC) if last is not None else None

    def _closes(self, instant: datetime, *, step: int) -> Iterator[datetime]:
        """The closes of the calendar weeks from the one of `instant` on, or back."""
        day = self.day_of(instant)
        for n in range(_SEARCH):
            close = self._close_in(day + timedelta(weeks=n * step))
            if close is not None:
                yield close
