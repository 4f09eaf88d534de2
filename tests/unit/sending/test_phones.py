"""No number is flooded, no month overspent: 20 of one text and 100 in all an hour to one number."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.sending.phones import (
    ANY_AN_HOUR,
    HOUR,
    SAME_AN_HOUR,
    Earlier,
    Planned,
    admit,
)

NUMBER = "+79161234567"


def _sms(*texts: str, number: str = NUMBER, school: str = "s", segments: int = 1) -> list[Planned]:
    return [
        Planned(UUID(int=n), school, number, text, text.encode(), segments) for n, text in enumerate(texts, 1)
    ]


def _sent(ages: Iterable[int], text: str = "a") -> list[Earlier]:
    return [Earlier(NUMBER, text.encode(), timedelta(minutes=age)) for age in ages]


def test_the_twenty_first_of_one_text_waits_until_the_oldest_is_an_hour_old() -> None:
    going, waits = admit(_sms("a", "b"), _sent(range(1, 1 + SAME_AN_HOUR)), {"s": 1000})
    assert [one.text for one in going] == ["b"]
    assert waits[UUID(int=1)].again_in == HOUR - timedelta(minutes=SAME_AN_HOUR)


def test_the_hundred_and_first_waits_whatever_it_says() -> None:
    earlier = [Earlier(NUMBER, str(n).encode(), timedelta(minutes=30)) for n in range(ANY_AN_HOUR)]
    going, waits = admit(_sms("new"), earlier, {"s": 1000})
    assert going == []
    assert waits[UUID(int=1)].reason == "number_limit"
    other = _sms("new", number="+79160000000")
    assert admit(other, earlier, {"s": 1000}) == (other, {})


def test_one_claim_counts_itself() -> None:
    going, waits = admit(_sms(*["a"] * 3), _sent([5] * (SAME_AN_HOUR - 2)), {"s": 1000})
    assert len(going) == 2
    assert len(waits) == 1


def test_what_does_not_fit_into_the_month_waits_for_what_is_in_flight() -> None:
    going, waits = admit(_sms("a", "b", "c", segments=2), [], {"s": 5})
    assert [one.text for one in going] == ["a", "b"]
    assert [wait.reason for wait in waits.values()] == ["budget_in_flight"]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 240), st.sampled_from("abc")), max_size=160))
def test_no_hour_holds_more(tries: list[tuple[int, str]]) -> None:
    """Attempts a few minutes apart, each judged by those of the hour before it."""
    now, done = 0, list[tuple[int, str]]()
    for gap, text in tries:
        now += gap % 7 if gap < 230 else gap
        earlier = [
            Earlier(NUMBER, said.encode(), timedelta(seconds=now - at))
            for at, said in done
            if now - at < 3600
        ]
        going, _ = admit(_sms(text), earlier, {"s": 10**6})
        done += [(now, text)] * len(going)
    for limit, kept in [
        (ANY_AN_HOUR, [at for at, _ in done]),
        *((SAME_AN_HOUR, [at for at, said in done if said == text]) for text in "abc"),
    ]:
        assert all(last - first >= 3600 for first, last in zip(kept, kept[limit:], strict=False))
