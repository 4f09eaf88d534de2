"""However replicas share a limit, no window ever holds more calls than it allows."""

from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.sending.limits import PERMIT_SECONDS, Counts, Limits, draw, wait

START = 1_795_000_000.0
GAPS = st.one_of(st.floats(0, 0.3), st.sampled_from([0.0, 0.05, 0.95, 1.0, 59.9, 1800.0, 3599.9]))
DRAWS = st.lists(st.tuples(GAPS, st.integers(1, 30), st.floats(0, PERMIT_SECONDS)), max_size=60)


@settings(max_examples=200, deadline=None)
@given(DRAWS, st.integers(1, 12), st.integers(1, 60))
def test_no_second_and_no_hour_holds_more(
    draws: list[tuple[float, int, float]], per_second: int, per_hour: int
) -> None:
    """A replica draws and uses its permits at once or within their life; windows are half-open."""
    limits, counts, now = Limits(per_second, per_hour), Counts(), START
    calls: list[float] = []
    for gap, wanted, delay in draws:
        now += gap
        counts, granted = draw(counts, limits, wanted, now)
        assert 0 <= granted <= wanted
        assert granted > 0 or wait(counts, limits, now) > 0
        calls += [now + delay] * granted
    calls.sort()
    for window, limit in ((1.0, per_second), (3600.0, per_hour)):
        for first, last in zip(calls, calls[limit:], strict=False):
            assert last - first >= window - 1e-6


@settings(max_examples=100, deadline=None)
@given(DRAWS, st.integers(1, 12), st.integers(1, 60))
def test_whoever_waits_as_told_gets_one(
    draws: list[tuple[float, int, float]], per_second: int, per_hour: int
) -> None:
    limits, counts, now = Limits(per_second, per_hour), Counts(), START
    for gap, wanted, _ in draws:
        now += gap
        counts, _granted = draw(counts, limits, wanted, now)
    now += wait(counts, limits, now) + 1e-6
    assert draw(counts, limits, 1, now)[1] == 1


def test_a_limit_in_full_use_yields_nine_tenths() -> None:
    limits, counts, done = Limits(100, 10**9), Counts(), 0
    for step in range(10_000):
        counts, granted = draw(counts, limits, 5, START + step * 0.01)
        done += granted
    assert 9_000 <= done <= 10_100
