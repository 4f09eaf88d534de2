"""The paper week on days a school's secretary would ask about."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from print_queue.week import BEGINNING, Timetable
from shared.calendar import Calendar, DayKind, Span

MOSCOW = ZoneInfo("Europe/Moscow")


def timetable(*spans: Span, days: int = 5, zone: str = "Europe/Moscow", at: time = time(18, 30)) -> Timetable:
    return Timetable(Calendar(spans), days, ZoneInfo(zone), at)


def moscow(day: int, hour: int, minute: int = 0, *, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=MOSCOW)


def test_an_ordinary_week_closes_on_friday_evening() -> None:
    """R-B5: one sheet a teaching week, from Friday's close to the next."""
    week = timetable().week_of(moscow(18, 12))
    assert week is not None
    assert (week.name, week.opened_at, week.closes_at) == ("2026-W47", moscow(13, 18, 30), moscow(20, 18, 30))


def test_the_closing_instant_itself_belongs_to_the_next_week() -> None:
    """R-A12: what appears after the close is told in the next sheet."""
    week = timetable().week_of(moscow(20, 18, 30))
    assert week is not None
    assert week.name == "2026-W48"


def test_a_class_of_six_days_closes_on_saturday() -> None:
    week = timetable(days=6).week_of(moscow(20, 19))
    assert week is not None
    assert week.closes_at == moscow(21, 18, 30)


def test_a_transferred_saturday_closes_a_class_of_five_days() -> None:
    week = timetable(Span(date(2026, 11, 21), date(2026, 11, 21), DayKind.WORKING_DAY)).week_of(
        moscow(20, 19)
    )
    assert week is not None
    assert (week.name, week.closes_at) == ("2026-W47", moscow(21, 18, 30))


def test_a_day_off_on_friday_closes_the_week_on_thursday() -> None:
    week = timetable(Span(date(2026, 11, 20), date(2026, 11, 20), DayKind.DAY_OFF)).week_of(moscow(18, 12))
    assert week is not None
    assert week.closes_at == moscow(19, 18, 30)


def test_a_week_of_holidays_joins_the_next() -> None:
    """R-B5: what appears in the holidays is told at the end of the first week after them."""
    holidays = timetable(Span(date(2026, 11, 16), date(2026, 11, 22), DayKind.HOLIDAY))
    week = holidays.week_of(moscow(18, 12))
    assert week is not None
    assert (week.name, week.opened_at, week.closes_at) == ("2026-W48", moscow(13, 18, 30), moscow(27, 18, 30))
    assert holidays.week_named("2026-W47") is None


def test_the_year_turns_by_iso_weeks() -> None:
    week = timetable().week_of(datetime(2026, 12, 31, 12, tzinfo=MOSCOW))
    assert week is not None
    assert week.name == "2026-W53"


def test_before_the_first_term_the_week_has_always_been_open() -> None:
    first = timetable(Span(date(2026, 9, 1), date(2027, 5, 28), DayKind.TERM)).week_of(
        moscow(20, 12, month=8)
    )
    assert first is not None
    assert (first.name, first.opened_at) == ("2026-W36", BEGINNING)


def test_after_the_last_term_there_is_no_week() -> None:
    last = timetable(Span(date(2026, 9, 1), date(2027, 5, 28), DayKind.TERM))
    assert last.week_of(datetime(2027, 5, 28, 19, tzinfo=MOSCOW)) is None


def test_a_week_closed_early_opens_the_next_early() -> None:
    week = timetable().week_after("2026-W47", moscow(18, 11))
    assert week is not None
    assert (week.name, week.opened_at, week.closes_at) == ("2026-W48", moscow(18, 11), moscow(27, 18, 30))


def test_kamchatka_closes_nine_hours_before_moscow() -> None:
    week = timetable(zone="Asia/Kamchatka").week_of(datetime(2026, 11, 18, tzinfo=UTC))
    assert week is not None
    assert week.closes_at == datetime(2026, 11, 20, 6, 30, tzinfo=UTC)


def test_an_impossible_week_is_refused() -> None:
    with pytest.raises(ValueError, match="W99"):
        timetable().week_named("2026-W99")


def test_the_sheet_names_the_days_from_monday() -> None:
    assert timetable().days_told_of(moscow(13, 18, 30), moscow(20, 18, 30)) == (
        date(2026, 11, 16),
        date(2026, 11, 20),
    )


def test_it_is_handed_out_on_the_next_teaching_day() -> None:
    """R-E4: on Monday, or after the holidays."""
    assert timetable().hand_out_by(moscow(20, 18, 30), time(15)) == moscow(23, 15)
    later = timetable(Span(date(2026, 11, 23), date(2026, 11, 29), DayKind.HOLIDAY))
    assert later.hand_out_by(moscow(20, 18, 30), time(15)) == moscow(30, 15)
