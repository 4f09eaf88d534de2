"""What a change's `data` says, read once, cleaned, in the words that every channel uses.

Journals leave out whatever they do not have, so everything is optional here: a missing fact is empty.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from dispatcher.texts import courses, russian, wording
from dispatcher.texts.clean import line, text
from shared.categories import Attendance, Category
from shared.changes import Change


@dataclass(frozen=True, slots=True)
class Facts:
    """`date` is the lesson's, or the planned work's; `what` the category's own word for the thing:
    a kind of work, a kind of remark, what became of a lesson, presence or absence."""

    course: str
    teacher: str
    date: dt.date | None
    number: str
    topic: str
    what: str
    weight: str
    mark: str
    comment: str
    period: str
    postponed: bool
    average: str
    attendance: Attendance | None
    due: dt.date | None
    title: str
    text: str
    author: str
    before: str
    after: str
    group: str
    individual: bool

    @property
    def when(self) -> str:
        """«пн, 23 ноября»."""
        return russian.weekday_and_day(self.date) if self.date else ""

    @property
    def day(self) -> str:
        """«23.11»."""
        return russian.short_day(self.date) if self.date else ""

    @property
    def due_when(self) -> str:
        return russian.weekday_and_day(self.due) if self.due else ""

    @property
    def due_day(self) -> str:
        return russian.short_day(self.due) if self.due else ""

    @property
    def lesson(self) -> str:
        """«2-й урок»."""
        if not self.number:
            return ""
        return f"{self.number}-й{russian.NBSP}урок" if self.number.isdigit() else f"урок {self.number}"

    @property
    def by_course(self) -> str:
        """«по алгебре»."""
        return courses.by(self.course) if self.course else ""

    @property
    def inner_course(self) -> str:
        """«алгебра», inside a sentence."""
        return courses.within(self.course)

    @property
    def short_course(self) -> str:
        return courses.short(self.course) if self.course else ""

    @property
    def attendance_short(self) -> str:
        """For SMS and push: never says why."""
        if self.attendance is None:
            return wording.ABSENCE_SHORT
        return wording.ATTENDANCE_SHORT.get(self.attendance, wording.ABSENCE_SHORT)


_MOST = 5_000
_read: dict[UUID, tuple[Change, Facts]] = {}


def read(change: Change) -> Facts:
    """The facts of a change; the same object for equal changes while it is remembered, so that a
    class's homework is read once, not once a family."""
    known = _read.get(change.change)
    if known is not None and known[0] == change:
        return known[1]
    if len(_read) >= _MOST:
        _read.clear()
    facts = _facts(change)
    _read[change.change] = (change, facts)
    return facts


def _facts(change: Change) -> Facts:
    data = change.data
    course, lesson, work = _part(data, "course"), _part(data, "lesson"), _part(data, "work")
    period, mark = _part(data, "period"), _part(data, "mark")
    attendance = _attendance(data.get("attendance"))
    return Facts(
        course=line(course.get("name")),
        teacher=line(course.get("teacher")),
        date=_date(lesson.get("date") or data.get("date")),
        number=line(lesson.get("number")),
        topic=line(lesson.get("topic")),
        what=_what(change.category, data, work, attendance),
        weight=russian.decimal(line(work.get("weight"))) if work.get("weight") is not None else "",
        mark=line(mark.get("value")),
        comment=text(data.get("comment")),
        period=line(period.get("name")) or wording.PERIODS.get(line(period.get("kind")), ""),
        postponed=bool(data.get("postponed")),
        average=russian.decimal(line(data.get("average"))) if data.get("average") is not None else "",
        attendance=attendance,
        due=_date(data.get("due_on")),
        title=line(data.get("title")),
        text=text(data.get("text")),
        author=line(data.get("author")),
        before=_state(data.get("before")),
        after=_state(data.get("after")),
        group=line(data.get("group")),
        individual=change.individual,
    )


def _part(data: dict[str, Any], name: str) -> dict[str, Any]:
    value = data.get(name)
    if isinstance(value, dict):
        return value
    # Some journals say `course: "Алгебра"` or `mark: "5"` outright.
    return {} if value is None else {"name": value, "value": value, "kind": value}


def _date(value: object) -> dt.date | None:
    if not isinstance(value, str):
        return None
    try:
        return dt.date.fromisoformat(value[:10])
    except ValueError:
        return None


def _attendance(value: object) -> Attendance | None:
    try:
        return Attendance(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _what(
    category: Category, data: dict[str, Any], work: dict[str, Any], attendance: Attendance | None
) -> str:
    match category:
        case Category.ATTENDANCE:
            return wording.ATTENDANCE[attendance] if attendance else line(data.get("raw"))
        case Category.LESSON:
            return wording.LESSON_CHANGES.get(line(data.get("change")), wording.LESSON_CHANGED)
        case Category.REMARK:
            return wording.REMARKS.get(line(data.get("kind")), wording.REMARK)
        case Category.ASSESSMENT:
            return line(data.get("kind")) or wording.SUBJECTS[category]
        case _:
            return line(work.get("kind"))


def _state(value: object) -> str:
    """A lesson before or after its change: a text, or its parts."""
    if not isinstance(value, dict):
        return line(value)
    on, number, room = _date(value.get("date")), line(value.get("number")), line(value.get("room"))
    course = value.get("course")
    parts = (
        line(course.get("name") if isinstance(course, dict) else course),
        russian.weekday_and_day(on) if on else "",
        f"{number}-й{russian.NBSP}урок" if number else "",
        f"кабинет {room}" if room else "",
        line(value.get("teacher")),
    )
    return ", ".join(part for part in parts if part)
