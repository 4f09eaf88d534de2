"""When to try again."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from dispatcher.sending.retry import Backoff, retry_in, time_left

HOURS = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=30))
POLICY = Backoff()


@given(attempts=st.integers(1, 1000), asked=st.none() | HOURS, left=HOURS, jitter=st.floats(0, 0.999))
def test_never_sooner_than_asked_and_never_after_it_is_too_late(
    attempts: int, asked: timedelta | None, left: timedelta, jitter: float
) -> None:
    wait = retry_in(POLICY, attempts=attempts, asked=asked, left=left, jitter=jitter)
    if wait is None:
        return
    assert POLICY.first <= wait < left
    assert wait >= (asked or timedelta(0))
    assert wait <= max(POLICY.longest * 1.25, asked or timedelta(0))


def test_twice_as_long_each_time_up_to_the_longest() -> None:
    waits = [
        retry_in(POLICY, attempts=n, asked=None, left=timedelta(days=9), jitter=0.0) for n in range(1, 12)
    ]
    assert waits[:3] == [timedelta(seconds=20), timedelta(seconds=40), timedelta(seconds=80)]
    assert waits[-1] == POLICY.longest


def test_late_is_better_than_never() -> None:
    kept = time_left(POLICY, until_expiry=None, until_deadline=timedelta(0), waited=timedelta(days=1))
    assert kept == timedelta(days=2)
    assert time_left(
        POLICY, until_expiry=timedelta(hours=1), until_deadline=None, waited=timedelta(0)
    ) == timedelta(hours=1)
