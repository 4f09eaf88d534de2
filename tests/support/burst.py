"""A burst of journal changes, each with a mark of its own that its families must read somewhere.

The mark (`М00042М`) stands where every channel shows it: as the course, the topic, the text or the
title. What must arrive is worked out by `support.contract`, the contract written out once more,
from the lists alone.
"""

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any

from sandbox.journal import Pupil as Child
from sandbox.journal import School
from sandbox.journal.kinds import Kind
from shared.changes import source_of
from shared.families import Contact, Guardianship, Pupil
from shared.registry import Families
from support import contract

JOURNAL = "main"
MARK = re.compile(r"М\d{5}М")

ALL_SORTS = {
    "mark": 38,
    "attendance": 22,
    "remark": 10,
    "final_mark": 6,
    "announcement": 8,
    "assessment": 6,
    "correction": 10,
}
AT_ONCE = {"final_mark": 92, "correction": 8}
"""Only what leaves at once: every message goes while the burst does."""
_VERBS = {"announcement": "posted", "assessment": "planned"}
_MARKS = frozenset({"mark", "final_mark"})
_INDIVIDUAL = frozenset({"mark", "attendance", "remark", "final_mark"})
NOT_NAMED_IN_SHORT = frozenset({"remark"})
"""Categories of which an SMS says only that there is one."""

SHARES = {
    Kind.EMAIL: 18.0,
    Kind.SMS: 8.0,
    Kind.PUSH: 6.0,
    Kind.BOTH_EMAIL: 6.0,
    Kind.MOTHER_EMAIL_FATHER_PAPER: 6.0,
    Kind.MOTHER_EMAIL_FATHER_SMS: 5.0,
    Kind.SMS_FOR_ABSENCES: 4.0,
    Kind.PAPER: 8.0,
    Kind.SIBLINGS: 4.0,
    Kind.REFUSED_PROGRESS: 2.0,
    Kind.WITHDRAWN: 1.0,
    Kind.EXPIRED: 1.0,
    Kind.NO_SHEET: 2.0,
    Kind.RESTRICTED: 2.0,
    Kind.WRONG_ADDRESS: 2.0,
    Kind.UNCONFIRMED: 1.0,
    Kind.INSTITUTION: 1.0,
}
WITH_WEEKLY = {**SHARES, Kind.WEEKLY_EMAIL: 4.0}
"""Weekly letters leave on Friday evening: a run that has them must last till then."""


@dataclass(frozen=True, slots=True)
class Sent:
    """An event and the mark it bears. `entity` is what it is about, over corrections."""

    event: Mapping[str, Any]
    mark: str
    category: str

    @property
    def id(self) -> str:
        return str(self.event["id"])

    @property
    def entity(self) -> str:
        return str(self.event["data"]["entity"])


def burst(
    school: School, count: int, seed: int, sorts: Mapping[str, int] = MappingProxyType(ALL_SORTS)
) -> list[Sent]:
    """`count` changes of the school's Monday, the same for the same seed; an entity's in order. `sorts`:
    categories, and corrections of marks, by weight."""
    rng, pupils = random.Random(f"burst/{seed}"), school.pupils
    made: list[Sent] = []
    marks: list[Sent] = []
    for number in range(count):
        category = rng.choices(list(sorts), list(sorts.values()))[0]
        if category == "correction" and marks:
            one = _corrected(rng.choice(marks), number)
        else:
            first = "mark" if "mark" in sorts else "final_mark"
            fresh = first if category == "correction" else category
            one = _fresh(school, rng.choice(pupils), fresh, number, rng)
        made.append(one)
        if one.category in _MARKS:
            marks.append(one)
    return made


