"""Families and entries for tests of the paper week, made of as little as a test has to say."""

from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from print_queue.composing import Composition, Known, Occasion, Told, compose
from print_queue.document import Occasion as Kind
from print_queue.entries import Entry, Key
from print_queue.recipients import Asking
from print_queue.week import Timetable
from shared.calendar import Calendar
from shared.categories import Category, Channel, Mode
from shared.changes import Version
from shared.consent import Application, Form, Sheet
from shared.families import Contact, Guardian, Guardianship, Name, Preference, Pupil, School, SchoolClass

MOSCOW = ZoneInfo("Europe/Moscow")
SCHOOL = School("ilinskaya", "Ильинская школа", MOSCOW)
CLASS = SchoolClass("7Б", "7", ("teacher",))
TIMETABLE = Timetable(Calendar(), 5, MOSCOW, time(18, 30))
MONDAY = datetime(2026, 11, 16, 9, tzinfo=MOSCOW)
CLOSE = datetime(2026, 11, 20, 18, 30, tzinfo=MOSCOW)
PREVIOUS_CLOSE = datetime(2026, 11, 13, 18, 30, tzinfo=MOSCOW)
LONG_AGO = date(2026, 9, 1)
EVERYTHING = "1.3 4.3 4.6 6.8 6.9 6.10 6.12"
ELECTRONIC_ONLY = "1.3 4.3 4.6 6.8 6.9 6.12"

_SPACE = UUID(int=0)


def consent(items: str, *, withdrawn_on: date | None = None, valid_until: date | None = None) -> Sheet:
    return Sheet("С-1", LONG_AGO, frozenset(items.split()), valid_until, withdrawn_on)


def application(form: Form = Form.PAPER, scope: tuple[Category, ...] = ()) -> Application:
    return Application("З-1", LONG_AGO, form, frozenset(scope))


def email(address: str = "home@example.org", *, confirmed: bool = True) -> Contact:
    return Contact(Channel.EMAIL, address, datetime(2026, 9, 1, tzinfo=UTC) if confirmed else None)


def tie(
    guardian: str,
    *,
    sheets: tuple[Sheet, ...] = (),
    applications: tuple[Application, ...] = (),
    contacts: tuple[Contact, ...] = (),
    preferences: dict[str, Preference] | None = None,
    relation: str = "mother",
    restricted_from: date | None = None,
) -> Guardianship:
    person = Guardian(
        SCHOOL.school,
        guardian,
        Name(f"Родитель{guardian}", "Анна", "Петровна"),
        contacts=contacts,
        preferences=preferences or {},
    )
    return Guardianship(
        person, relation, restricted_from=restricted_from, sheets=sheets, applications=applications
    )


def pupil(
    name: str, *ties: Guardianship, left_on: date | None = None, birth_date: date | None = None
) -> Pupil:
    return Pupil(
        SCHOOL.school,
        name,
        CLASS.name,
        Name(f"Ученик{name}", "Иван"),
        birth_date=birth_date,
        left_on=left_on,
        guardianships=ties,
    )


def paper_preference(*categories: str) -> dict[str, Preference]:
    return {category: Preference(Channel.PAPER, Mode.WEEKLY) for category in categories}


DATA: dict[Category, dict[str, Any]] = {
    Category.MARK: {
        "course": {"name": "Алгебра"},
        "lesson": {"date": "2026-11-17", "number": 2, "topic": "Корни"},
        "work": {"kind": "контрольная работа", "weight": 2},
        "mark": {"value": "4-"},
        "comment": "",
    },
    Category.FINAL_MARK: {
        "course": {"name": "Физика"},
        "period": {"kind": "quarter", "name": "1 четверть", "ends_on": "2026-10-30"},
        "mark": {"value": "5"},
    },
    Category.FORECAST: {
        "course": {"name": "Химия"},
        "period": {"kind": "quarter", "name": "2 четверть", "ends_on": "2026-12-28"},
        "mark": {"value": "4"},
        "average": 4.25,
    },
    Category.ATTENDANCE: {
        "course": {"name": "Алгебра"},
        "lesson": {"date": "2026-11-17", "number": 2},
        "attendance": "absent_ill",
    },
    Category.HOMEWORK: {
        "course": {"name": "Алгебра"},
        "lesson": {"date": "2026-11-17"},
        "due_on": "2026-11-18",
        "text": "№ 12",
    },
    Category.LESSON: {
        "course": {"name": "Алгебра"},
        "lesson": {"date": "2026-11-19", "number": 2},
        "change": "room",
        "before": {"room": "12"},
        "after": {"room": "14"},
    },
    Category.ASSESSMENT: {"course": {"name": "Алгебра"}, "date": "2026-11-25", "kind": "контрольная работа"},
    Category.REMARK: {"author": "Петрова А. С.", "text": "Работал хорошо", "kind": "praise"},
    Category.ANNOUNCEMENT: {"author": "Завуч", "title": "Собрание", "text": "В четверг"},
}


def entry(
    category: Category,
    entity: str,
    *,
    pupil: str | None = None,
    class_name: str | None = None,
    grade: str | None = None,
    group: str | None = None,
    pupils: tuple[str, ...] = (),
    revision: int = 1,
    removed: bool = False,
    fresh: bool = True,
    at: datetime = MONDAY,
    **data: Any,
) -> Entry:
    return Entry(
        key=Key("/schools/ilinskaya/journals/main", entity),
        category=category,
        change=uuid5(_SPACE, f"{entity} {revision}"),
        version=Version(revision, at),
        removed=removed,
        pupil=pupil,
        class_name=class_name,
        grade=grade,
        group=group,
        pupils=pupils,
        data={**DATA[category], **data},
        accepted_at=at,
        fresh=fresh,
    )


def composed(
    pupils: list[Pupil],
    entries: list[Entry],
    *,
    told: dict[tuple[str, str, Key], Told] | None = None,
    moves: dict[tuple[str, str], frozenset[UUID]] | None = None,
    school_class: SchoolClass = CLASS,
    kind: Kind = Kind.WEEK,
    switched_on: frozenset[Channel] = frozenset({Channel.EMAIL, Channel.SMS, Channel.PUSH}),
) -> Composition:
    """The batch of week 2026-W47."""
    known = Known(
        school=SCHOOL,
        school_class=school_class,
        teachers=("Петрова А. С.",),
        pupils=tuple(pupils),
        entries={one.key: one for one in entries},
        told=told or {},
        moves=moves or {},
        ids=(f"id-{number}" for number in range(1000)),
    )
    asking = Asking(
        school_class=school_class,
        today=CLOSE.date(),
        first_day=MONDAY.date(),
        now=CLOSE,
        switched_on=switched_on,
        moved=(moves or {}).keys(),
    )
    return compose(known, Occasion(kind, "2026-W47", PREVIOUS_CLOSE, CLOSE, None), asking, TIMETABLE)


def told_by(made: Composition, *, weekly: bool = True) -> dict[tuple[str, str, Key], Told]:
    """What the next week finds printed after this one."""
    return {
        (one.pupil, one.guardian, one.key): Told(one.version, one.removed, weekly, one.words)
        for one in made.printed
    }
