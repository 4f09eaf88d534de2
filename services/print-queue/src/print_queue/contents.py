"""From a journal's entry to the line of a sheet (R-A1 … R-A8).

Fields beyond the contract are ignored; a field of the contract that is missing or of another shape
raises `Unprintable`, so that the ledger can refuse it on arrival rather than a whole class on Friday.
"""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

from print_queue import document as doc
from print_queue import russian
from print_queue.entries import Entry
from shared.categories import Category

Line: TypeAlias = (
    doc.Mark
    | doc.FinalMark
    | doc.Forecast
    | doc.AttendanceEntry
    | doc.Homework
    | doc.LessonChange
    | doc.PlannedAssessment
    | doc.Remark
    | doc.Announcement
)

Kind = TypeVar("Kind", bound=StrEnum)


class Unprintable(Exception):
    """Names the field that keeps an entry from being printed; never its content."""


def line_of(entry: Entry, timezone: ZoneInfo) -> Line:
    """The entry as it is printed. Raises Unprintable."""
    return _LINES[entry.category](entry, timezone)


def _mark(entry: Entry, _timezone: ZoneInfo) -> Line:
    data = entry.data
    return doc.Mark(
        course=_course(data),
        lesson_date=_date(data, "lesson", "date"),
        value=_text(data, "mark", "value"),
        topic=_said(data, "lesson", "topic"),
        work=_said(data, "work", "kind"),
        weight=_number(data, "work", "weight"),
        comment=_said(data, "comment"),
    )


def _final_mark(entry: Entry, _timezone: ZoneInfo) -> Line:
    data = entry.data
    return doc.FinalMark(
        course=_course(data),
        period=_text(data, "period", "name"),
        value=None if data.get("postponed") is True else _text(data, "mark", "value"),
        comment=_said(data, "comment"),
    )


def _forecast(entry: Entry, _timezone: ZoneInfo) -> Line:
    data = entry.data
    return doc.Forecast(
        course=_course(data),
        period=_text(data, "period", "name"),
        mark=_text(data, "mark", "value") if isinstance(data.get("mark"), dict) else _text(data, "mark"),
        average=_number(data, "average"),
    )


def _attendance(entry: Entry, _timezone: ZoneInfo) -> Line:
    data = entry.data
    return doc.AttendanceEntry(
        lesson_date=_date(data, "lesson", "date"),
        course=_course(data),
        attendance=_one_of(doc.Attendance, data, "attendance"),
        lesson_number=_ordinal(data, "lesson", "number"),
        reason=_said(data, "reason") or _said(data, "comment"),
    )


def _homework(entry: Entry, _timezone: ZoneInfo) -> Line:
    data = entry.data
    return doc.Homework(
        course=_course(data),
        text=_text(data, "text"),
        due_on=_date(data, "due_on") if data.get("due_on") else None,
        group=entry.group or "",
        individual=entry.pupil is not None,
    )


def _lesson(entry: Entry, _timezone: ZoneInfo) -> Line:
    data = entry.data
    return doc.LessonChange(
        lesson_date=_date(data, "lesson", "date"),
        course=_course(data),
        change=_one_of(doc.LessonChangeKind, data, "change"),
        lesson_number=_ordinal(data, "lesson", "number"),
        before=_in_words(data.get("before")),
        after=_in_words(data.get("after")),
    )


def _assessment(entry: Entry, _timezone: ZoneInfo) -> Line:
    data = entry.data
    return doc.PlannedAssessment(on=_date(data, "date"), course=_course(data), kind=_text(data, "kind"))


def _remark(entry: Entry, timezone: ZoneInfo) -> Line:
    data = entry.data
    return doc.Remark(
        text=_text(data, "text"),
        author=_person(data, "author"),
        kind=_one_of(doc.RemarkKind, data, "kind") if data.get("kind") else doc.RemarkKind.REMARK,
        on=entry.version.time.astimezone(timezone).date(),
    )


def _announcement(entry: Entry, timezone: ZoneInfo) -> Line:
    data = entry.data
    return doc.Announcement(
        title=_said(data, "title"),
        text=_text(data, "text"),
        author=_person(data, "author"),
        on=entry.version.time.astimezone(timezone).date(),
    )


_LINES: Mapping[Category, Callable[[Entry, ZoneInfo], Line]] = {
    Category.MARK: _mark,
    Category.FINAL_MARK: _final_mark,
    Category.FORECAST: _forecast,
    Category.ATTENDANCE: _attendance,
    Category.HOMEWORK: _homework,
    Category.LESSON: _lesson,
    Category.ASSESSMENT: _assessment,
    Category.REMARK: _remark,
    Category.ANNOUNCEMENT: _announcement,
}


def _at(data: Mapping[str, Any], path: tuple[str, ...]) -> object:
    value: object = data
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _said(data: Mapping[str, Any], *path: str) -> str:
    """A text that may be absent."""
    value = _at(data, path)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else ""


def _text(data: Mapping[str, Any], *path: str) -> str:
    """A text that must be there."""
    if not (text := _said(data, *path)):
        raise Unprintable(f"data.{'.'.join(path)} is missing")
    return text


def _person(data: Mapping[str, Any], name: str) -> str:
    """Written as a name or as an object with one."""
    return _text(data, name, "name") if isinstance(data.get(name), dict) else _said(data, name)


def _course(data: Mapping[str, Any]) -> str:
    return _text(data, "course", "name") if isinstance(data.get("course"), dict) else _text(data, "course")


def _date(data: Mapping[str, Any], *path: str) -> date:
    try:
        return date.fromisoformat(_text(data, *path)[:10])
    except ValueError:
        raise Unprintable(f"data.{'.'.join(path)} is not a date") from None


def _number(data: Mapping[str, Any], *path: str) -> Decimal | None:
    """A number that may be absent; what cannot be read as one is not printed."""
    try:
        number = Decimal(_said(data, *path).replace(",", "."))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _ordinal(data: Mapping[str, Any], *path: str) -> int | None:
    text = _said(data, *path)
    return int(text) if text.isdecimal() else None


def _one_of(kind: type[Kind], data: Mapping[str, Any], name: str) -> Kind:
    try:
        return kind(_text(data, name))
    except ValueError:
        raise Unprintable(f"data.{name} is none of {', '.join(kind)}") from None


def _in_words(value: object) -> str:
    """How a lesson was or will be: the journal's own words, or what it sent field by field."""
    if not isinstance(value, dict):
        return value.strip() if isinstance(value, str) else ""
    words = []
    if isinstance(day := value.get("date"), str):
        try:
            words.append(russian.day(date.fromisoformat(day[:10])))
        except ValueError:
            words.append(day)
    if number := _said(value, "number"):
        words.append(f"{number}-й урок")
    if course := _said(value, "course", "name") or _said(value, "course"):
        words.append(course)
    if teacher := _said(value, "teacher", "name") or _said(value, "teacher"):
        words.append(teacher)
    if room := _said(value, "room"):
        words.append(f"каб.{russian.NBSP}{room}")
    return ", ".join(words)
