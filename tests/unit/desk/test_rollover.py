"""R-B11: the new year's lists by 5 September, with a warning before."""

from datetime import date

import pytest

from dispatcher.desk.rollover import Member, Problem, judge
from shared.families import SchoolClass

OLD, NEW = date(2026, 4, 2), date(2026, 8, 28)
AUGUST = date(2026, 8, 25)


def classes(*names: str, teachers: tuple[str, ...] = ("t",)) -> dict[str, SchoolClass]:
    return {name: SchoolClass(name, name[:-1], teachers) for name in names}


def members(name: str, *since: date | None) -> list[Member]:
    return [Member(f"{name}-{n}", f"Ученик {n}", name, day) for n, day in enumerate(since)]


def problems(
    *found: list[Member], names: tuple[str, ...], today: date = AUGUST
) -> list[tuple[str, str | None]]:
    year = judge(classes(*names), [one for part in found for one in part], today)
    return [(trouble.problem, trouble.class_name) for trouble in year.troubles]


def test_a_class_moves_when_half_of_it_did() -> None:
    assert problems(members("6А", OLD, OLD, NEW), names=("6А",)) == [(Problem.NOT_MOVED, "6А")]
    assert problems(members("6А", OLD, NEW), names=("6А",)) == [(Problem.LEFT_BEHIND, "6А")]
    assert problems(members("6А", NEW, None), names=("6А",)) == []
    assert problems(members("6А", date(2026, 7, 1)), names=("6А",)) == [], "1 July is the new year's"
    assert problems(members("6А", date(2026, 6, 30)), names=("6А",)) == [(Problem.NOT_MOVED, "6А")]


def test_graduates_who_were_not_taken_off_the_lists() -> None:
    assert problems(members("11А", OLD), members("9Б", OLD), names=("9Б", "11А", "10А")) == [
        (Problem.GRADUATES_STAY, "9Б"),
        (Problem.GRADUATES_STAY, "11А"),
    ], "an empty class is nobody's trouble"


def test_a_primary_school_has_first_graders() -> None:
    assert problems(members("2А", NEW), names=("1А", "2А")) == [(Problem.GRADE_ONE_EMPTY, None)]
    assert problems(members("2А", NEW), members("1А", None), names=("1А", "2А")) == []


def test_a_class_without_a_teacher() -> None:
    year = judge(classes("6А", teachers=()), members("6А", NEW), AUGUST)
    assert [trouble.problem for trouble in year.troubles] == [Problem.NO_TEACHER]
    assert not year.done
    assert year.warned_on(date(2026, 9, 5)) == date(2026, 9, 5)
    assert year.warned_on(date(2026, 9, 6)) is None, "after the day only old lists are worth letters"


def test_who_repeats_the_year_does_not_hold_it_up() -> None:
    assert judge(classes("6А"), members("6А", OLD, NEW), AUGUST).done


@pytest.mark.parametrize(
    ("today", "told"),
    [
        (date(2026, 8, 19), None),
        (date(2026, 8, 20), date(2026, 8, 20)),
        (date(2026, 8, 26), date(2026, 8, 20)),
        (date(2026, 8, 27), date(2026, 8, 27)),
        (date(2026, 9, 4), date(2026, 9, 3)),
        (date(2026, 9, 5), date(2026, 9, 5)),
        (date(2026, 9, 9), date(2026, 9, 5)),
        (date(2026, 9, 10), date(2026, 9, 10)),
    ],
)
def test_warned_every_week_and_on_the_last_day(today: date, told: date | None) -> None:
    year = judge(classes("6А"), members("6А", OLD), today)
    assert year.warned_on(today) == told
    assert year.due == date(2026, 9, 5)


def test_in_spring_the_lists_of_autumn_are_fresh() -> None:
    assert judge(classes("6А"), members("6А", NEW), date(2027, 6, 30)).done
    assert not judge(classes("6А"), members("6А", NEW), date(2027, 7, 1)).done
