"""One absence alert per child and day (R-B2)."""

from datetime import date
from uuid import UUID, uuid4

import pytest
from support.families import MOSCOW, SCHOOL, change

from dispatcher.planning.alerts import AlertBook
from dispatcher.planning.corrections import Earlier, Revision, Standing, takes_back_absence
from dispatcher.planning.decision import AlertKey
from dispatcher.planning.facts import Alert, facts_of
from shared.categories import Attendance, Category

DAY = date(2026, 11, 24)


def take(
    book: AlertBook, alert: Alert, *, by: UUID | None = None, pupil: str = "p1", day: date = DAY
) -> bool:
    return book.take(alert, change=by or uuid4(), school=SCHOOL, guardian="g1", pupils=[pupil], day=day)


@pytest.mark.parametrize(
    ("first", "second", "alerts"),
    [
        (Alert.ABSENCE, Alert.ABSENCE, False),
        (Alert.ABSENCE, Alert.LATENESS, False),
        (Alert.LATENESS, Alert.LATENESS, False),
        (Alert.LATENESS, Alert.ABSENCE, True),
    ],
)
def test_what_mutes_what(first: Alert, second: Alert, *, alerts: bool) -> None:
    """A lateness never mutes the first absence of the day."""
    book = AlertBook({})
    assert take(book, first)
    assert take(book, second) is alerts
    assert take(book, second, pupil="p2")
    assert take(book, second, day=date(2026, 11, 25))


def test_an_alert_given_back_can_be_taken_again() -> None:
    """What the store keeps is deleted; what was never written is only forgotten."""
    stored, fresh = uuid4(), uuid4()
    key = AlertKey(SCHOOL, "g1", "p1", DAY, Alert.ABSENCE)
    book = AlertBook({key: stored})
    assert not take(book, Alert.ABSENCE)
    book.release(stored, "g1")
    assert list(book.released) == [key]
    assert take(book, Alert.ABSENCE, by=fresh)
    book.release(fresh, "g1")
    assert not book.taken
    assert take(book, Alert.ABSENCE)


@pytest.mark.parametrize(
    ("told", "now", "takes_back"),
    [
        ("absent", "present", True),
        ("absent", "late", True),
        ("absent_ill", None, True),
        ("absent", "absent_ill", False),
        ("late", "present", False),
        ("late", "absent", False),
    ],
)
def test_taking_an_absence_back_is_no_second_alert(told: str, now: str | None, *, takes_back: bool) -> None:
    """R-A11: it leaves at once even though the alert of the day was given."""
    made = change(Category.ATTENDANCE, data={"attendance": told})
    facts = facts_of(made, MOSCOW)
    before = Earlier(
        Revision(made.change, made.version, False, facts.day, facts.attendance, made.data), Standing.TOLD
    )
    status = Attendance(now) if now is not None else None
    assert takes_back_absence(status, before) is takes_back
    assert not takes_back_absence(status, None)
