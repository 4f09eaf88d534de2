"""School time (DESIGN §5): START + (real - ANCHOR) x RATE, the same in every process given the same."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import AcceleratedClock, RealClock, make_clock

START = datetime(2026, 11, 23, 4, tzinfo=UTC)
NIGHT = datetime(2027, 1, 1, tzinfo=UTC)


def test_without_a_start_time_is_real() -> None:
    before = datetime.now(UTC)
    now = make_clock(None, None, 60.0).now()
    assert before <= now <= datetime.now(UTC)
    assert now.utcoffset() == timedelta(0)
    assert isinstance(make_clock(None, NIGHT, 1.0), RealClock)


def test_the_anchor_is_the_real_instant_at_which_start_held() -> None:
    anchor = datetime.now(UTC) - timedelta(seconds=10)
    clock = make_clock(START, anchor, 3600.0)
    first = clock.now()
    assert first >= START + timedelta(hours=10)
    assert clock.now() >= first


def test_without_an_anchor_start_is_this_moment() -> None:
    before = datetime.now(UTC)
    clock = make_clock(START, None, 1.0)
    assert isinstance(clock, AcceleratedClock)
    assert before <= clock.anchor <= datetime.now(UTC)


def test_any_offset_means_the_same_instant() -> None:
    moscow = timezone(timedelta(hours=3))
    there = make_clock(START.astimezone(moscow), NIGHT.astimezone(moscow), 60.0)
    assert there == make_clock(START, NIGHT, 60.0)
    assert there.now().utcoffset() == timedelta(0)


def test_before_the_anchor_school_time_is_before_start() -> None:
    assert make_clock(START, datetime.now(UTC) + timedelta(hours=1), 10.0).now() < START


@given(
    rate=st.floats(0.1, 100_000),
    ahead=st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=300)),
)
def test_waiting_is_the_inverse_of_now(rate: float, ahead: timedelta) -> None:
    """After that many real seconds the instant has come, and not half of them before."""
    clock = AcceleratedClock(START, datetime.now(UTC), rate)
    wait = clock.real_seconds_until(START + ahead)
    assert 0 <= wait <= ahead.total_seconds() / rate
    reached = AcceleratedClock(START, clock.anchor - timedelta(seconds=wait), rate)
    assert reached.now() >= START + ahead - timedelta(milliseconds=1) * rate


def test_the_past_is_not_waited_for() -> None:
    for clock in (RealClock(), AcceleratedClock(START, NIGHT, 60.0)):
        assert clock.real_seconds_until(clock.now() - timedelta(seconds=1)) == 0.0


def test_time_that_stands_still_never_reaches_the_future() -> None:
    clock = AcceleratedClock(START, NIGHT, 0.0)
    assert clock.now() == START
    assert clock.real_seconds_until(START) == 0.0
    assert clock.real_seconds_until(START + timedelta(seconds=1)) == pytest.approx(
        timedelta.max.total_seconds()
    )
