"""What a change's `data` says, read once, cleaned, in the words that every channel uses.

Journals leave out whatever they do not have, so everything is optional here: a missing fact is empty.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from dispatcher.texts.clean import line, text
from dispatcher.texts.words import Words
from shared.categories import Attendance, Category
from shared.changes import Change


@dataclass(frozen=True, slots=True)
class Facts:
    """`date` is the lesson's, or the planned work's; `what` the category's own word for the thing:
    a kind of work, a kind of remark, what became of a lesson, presence or absence."""

    words: Words
    course: str
    """By itself: «Алгебра»; `inner_course` inside a sentence."""
    inner_course: str
    by_course: str
    teacher: str
    date: dt.date | None
    lesson: str
    """«2-й урок»."""
    number: str
    topic: str
    what: str
    change: str
    """What became of a lesson, in the journal's code."""
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
        """«понедельник, 23 ноября»."""
        return self.words.weekday(self.date) if self.date else ""

    @property
    def when_short(self) -> str:
        """«пн, 23 ноября»."""
        return self.words.weekday_short(self.date) if self.date else ""

    @property
    def day(self) -> str:
        """«23.11»."""
        return self.words.short_day(self.date) if self.date else ""

    @property
    def date_said(self) -> str:
        """«23 ноября»."""
        return self.words.day(self.date) if self.date else ""

    @property
    def due_when(self) -> str:
        """«на понедельник, 23 ноября»."""
        return self.words.due(self.due) if self.due else ""

    @property
    def due_short(self) -> str:
        return self.words.weekday_short(self.due) if self.due else ""

    @property
    def due_said(self) -> str:
        return self.words.day(self.due) if self.due else ""

    @property
    def due_day(self) -> str:
        return self.words.short_day(self.due) if self.due else ""

    @property
    def attendance_short(self) -> str:
        """For SMS and push: never says why."""
        if self.attendance is None:
            return self.words.absence_short
        return self.words.attendance_short.get(self.attendance, self.words.absence_short)


_MOST = 5_000
_read: dict[tuple[UUID, str], tuple[Change, Facts]] = {}


def read(change: Change, words: Words) -> Facts:
    """The facts of a change; the same object for equal changes while it is remembered, so that a
    class's homework is read once, not once a family."""
    key = (change.change, words.code)
    known = _read.get(key)
    if known is not None and known[0] == change:
        return known[1]
    if len(_read) >= _MOST:
        _read.clear()
    facts = _facts(change, words)
    _read[key] = (change, facts)
    return facts


def _facts(change: Change, words: Words) -> Facts:
    data = change.data
    course, lesson, work = _part(data, "course"), _part(data, "lesson"), _part(data, "work")
    period, mark = _part(data, "period"), _part(data, "mark")
    attendance = _attendance(data.get("attendance"))
    name, number = line(course.get("name")), line(lesson.get("number"))
    return Facts(
        words=words,
        course=words.course(name),
        inner_course=words.inner_course(name),
        by_course=words.by_course(name) if name else "",
        teacher=line(course.get("teacher")),
        date=_date(lesson.get("date") or data.get("date")),
        lesson=words.lesson(number) if number else "",
        number=number,
        topic=line(lesson.get("topic")),
        what=_what(change.category, data, work, attendance, words),
        change=line(data.get("change")),
        weight=words.decimal(line(work.get("weight"))) if work.get("weight") is not None else "",
        mark=line(mark.get("value")),
        comment=text(data.get("comment")),
        period=words.period(line(period.get("name"))) or words.periods.get(line(period.get("kind")), ""),
        postponed=bool(data.get("postponed")),
        average=words.decimal(line(data.get("average"))) if data.get("average") is not None else "",
        attendance=attendance,
        due=_date(data.get("due_on")),
        title=line(data.get("title")),
        text=text(data.get("text")),
        author=line(data.get("author")),
        before=_state(data.get("before"), words),
        after=_state(data.get("after"), words),
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
    category: Category,
    data: dict[str, Any],
    work: dict[str, Any],
    attendance: Attendance | None,
    words: Words,
) -> str:
    match category:
        case Category.ATTENDANCE:
            return words.attendance[attendance] if attendance else line(data.get("raw"))
        case Category.LESSON:
            return words.lesson_changes.get(line(data.get("change")), words.lesson_changed)
        case Category.REMARK:
            return words.remarks.get(line(data.get("kind")), words.remark)
        case Category.ASSESSMENT:
            return words.work(line(data.get("kind"))) or words.subjects[category]
        case _:
            return words.work(line(work.get("kind")))


def _state(value: object, words: Words) -> str:
    """A lesson before or after its change: a text, or its parts."""
    if not isinstance(value, dict):
        return line(value)
    on, number, room = _date(value.get("date")), line(value.get("number")), line(value.get("room"))
    course = value.get("course")
    name = line(course.get("name") if isinstance(course, dict) else course)
    parts = (
        words.inner_course(name) if name else "",
        words.weekday(on) if on else "",
        words.lesson(number) if number else "",
        words.room(room) if room else "",
        line(value.get("teacher")),
    )
    return ", ".join(part for part in parts if part)
