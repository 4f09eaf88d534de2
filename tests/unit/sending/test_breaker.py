"""A provider's breaker: when it opens, how it is tried again, when it closes."""

from datetime import UTC, datetime, timedelta

import pytest

from dispatcher.sending.breaker import FIRST, PROBE_LEASE, Breaker, Leave, Report, State, ask, heard, ready

NOW = datetime(2026, 11, 24, tzinfo=UTC)
CLOSED = Breaker(NOW)


def _fails(count: int) -> Report:
    return Report(failed=count, last=count, reason="no answer")


def _open() -> Breaker:
    return heard(CLOSED, _fails(5), NOW)


def test_a_streak_opens_it_however_replicas_share_it() -> None:
    found = CLOSED
    for _ in range(4):
        found = heard(found, _fails(1), NOW)
    assert found.state is State.CLOSED
    found = heard(found, _fails(1), NOW)
    assert (found.state, found.reason, found.until) == (State.OPEN, "no answer", NOW + FIRST)


def test_an_answer_ends_the_streak() -> None:
    found = heard(CLOSED, _fails(4), NOW)
    found = heard(found, Report(answered=1, failed=4, last=1), NOW)
    assert (found.state, found.streak) == (State.CLOSED, 1)


def test_half_of_many_calls_opens_it_without_a_streak() -> None:
    found = CLOSED
    for _ in range(9):
        found = heard(found, Report(answered=1, failed=1, last=1), NOW)
    assert found.state is State.CLOSED
    assert heard(found, Report(answered=1, failed=1), NOW).state is State.OPEN


def test_old_failures_are_forgotten() -> None:
    found = heard(CLOSED, Report(answered=4, failed=15), NOW)
    found = heard(found, Report(answered=10, failed=2), NOW + timedelta(minutes=2))
    assert (found.state, found.seen, found.failed) == (State.CLOSED, 12, 2)


def test_one_probe_and_no_other_beside_it() -> None:
    found, leave = ask(_open(), NOW)
    assert leave is Leave.WAIT
    later = NOW + FIRST
    found, leave = ask(found, later)
    assert leave is Leave.PROBE
    assert ask(found, later)[1] is Leave.WAIT
    assert ask(found, later + PROBE_LEASE)[1] is Leave.PROBE  # the first was lost with its replica


def test_a_probe_that_called_nobody_is_the_next_ones() -> None:
    probing, _ = ask(_open(), NOW + FIRST)
    found = heard(probing, Report(unused=True), NOW + FIRST)
    assert ask(found, NOW + FIRST)[1] is Leave.PROBE
    assert heard(CLOSED, Report(unused=True), NOW) == CLOSED


def test_only_the_probe_closes_it_or_opens_it_for_longer() -> None:
    later = NOW + FIRST
    probing, _ = ask(_open(), later)
    assert heard(probing, Report(answered=7), later) == probing  # they were under way
    assert heard(probing, Report(answered=1, probe=True), later) == Breaker(later)
    again = heard(probing, Report(failed=1, last=1, reason="still", probe=False), later)
    assert (again.state, again.since, again.reason) == (State.OPEN, NOW, "still")
    assert again.until == later + 2 * FIRST


@pytest.mark.parametrize("before", [CLOSED, _open()])
def test_after_an_operators_word_the_next_call_is_the_probe(before: Breaker) -> None:
    assert ask(ready(before, NOW), NOW)[1] is Leave.PROBE
