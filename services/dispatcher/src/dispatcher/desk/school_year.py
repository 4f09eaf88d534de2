"""The school year a day belongs to, and when its classes begin: pure (R-B9, R-B11)."""

from datetime import date

from shared.calendar import Calendar, DayKind


def year_of(day: date) -> int:
    """The year in which this school year began; a new one begins on 1 July, when lists may change."""
    return day.year if day >= new_year(day.year) else day.year - 1


def new_year(year: int) -> date:
    return date(year, 7, 1)


def classes_begin(calendar: Calendar, day: date) -> date:
    """The first day of term of the school year of `day`; 1 September where the calendar names none."""
    year = year_of(day)
    terms = [
        span.first
        for span in calendar.spans
        if span.kind is DayKind.TERM and new_year(year) <= span.first < new_year(year + 1)
    ]
    return min(terms, default=date(year, 9, 1))
