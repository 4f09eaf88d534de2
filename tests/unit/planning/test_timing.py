"""When a family is told, by when, and until when it makes sense (R-B1 to R-B4)."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.families import MOSCOW, change

from dispatcher.planning.facts import Facts, facts_of
from dispatcher.planning.timing import (
    DEADLINES,
    WORTH_TELLING,
    Hours,
    Schedule,
    after_quiet_hours,
    default_mode,
    next_daily,
    next_weekly,
    schedule,
)
from shared.categories import Category, Channel, Mode
from shared.settings import Profile

KAMCHATKA, BERLIN = ZoneInfo("Asia/Kamchatka"), ZoneInfo("Europe/Berlin")


def local(text: str, zone: ZoneInfo = MOSCOW, *, fold: int = 0) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=zone, fold=fold).astimezone(UTC)


def facts(category: Category, at: datetime, zone: ZoneInfo = MOSCOW, **data: Any) -> Facts:
    return facts_of(change(category, accepted_at=at, time=at, data=data), zone)


def due(found: Facts, mode: Mode, channel: Channel = Channel.EMAIL, **more: Any) -> Schedule:
    zone, profile = more.pop("zone", MOSCOW), more.pop("profile", Profile())
    shift, hold = more.pop("shift", 1), more.pop("hold", False)
    return schedule(found, mode=mode, channel=channel, shift=shift, hold=hold, hours=Hours(zone, profile))


@pytest.mark.parametrize(
    ("category", "data", "mode"),
    [
        (Category.MARK, {}, Mode.DAILY),
        (Category.FORECAST, {}, Mode.DAILY),
        (Category.HOMEWORK, {}, Mode.DAILY),
        (Category.ASSESSMENT, {}, Mode.DAILY),
        (Category.REMARK, {}, Mode.DAILY),
        (Category.ANNOUNCEMENT, {}, Mode.DAILY),
        (Category.FINAL_MARK, {}, Mode.IMMEDIATE),
        *(
            (Category.ATTENDANCE, {"attendance": status}, Mode.IMMEDIATE)
            for status in ("absent", "absent_ill", "absent_excused", "absent_unexcused", "late")
        ),
        *(
            (Category.ATTENDANCE, {"attendance": status}, Mode.DAILY)
            for status in ("present", "exempt", "remote")
        ),
        (Category.LESSON, {"lesson": {"date": "2026-11-24"}}, Mode.IMMEDIATE),
        (Category.LESSON, {"lesson": {"date": "2026-11-25"}}, Mode.IMMEDIATE),
        (Category.LESSON, {"lesson": {"date": "2026-11-26"}}, Mode.DAILY),
        (Category.LESSON, {"lesson": {"date": "2026-11-23"}}, Mode.DAILY),
        (
            Category.LESSON,
            {"lesson": {"date": "2026-11-30"}, "after": {"date": "2026-11-25"}},
            Mode.IMMEDIATE,
        ),
    ],
)
def test_defaults(category: Category, data: dict[str, Any], mode: Mode) -> None:
    """R-B1, R-B2, R-A5."""
    now = local("11-24T12:00")
    found = facts(category, now, **data)
    assert default_mode(found, today=now.date(), corrected=None) is mode
    assert default_mode(found, today=now.date(), corrected=Mode.IMMEDIATE) is Mode.IMMEDIATE


@pytest.mark.parametrize(
    ("known", "lesson", "leaves"),
    [
        ("11-24T08:45", "2026-11-24", "11-24T10:00"),
        ("11-24T10:00", "2026-11-24", "11-24T10:00"),
        ("11-24T10:01", "2026-11-24", "11-24T10:01"),
        ("11-23T20:00", "2026-11-24", "11-24T10:00"),  # excused beforehand
        ("11-24T08:45", "2026-11-23", "11-24T08:45"),  # yesterday's: nothing to wait for
    ],
)
def test_an_absence_known_early_waits(known: str, lesson: str, leaves: str) -> None:
    """R-B2."""
    found = facts(Category.ATTENDANCE, local(known), lesson={"date": lesson, "number": 1})
    assert due(found, Mode.IMMEDIATE, hold=True).due_at == local(leaves)
    assert due(found, Mode.IMMEDIATE).due_at == local(known)


@pytest.mark.parametrize(
    ("at", "start", "end", "leaves"),
    [
        ("11-24T20:59", 21, 8, "11-24T20:59"),
        ("11-24T21:00", 21, 8, "11-25T08:00"),
        ("11-25T00:00", 21, 8, "11-25T08:00"),
        ("11-25T07:59", 21, 8, "11-25T08:00"),
        ("11-25T08:00", 21, 8, "11-25T08:00"),
        ("11-24T14:00", 13, 15, "11-24T15:00"),
        ("11-24T15:00", 13, 15, "11-24T15:00"),
        ("11-24T03:00", 9, 9, "11-24T03:00"),
    ],
)
def test_quiet_hours(at: str, start: int, end: int, leaves: str) -> None:
    assert after_quiet_hours(local(at), time(start), time(end), MOSCOW) == local(leaves)


@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.SMS, Channel.PUSH])
def test_quiet_hours_are_for_what_makes_a_noise(channel: Channel) -> None:
    """And the deadline is watched all the same (R-B10)."""
    found = facts(Category.FINAL_MARK, local("11-24T22:00"))
    times = due(found, Mode.IMMEDIATE, channel)
    assert times.due_at == local("11-24T22:00" if channel is Channel.EMAIL else "11-25T08:00")
    assert times.deadline == local("11-25T22:00")


def test_digests_leave_after_acceptance() -> None:
    """R-B3: strictly, every day of the week, by shift."""
    at = time(18, 30)
    assert next_daily(local("11-24T18:29"), at, MOSCOW) == local("11-24T18:30")
    assert next_daily(local("11-24T18:30"), at, MOSCOW) == local("11-25T18:30")
    assert next_daily(local("11-28T19:00"), at, MOSCOW) == local("11-29T18:30"), "a Sunday"
    assert next_weekly(local("11-24T12:00"), 4, at, MOSCOW) == local("11-27T18:30")
    assert next_weekly(local("11-27T18:29"), 4, at, MOSCOW) == local("11-27T18:30")
    assert next_weekly(local("11-27T18:30"), 4, at, MOSCOW) == local("12-04T18:30")
    by_shift = Profile(daily_digest_at=(time(18, 30), time(20)))
    found = facts(Category.MARK, local("11-24T12:00"))
    assert due(found, Mode.DAILY, shift=1, profile=by_shift).due_at == local("11-24T18:30")
    assert due(found, Mode.DAILY, shift=2, profile=by_shift).due_at == local("11-24T20:00")


@pytest.mark.parametrize(
    ("category", "mode", "within", "deadline"),
    [
        (Category.FINAL_MARK, Mode.IMMEDIATE, 24, "11-25T12:00"),
        (Category.FINAL_MARK, Mode.IMMEDIATE, 72, "11-27T12:00"),
        (Category.FINAL_MARK, Mode.DAILY, 24, "11-25T12:00"),
        (Category.ATTENDANCE, Mode.IMMEDIATE, 24, "11-25T00:00"),
        (Category.MARK, Mode.DAILY, 24, "11-25T12:00"),
        (Category.HOMEWORK, Mode.DAILY, 24, "11-25T12:00"),
        (Category.MARK, Mode.WEEKLY, 24, "11-30T00:00"),
        (Category.LESSON, Mode.IMMEDIATE, 24, "11-25T12:00"),
    ],
)
def test_deadlines(category: Category, mode: Mode, within: int, deadline: str) -> None:
    """R-B1 to R-B4."""
    found = facts(category, local("11-24T12:00"))
    times = due(found, mode, profile=Profile(final_marks_within=within))
    assert times.deadline == local(deadline)


def test_a_poll_s_lag_counts() -> None:
    """R-B1: from when the journal knew, not from when we did."""
    known, accepted = local("11-23T12:00"), local("11-24T14:00")
    found = facts_of(change(Category.FINAL_MARK, time=known, accepted_at=accepted), MOSCOW)
    times = due(found, Mode.IMMEDIATE)
    assert (times.due_at, times.deadline) == (accepted, local("11-24T12:00"))
    assert times.expires_at > accepted


def test_an_absence_learned_next_day_is_due_that_day() -> None:
    """R-B2."""
    found = facts(Category.ATTENDANCE, local("11-25T09:00"), lesson={"date": "2026-11-24", "number": 1})
    assert due(found, Mode.IMMEDIATE).deadline == local("11-26T00:00")


def test_a_cancelled_lesson_is_told_until_its_day_is_over() -> None:
    found = facts(Category.LESSON, local("11-24T12:00"), lesson={"date": "2026-11-30", "number": 1})
    assert due(found, Mode.DAILY).expires_at == local("12-01T00:00")
    assert due(found, Mode.WEEKLY, zone=KAMCHATKA).expires_at == local("12-01T00:00", KAMCHATKA)


def test_the_zone_is_the_school_s() -> None:
    """A Kamchatka evening is a Moscow morning."""
    found = facts(Category.MARK, local("11-24T12:00", KAMCHATKA), KAMCHATKA)
    assert due(found, Mode.DAILY, zone=KAMCHATKA).due_at == local("11-24T18:30", KAMCHATKA)
    assert local("11-24T18:30", KAMCHATKA) == local("11-24T09:30", MOSCOW)


def test_where_clocks_change() -> None:
    """Berlin 2026: 29 March 02:00-03:00 does not exist, 25 October 02:00-03:00 comes twice."""
    half_past_two = time(2, 30)
    assert next_daily(local("03-29T00:00", BERLIN), half_past_two, BERLIN) == local("03-29T03:30", BERLIN)
    first, second = (local("10-25T02:30", BERLIN, fold=fold) for fold in (0, 1))
    assert next_daily(local("10-25T00:00", BERLIN), half_past_two, BERLIN) == first
    assert next_daily(first, half_past_two, BERLIN) == local("10-26T02:30", BERLIN)
    again = local("10-25T02:10", BERLIN, fold=1)
    assert after_quiet_hours(again, time(21), half_past_two, BERLIN) == second


def test_every_category_and_mode_has_its_times() -> None:
    assert set(WORTH_TELLING) == set(Category)
    assert {mode for category, mode in DEADLINES if category is None} == set(Mode) - {Mode.NEVER}


quarters = st.integers(0, 95).map(lambda n: time(n // 4, n % 4 * 15))


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(lambda at: at.replace(tzinfo=UTC)),  # noqa: DTZ001
    quarters,
    quarters,
    st.sampled_from([MOSCOW, KAMCHATKA, BERLIN, ZoneInfo("America/Sao_Paulo"), ZoneInfo("Pacific/Apia")]),
)
def test_quiet_hours_end_when_they_end(at: datetime, start: time, end: time, zone: ZoneInfo) -> None:
    """Never earlier, never inside, and at most a day (and a clock change) later."""
    moment = after_quiet_hours(at, start, end, zone)
    wall = moment.astimezone(zone).time()
    inside = (wall >= start or wall < end) if start > end else (start <= wall < end)
    assert not inside
    assert at <= moment <= at + timedelta(hours=25)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(lambda at: at.replace(tzinfo=UTC)),  # noqa: DTZ001
    quarters,
    st.integers(0, 6),
    st.sampled_from([MOSCOW, KAMCHATKA, BERLIN]),
)
def test_a_digest_is_never_far(at: datetime, when: time, weekday: int, zone: ZoneInfo) -> None:
    """R-B3, R-B6."""
    daily, weekly = next_daily(at, when, zone), next_weekly(at, weekday, when, zone)
    assert at < daily <= at + timedelta(hours=25)
    assert at < weekly <= at + timedelta(days=7, hours=1)
    assert weekly.astimezone(zone).weekday() == weekday
