"""Families whose decision the school does not have yet (R-B9).

A family here is a child: it has decided once any guardian with rights has registered a decision that
holds. A refusal and a withdrawal are decisions too: nobody is asked again and again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from dispatcher.desk.school_year import classes_begin
from shared.calendar import Calendar
from shared.consent import Form
from shared.db import AnyConnection
from shared.families import Guardianship, Pupil, SchoolClass
from shared.registry import Families
from shared.routing import has_rights
from shared.web.language import mark

DAYS_TO_DECIDE = 10
"""Days from the start of classes by which the service is to be available (000 2.2)."""


class Lack(StrEnum):
    """What a family without a decision has."""

    NOTHING = "nothing"
    EXPIRED = "expired"
    APPLICATION_ALONE = "application_alone"
    NOBODY = "nobody"


SAID = {
    Lack.NOTHING: mark("ничего не подано"),
    Lack.EXPIRED: mark("срок согласия истёк"),
    Lack.APPLICATION_ALONE: mark("есть заявление, нет листа согласия"),
    Lack.NOBODY: mark("в списках нет представителя, которому можно сообщать"),
}


@dataclass(frozen=True, slots=True)
class Undecided:
    """A child whose family has not decided. `days` since classes began for this child, 0 before."""

    pupil: Pupil
    lack: Lack
    days: int

    @property
    def overdue(self) -> bool:
        return self.days > DAYS_TO_DECIDE


@dataclass(frozen=True, slots=True)
class ClassCount:
    """A class: pupils, families without a decision, those overdue."""

    school_class: SchoolClass
    pupils: int
    undecided: int
    overdue: int


def lack_of(pupil: Pupil, today: date) -> Lack | None:
    """What the family has instead of a decision; None when it decided. Pure."""
    entitled = [tie for tie in pupil.guardianships if has_rights(pupil, tie, happened_on=today, today=today)]
    lacks = [_lack(tie, today) for tie in entitled]
    if None in lacks:
        return None
    for one in (Lack.APPLICATION_ALONE, Lack.EXPIRED, Lack.NOTHING):
        if one in lacks:
            return one
    return Lack.NOBODY


def _lack(tie: Guardianship, today: date) -> Lack | None:
    sheet, application = tie.sheet(today), tie.application(today)
    if sheet is not None:
        # An expired sheet silences applications too, so only a new paper is a decision (DESIGN §6).
        withdrawn = sheet.withdrawn_on is not None and sheet.withdrawn_on <= today
        return None if withdrawn or sheet.valid(today) else Lack.EXPIRED
    if application is None:
        return Lack.NOTHING
    # A paper application stands by itself; an electronic one opens nothing without a sheet (R-C4).
    return None if application.form is Form.PAPER else Lack.APPLICATION_ALONE


def days_waiting(pupil: Pupil, calendar: Calendar, today: date) -> int:
    """Days since classes began, or since the child came, whichever is later. Pure."""
    begin = classes_begin(calendar, today)
    if pupil.enrolled_on is not None:
        begin = max(begin, pupil.enrolled_on)
    return max((today - begin).days, 0)


def undecided(pupils: Iterable[Pupil], calendar: Calendar, today: date) -> list[Undecided]:
    """In alphabetical order. Pure."""
    found = [
        Undecided(pupil, lack, days_waiting(pupil, calendar, today))
        for pupil in pupils
        if pupil.enrolled(today) and (lack := lack_of(pupil, today)) is not None
    ]
    return sorted(found, key=lambda one: (one.pupil.name.full.casefold().replace("ё", "е"), one.pupil.pupil))


def class_key(name: str) -> tuple[int, str]:
    """Classes as a school names them in order: 2А before 10А."""
    digits = name[: len(name) - len(name.lstrip("0123456789"))]
    return int(digits or 0), name


def counted(
    classes: Mapping[str, SchoolClass],
    members: Mapping[str, Iterable[Pupil]],
    calendar: Calendar,
    today: date,
) -> list[ClassCount]:
    """Every class that has pupils. Pure."""
    found = []
    for name in sorted(classes, key=class_key):
        pupils = [pupil for pupil in members[name] if pupil.enrolled(today)]
        if pupils:
            waiting = undecided(pupils, calendar, today)
            overdue = sum(one.overdue for one in waiting)
            found.append(ClassCount(classes[name], len(pupils), len(waiting), overdue))
    return found


async def read_counts(connection: AnyConnection, school: str, today: date) -> list[ClassCount]:
    """By class, of one school."""
    families = Families()
    await families.load(connection, whole=[school])
    home = families.school(school)
    if home is None:
        return []
    classes = families.classes(school)
    return counted(classes, {name: families.members(school, name) for name in classes}, home.calendar, today)


async def read_class(
    connection: AnyConnection, school: str, class_name: str, today: date
) -> tuple[SchoolClass, list[Undecided]] | None:
    """A class and its families without a decision; None when there is no such class."""
    families = Families()
    await families.load(connection, classes=[(school, class_name)])
    home, found = families.school(school), families.classes(school).get(class_name)
    if home is None or found is None:
        return None
    return found, undecided(families.members(school, class_name), home.calendar, today)


async def total(connection: AnyConnection, now: datetime, school: str | None = None) -> tuple[int, int]:
    """Families without a decision and those of them overdue; of one school or of all, each on its day."""
    waiting = overdue = 0
    rows = await connection.fetch(
        "SELECT school FROM roster.school WHERE $1::text IS NULL OR school = $1 ORDER BY school", school
    )
    for row in rows:
        families = Families()  # one school at a time: a large installation does not fit into memory
        await families.load(connection, schools=[row["school"]])
        home = families.school(row["school"])
        assert home is not None
        counts = await read_counts(connection, row["school"], home.today(now))
        waiting += sum(one.undecided for one in counts)
        overdue += sum(one.overdue for one in counts)
    return waiting, overdue


def deadline(calendar: Calendar, today: date) -> date:
    """The last day on which a family of this year is not overdue."""
    return classes_begin(calendar, today) + timedelta(days=DAYS_TO_DECIDE)
