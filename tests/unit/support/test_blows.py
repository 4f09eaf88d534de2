"""Sharing out what came twice among kills that follow each other closely."""

from datetime import UTC, datetime, timedelta

from support.blows import of_one_blow

NOON = datetime(2026, 11, 24, 9, tzinfo=UTC)


def at(*seconds: float) -> list[datetime]:
    return [NOON + timedelta(seconds=one) for one in seconds]


def test_a_lonely_kill_answers_for_all_around_it() -> None:
    assert of_one_blow(at(*[9.9] * 33), at(10)) == (33, 0)
    assert of_one_blow(at(4, 16), at(10)) == (0, 2)


def test_neighbours_share() -> None:
    assert of_one_blow(at(*[9.9] * 35), at(10, 11)) == (18, 0)
    assert of_one_blow(at(*[9.9] * 10, *[15.8] * 30), at(10, 11, 16)) == (30, 0)


def test_nothing_came_again() -> None:
    assert of_one_blow([], at(10)) == (0, 0)
