"""Which days a school teaches (calendar.csv, DESIGN §4)."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache


class DayKind(StrEnum):
    TERM = "term"
    HOLIDAY = "holiday"
    DAY_OFF = "day_off"
    WORKING_DAY = "working_day"


@dataclass(frozen=True, slots=True)
class Span:
    """Days of one kind, both ends included."""

    first: date
    last: date
    kind: DayKind

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True)
class Calendar:
    """A school's year. Without spans every Monday to Friday teaches (to Saturday where days = 6)."""

    spans: tuple[Span, ...] = ()

    def teaches(self, day: date, *, days: int) -> bool:
        """Whether a class of a `days`-day week (5 or 6) has lessons on `day`.

        The narrower rule wins: a working day over a day off, a day off or a holiday over a term.
        """
        return _teaches(self.spans, day, days)

    def next_teaching_day(self, after: date, *, days: int) -> date | None:
        """The first teaching day later than `after`; None when the calendar names none in a year."""
        return next(
            (day for n in range(1, 367) if self.teaches(day := after + timedelta(days=n), days=days)), None
        )

    def last_teaching_day_of_week(self, day: date, *, days: int) -> date | None:
        """The last teaching day of the Monday-Sunday week of `day`; None in a week without lessons."""
        monday = day - timedelta(days=day.weekday())
        week = (monday + timedelta(days=n) for n in range(6, -1, -1))
        return next((candidate for candidate in week if self.teaches(candidate, days=days)), None)


@lru_cache(maxsize=65_536)
def _teaches(spans: tuple[Span, ...], day: date, days: int) -> bool:
    kinds = {span.kind for span in spans if day in span}
    if DayKind.WORKING_DAY in kinds:
        return True
    if kinds & {DayKind.DAY_OFF, DayKind.HOLIDAY}:
        return False
    if any(span.kind is DayKind.TERM for span in spans) and DayKind.TERM not in kinds:
        return False
    return day.weekday() < days
