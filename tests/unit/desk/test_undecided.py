"""R-B9: who has not decided, and for how long."""

from dataclasses import replace
from datetime import date

import pytest
from support.families import TODAY, application, pupil, sheet, tie

from dispatcher.desk.school_year import classes_begin
from dispatcher.desk.undecided import Lack, counted, days_waiting, lack_of, undecided
from shared.calendar import Calendar, DayKind, Span
from shared.consent import Form
from shared.families import Guardianship, Name, Pupil, Restriction, SchoolClass

TERM = Calendar(
    (
        Span(date(2026, 9, 2), date(2026, 10, 24), DayKind.TERM),
        Span(date(2026, 11, 4), date(2026, 12, 28), DayKind.TERM),
        Span(date(2025, 9, 1), date(2026, 5, 26), DayKind.TERM),
    )
)
NOTHING = tie(sheets=())


@pytest.mark.parametrize(
    ("ties", "lack"),
    [
        ([NOTHING], Lack.NOTHING),
        ([tie()], None),
        ([tie(sheets=[sheet(())])], None),
        ([tie(sheets=[sheet(withdrawn_on=TODAY)])], None),
        ([tie(sheets=[sheet(valid_until=date(2026, 11, 23))])], Lack.EXPIRED),
        ([tie(sheets=[sheet(valid_until=TODAY)])], None),
        ([tie(sheets=[sheet(signed_on=date(2026, 11, 25))])], Lack.NOTHING),
        ([tie(sheets=(), applications=[application(Form.PAPER)])], None),
        ([tie(sheets=(), applications=[application(Form.ELECTRONIC)])], Lack.APPLICATION_ALONE),
        ([NOTHING, tie("g2")], None),
        ([tie(restrictions=(Restriction(date(2026, 1, 1)),)), tie("g2", sheets=())], Lack.NOTHING),
        ([tie(restrictions=(Restriction(date(2026, 1, 1)),))], Lack.NOBODY),
        ([], Lack.NOBODY),
    ],
)
def test_what_counts_as_a_decision(ties: list[Guardianship], lack: Lack | None) -> None:
    """A sheet that holds, a refusal, a withdrawal, a paper application; of any guardian with rights."""
    assert lack_of(pupil(ties=ties), TODAY) is lack


def test_an_adult_decides_alone() -> None:
    """R-C8."""
    adult = pupil(ties=[tie(), tie("self", sheets=(), relation="self")], birth_date=date(2008, 11, 24))
    assert lack_of(adult, TODAY) is Lack.NOTHING


@pytest.mark.parametrize(
    ("calendar", "day", "begin"),
    [
        (TERM, date(2026, 11, 24), date(2026, 9, 2)),
        (TERM, date(2026, 3, 1), date(2025, 9, 1)),
        (TERM, date(2026, 7, 1), date(2026, 9, 2)),
        (TERM, date(2027, 10, 1), date(2027, 9, 1)),
        (Calendar(), date(2026, 11, 24), date(2026, 9, 1)),
        (Calendar(), date(2027, 2, 1), date(2026, 9, 1)),
    ],
)
def test_when_classes_begin(calendar: Calendar, day: date, begin: date) -> None:
    assert classes_begin(calendar, day) == begin


@pytest.mark.parametrize(
    ("today", "days", "overdue"),
    [
        (date(2026, 8, 25), 0, False),
        (date(2026, 9, 2), 0, False),
        (date(2026, 9, 12), 10, False),
        (date(2026, 9, 13), 11, True),
    ],
)
def test_ten_days_from_the_start_of_classes(today: date, days: int, *, overdue: bool) -> None:
    (one,) = undecided([pupil(ties=[NOTHING])], TERM, today)
    assert (one.days, one.overdue) == (days, overdue)


def test_who_came_later_has_ten_days_of_their_own() -> None:
    assert days_waiting(pupil(enrolled_on=date(2026, 11, 20)), TERM, TODAY) == 4


def test_by_class_in_the_schools_order() -> None:
    def child(number: str, family: str, *ties: Guardianship, left_on: date | None = None) -> Pupil:
        return replace(pupil(number, ties, left_on=left_on), name=Name(family, "Иван"))

    classes = {name: SchoolClass(name, name[:-1]) for name in ("10А", "2А", "3А")}
    members = {
        "10А": [child("a", "Яшин", NOTHING), child("b", "Ёлкин", NOTHING), child("c", "Ким", tie())],
        "2А": [child("d", "Ким", tie())],
        "3А": [child("e", "Ким", NOTHING, left_on=date(2026, 11, 1))],
    }
    rows = counted(classes, members, TERM, TODAY)
    assert [(row.school_class.name, row.pupils, row.undecided, row.overdue) for row in rows] == [
        ("2А", 1, 0, 0),
        ("10А", 3, 2, 2),
    ]
    assert [one.pupil.name.family for one in undecided(members["10А"], TERM, TODAY)] == ["Ёлкин", "Яшин"]
