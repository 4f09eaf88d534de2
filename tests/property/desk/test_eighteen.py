"""R-C8: the day a pupil comes of age is the day on which the parents are told nothing more."""

from datetime import date, timedelta

from hypothesis import example, given
from hypothesis import strategies as st
from support.families import pupil, sheet, tie

from dispatcher.desk.eighteen import WARN, comes_of_age, coming, is_due, warned_from
from shared.routing import has_rights

BIRTHDAYS = st.dates(date(1990, 1, 1), date(2025, 12, 31))


@given(BIRTHDAYS, st.integers(-40, 40))
@example(date(2008, 2, 29), 0)
@example(date(2008, 2, 29), -1)
@example(date(2008, 3, 1), 0)
@example(date(2008, 12, 31), 0)
def test_the_day_is_the_one_decisions_go_by(born: date, offset: int) -> None:
    mother = tie()
    child = pupil(ties=[mother], birth_date=born)
    day = comes_of_age(born) + timedelta(days=offset)
    assert child.adult(day) is (offset >= 0)
    assert has_rights(child, mother, happened_on=day, today=day) is (offset < 0)


@given(BIRTHDAYS, st.integers(-40, 40))
@example(date(2008, 2, 29), -30)
def test_warned_for_thirty_days_and_on_exactly_one_of_the_lists(born: date, offset: int) -> None:
    day = comes_of_age(born) + timedelta(days=offset)
    child = pupil(ties=[tie()], birth_date=born)
    assert is_due(child, day) is (-30 <= offset < 0)
    soon, silent = coming([child], day)
    assert bool(soon) is (-30 <= offset < 0)
    assert bool(silent) is (offset >= 0)
    assert comes_of_age(born) - warned_from(born) == WARN


@given(BIRTHDAYS)
def test_an_own_sheet_settles_it_and_who_left_is_nobodys_business(born: date) -> None:
    day = comes_of_age(born)
    own = tie("self", sheets=[sheet(signed_on=day)], relation="self")
    assert coming([pupil(ties=[own], birth_date=born)], day) == ([], [])
    gone = pupil(ties=[tie()], birth_date=born, left_on=day - timedelta(days=31))
    assert coming([gone], day) == ([], [])
    assert coming([gone], day - timedelta(days=1)) == ([], [])