def _fresh(school: School, pupil: Child, category: str, number: int, rng: random.Random) -> Sent:
    mark = _mark(number)
    day, course = school.monday.isoformat(), {"name": mark, "teacher": "Корнеева Л. П."}
    lesson = {"date": day, "number": rng.randint(1, 6), "topic": "Проценты"}
    about: dict[str, dict[str, Any]] = {
        "mark": {
            "course": course,
            "lesson": lesson,
            "work": {"kind": "Ответ на уроке", "weight": 1.0},
            "mark": {"value": rng.choice("2345"), "scale": "5"},
        },
        "attendance": {"course": course, "lesson": lesson, "attendance": rng.choice(("absent", "late"))},
        "remark": {"author": "Корнеева Л. П.", "text": f"Запись {mark}.", "kind": "praise"},
        "final_mark": {
            "course": course,
            "period": {"kind": "quarter", "name": "2-я четверть", "ends_on": "2026-12-29"},
            "mark": {"value": rng.choice("345"), "scale": "5"},
        },
        "announcement": {"author": "Корнеева Л. П.", "title": mark, "text": "Собрание в среду."},
        "assessment": {"course": course, "date": "2026-12-07", "kind": "Контрольная работа"},
    }
    data = {**about[category], "entity": f"{category}/{number}", "class": pupil.group.name}
    subject = pupil.id if category in _INDIVIDUAL else None
    return Sent(_event(school, category, number, data, subject), mark, category)


def _corrected(earlier: Sent, number: int) -> Sent:
    """The same mark under another topic and course: its newest revision bears the newest mark."""
    mark = _mark(number)
    data = {
        **earlier.event["data"],
        "course": {"name": mark, "teacher": "Корнеева Л. П."},
        "mark": {"value": "5-", "scale": "5"},
        "revision": number + 2,
    }
    event = {**earlier.event, "id": f"chaos-{number:05d}", "time": _time(number), "data": data}
    return Sent(event, mark, earlier.category)


def _event(
    school: School, category: str, number: int, data: Mapping[str, Any], pupil: str | None
) -> dict[str, Any]:
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"chaos-{number:05d}",
        "source": source_of(school.id, JOURNAL),
        "type": f"journal.{category}.{_VERBS.get(category, 'set')}",
        "time": _time(number),
        "data": {**data, "revision": 1},
    }
    return {**event, "subject": pupil} if pupil is not None else event


def _mark(number: int) -> str:
    return f"М{number:05d}М"


def _time(number: int) -> str:
    return (
        datetime.fromisoformat("2026-11-23T09:00:00+03:00") + timedelta(milliseconds=100 * number)
    ).isoformat()


def newest(sent: Iterable[Sent]) -> list[Sent]:
    """The last revision of every entity."""
    return list({one.entity: one for one in sent}.values())


def lanes(sent: Sequence[Sent], count: int) -> list[list[Sent]]:
    """Shared out among journals' connections; an entity's revisions stay in one, in order."""
    made: list[list[Sent]] = [[] for _ in range(count)]
    for one in sent:
        made[int(one.entity.rpartition("/")[2]) % count].append(one)
    return made


@dataclass(frozen=True, slots=True)
class Owed:
    """What one guardian must be told of one change: ("tell", channel, mode), ("paper", why),
    ("suppress", why)."""

    sent: Sent
    pupil: str
    guardian: str
    verdict: tuple[str, ...]


def owed(sent: Iterable[Sent], families: Families, school: School) -> Iterator[Owed]:
    """Every change and guardian, by the contract alone."""
    members = {group.name: families.members(school.id, group.name) for group in school.classes}
    for one in sent:
        class_name, subject = one.event["data"]["class"], one.event.get("subject")
        for pupil in members[class_name]:
            if subject is None or pupil.pupil == subject:
                for tie in pupil.guardianships:
                    verdict = _decide(one, pupil, tie, families, school)
                    yield Owed(one, pupil.pupil, tie.guardian.guardian, verdict)


def _decide(
    one: Sent, pupil: Pupil, tie: Guardianship, families: Families, school: School
) -> tuple[str, ...]:
    today: date = school.monday
    return contract.decide(
        one.category,
        individual=one.category in _INDIVIDUAL,
        attestation=False,
        happened_on=today,
        pupil=pupil,
        school_class=families.classes(school.id)[pupil.class_name],
        tie=tie,
        usable=frozenset(str(contact.channel) for contact in tie.guardian.contacts if _usable(contact)),
        today=today,
    )


def _usable(contact: Contact) -> bool:
    return contact.confirmed_at is not None and not contact.stopped


def by_guardian(found: Iterable[Owed]) -> dict[str, list[Owed]]:
    shared: dict[str, list[Owed]] = defaultdict(list)
    for one in found:
        shared[one.guardian].append(one)
    return shared
