"""Ten working days by the Russian calendar (R-B8): every row checked against the published calendar."""

from datetime import date

import pytest

from dispatcher.working_days import WorkingDays, YearMissing
from shared.settings import YearOfWork


@pytest.mark.parametrize(
    ("received", "count", "due"),
    [
        (date(2026, 11, 24), 10, date(2026, 12, 8)),  # nothing in the way
        (date(2026, 10, 30), 10, date(2026, 11, 16)),  # 4 November, Unity Day
        (date(2025, 12, 30), 1, date(2026, 1, 12)),  # 31 December and 9 January are days off by transfer
        (date(2026, 12, 30), 10, date(2027, 1, 22)),  # over the New Year holidays of 2027
        (date(2025, 10, 31), 1, date(2025, 11, 1)),  # a working Saturday
        (date(2027, 2, 19), 2, date(2027, 2, 24)),  # Saturday the 20th works, Monday the 22nd does not
        (date(2026, 5, 7), 2, date(2026, 5, 12)),  # 9 May on a Saturday: Monday is off
    ],
)
def test_the_published_calendar_of_the_year_counts(received: date, count: int, due: date) -> None:
    """R-B8: transfers of days off count, and the day of receipt does not."""
    assert WorkingDays().after(received, count) == due
    assert WorkingDays().between(received, due) == count


def test_a_year_nobody_knows_stops_with_what_to_do() -> None:
    """R-B8: a term is never guessed."""
    with pytest.raises(YearMissing, match=r"2030.*\[working_days\.2030\]"):
        WorkingDays().after(date(2030, 12, 30), 10)


def test_what_the_installation_says_goes_first() -> None:
    days = WorkingDays({2031: YearOfWork(off=(date(2031, 1, 6),), working=(date(2031, 1, 4),))})
    assert days.works(date(2031, 1, 4))
    assert not days.works(date(2031, 1, 6))
    assert days.after(date(2031, 1, 3), 2) == date(2031, 1, 7)
