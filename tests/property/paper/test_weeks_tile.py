"""Whatever the calendar, zone and closing time, paper weeks tile time without gap or overlap (R-B5)."""

from bisect import bisect_right
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from print_queue.week import BEGINNING, Timetable
from shared.calendar import Calendar, DayKind, Span

ZONES = (
    "Europe/Kaliningrad",
    "Europe/Moscow",
    "Europe/Samara",
    "Asia/Yekaterinburg",
    "Asia/Omsk",
    "Asia/Krasnoyarsk",
    "Asia/Irkutsk",
    "Asia/Yakutsk",
    "Asia/Vladivostok",
    "Asia/Magadan",
    "Asia/Kamchatka",
)
FIRST, LAST = date(2026, 8, 1), date(2027, 7, 31)

days = st.dates(FIRST, LAST)
spans = st.builds(
    lambda first, length, kind: Span(first, first + timedelta(days=length), kind),
    days,
    st.integers(0, 60),
    st.sampled_from([DayKind.HOLIDAY, DayKind.DAY_OFF, DayKind.WORKING_DAY]),
)
timetables = st.builds(
    Timetable,
    st.builds(lambda some: Calendar(tuple(some)), st.lists(spans, max_size=8)),
    st.sampled_from([5, 6]),
    st.sampled_from([ZoneInfo(name) for name in ZONES]),
    st.times(min_value=time(0), max_value=time(23, 59)),
)
instants = st.datetimes(
    datetime(2026, 9, 1),  # noqa: DTZ001 - hypothesis adds the zone itself
    datetime(2027, 6, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def closes_by_hand(timetable: Timetable) -> list[datetime]:
    """The oracle: every day that teaches and is the last such day of its ISO week."""
    last: dict[tuple[int, int], date] = {}
    day = FIRST - timedelta(weeks=10)
    while day <= LAST + timedelta(weeks=10):
        if timetable.calendar.teaches(day, days=timetable.days):
            last[day.isocalendar()[:2]] = day
        day += timedelta(days=1)
    return sorted(
        datetime.combine(day, timetable.close_at, tzinfo=timetable.timezone).astimezone(UTC)
        for day in last.values()
    )


@settings(max_examples=60, deadline=None)
@given(timetables, instants)
def test_a_week_lies_between_two_neighbouring_closes(timetable: Timetable, instant: datetime) -> None:
    """R-B5: each instant of acceptance is in exactly one week, the one the calendar says."""
    closes = closes_by_hand(timetable)
    place = bisect_right(closes, instant)
    week = timetable.week_of(instant)
    assert week is not None
    assert week.opened_at <= instant < week.closes_at
    assert (week.opened_at, week.closes_at) == (closes[place - 1], closes[place])
    local = week.closes_at.astimezone(timetable.timezone).date()
    assert date.fromisoformat(f"{week.name}-1") <= local < date.fromisoformat(f"{week.name}-1") + timedelta(7)
    assert timetable.week_named(week.name) == week


@settings(max_examples=60, deadline=None)
@given(timetables, instants)
def test_each_week_begins_where_the_last_one_ended(timetable: Timetable, instant: datetime) -> None:
    """R-B5: neither gap nor overlap, and no name twice."""
    week = timetable.week_of(instant)
    assert week is not None
    names = [week.name]
    for _ in range(5):
        following = timetable.week_of(week.closes_at)
        assert following is not None
        assert following.opened_at == week.closes_at
        assert timetable.week_after(week.name, week.closes_at) == following
        names.append(following.name)
        week = following
    assert names == sorted(set(names))


@settings(max_examples=60, deadline=None)
@given(timetables, instants)
def test_an_early_close_moves_only_the_border(timetable: Timetable, instant: datetime) -> None:
    """«print week» of an open week: the next one takes over from that very instant."""
    week = timetable.week_of(instant)
    assert week is not None
    following = timetable.week_after(week.name, instant)
    planned = timetable.week_of(week.closes_at)
    assert following is not None
    assert planned is not None
    assert following.opened_at == instant
    assert (following.name, following.closes_at) == (planned.name, planned.closes_at)
    assert planned.opened_at > BEGINNING
