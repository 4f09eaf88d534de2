"""When a number is given up, and how long a gateway is asked."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.channels.sms_statuses import Word
from dispatcher.sending.polling import POLLS, next_poll
from dispatcher.sending.sms_news import End, given_up

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def _ends(*days_and_words: tuple[float, Word]) -> list[End]:
    return [End(word, NOW - timedelta(days=days)) for days, word in days_and_words]


@pytest.mark.parametrize(
    ("ends", "dead"),
    [
        ([(0, Word.UNDELIVERED)], False),
        ([(0, Word.UNDELIVERED), (0.1, Word.UNDELIVERED), (0.2, Word.UNDELIVERED)], False),  # a day off
        ([(0, Word.UNDELIVERED), (3, Word.UNDELIVERED)], False),
        ([(0, Word.UNDELIVERED), (1, Word.UNDELIVERED), (3, Word.UNDELIVERED)], True),
        ([(0, Word.UNDELIVERED), (1, Word.REJECTED), (3, Word.UNDELIVERED)], True),
        ([(0, Word.UNDELIVERED), (1, Word.UNDELIVERED), (2, Word.DELIVERED), (3, Word.UNDELIVERED)], False),
    ],
)
def test_a_phone_that_was_off_is_no_dead_number(ends: list[tuple[float, Word]], *, dead: bool) -> None:
    assert given_up(ends[0][1], _ends(*ends)) is dead


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=30)))
def test_asked_ever_more_rarely_and_not_for_ever(age: timedelta) -> None:
    wait = next_poll(age)
    if wait is None:
        assert age >= POLLS[-1]
    else:
        assert timedelta(0) < wait
        assert age + wait in POLLS


def test_intervals_grow() -> None:
    gaps = [later - earlier for earlier, later in pairwise(POLLS)]
    assert gaps == sorted(gaps)
