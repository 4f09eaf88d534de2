"""A made-up family and its week: what previews and tests show. Nobody here exists."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from dispatcher.view import Child, Item, Kind, MessageView
from shared.categories import Category
from shared.changes import TYPES, Change, Version
from shared.families import Guardian, Name, School

NOW = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
MESSAGE = UUID("019aaf5e-7c00-7000-8000-000000000001")
SCHOOL = School("ilinskaya", "МБОУ Ильинская СОШ", ZoneInfo("Europe/Moscow"))
GUARDIAN = Guardian("ilinskaya", "g-17", Name("Петрова", "Анна", "Сергеевна"))
IVAN = Child("p-1", Name("Петров", "Иван", "Олегович"), "7Б")
MARIA = Child("p-2", Name("Петрова", "Мария", "Олеговна"), "2А")

_ALGEBRA = {"name": "Алгебра", "teacher": "Кузнецова Ирина Павловна"}
_LESSON = {"date": "2026-11-23", "number": 2, "topic": "Квадратные уравнения"}
_MARK = {
    "course": _ALGEBRA,
    "lesson": _LESSON,
    "work": {"kind": "контрольная работа", "weight": 2},
    "mark": {"value": "5", "scale": "five"},
    "comment": "Задача повышенной сложности решена без ошибок.",
}
_QUARTER = {"kind": "quarter", "name": "II четверть", "ends_on": "2026-12-26"}

NEWS: dict[Category, dict[str, Any]] = {
    Category.FINAL_MARK: {"course": _ALGEBRA, "period": _QUARTER, "mark": {"value": "4", "scale": "five"}},
    Category.MARK: _MARK,
    Category.FORECAST: {
        "course": _ALGEBRA,
        "period": _QUARTER,
        "mark": {"value": "4", "scale": "five"},
        "average": 4.35,
    },
    Category.ATTENDANCE: {"course": _ALGEBRA, "lesson": _LESSON, "attendance": "absent", "raw": "н"},
    Category.REMARK: {
        "author": "Кузнецова Ирина Павловна",
        "kind": "praise",
        "text": "Иван помог одноклассникам подготовиться к олимпиаде.",
    },
    Category.HOMEWORK: {
        "course": _ALGEBRA,
        "lesson": _LESSON,
        "due_on": "2026-11-25",
        "text": "§ 14, № 231–235.\nПовторить формулы сокращённого умножения.",
    },
    Category.LESSON: {
        "course": _ALGEBRA,
        "lesson": {"date": "2026-11-24", "number": 3},
        "change": "moved",
        "before": "3-й урок, кабинет 12",
        "after": "5-й урок, кабинет 21",
    },
    Category.ASSESSMENT: {"course": _ALGEBRA, "date": "2026-11-27", "kind": "контрольная работа"},
    Category.ANNOUNCEMENT: {
        "author": "Классный руководитель Соколова Е. В.",
        "title": "Родительское собрание",
        "text": "Ждём вас в четверг, 26 ноября, в 18:30 в кабинете 21.",
    },
}
"""One believable piece of news of every category."""

EDITED: dict[Category, dict[str, Any]] = {
    Category.FINAL_MARK: {"mark": {"value": "5", "scale": "five"}},
    Category.MARK: {"mark": {"value": "4", "scale": "five"}},
    Category.FORECAST: {"mark": {"value": "5", "scale": "five"}, "average": 4.6},
    Category.ATTENDANCE: {"attendance": "late", "raw": "оп"},
    Category.REMARK: {"text": "Иван и Олег помогли одноклассникам подготовиться к олимпиаде."},
    Category.HOMEWORK: {"due_on": "2026-11-26", "text": "§ 14, № 231–233."},
    Category.LESSON: {"change": "cancelled", "after": ""},
    Category.ASSESSMENT: {"date": "2026-11-30"},
    Category.ANNOUNCEMENT: {"text": "Собрание переносится на пятницу, 27 ноября, 18:30, кабинет 21."},
}
"""What a correction of it changes."""


def change(
    category: Category, data: dict[str, Any], *, revision: int = 1, removed: bool = False, entity: str = ""
) -> Change:
    """A change of this category with this `data`, about one pupil or, where that is usual, the class."""
    whole_class = category in {Category.LESSON, Category.ASSESSMENT, Category.ANNOUNCEMENT, Category.HOMEWORK}
    kind = next(name for name, (its, gone) in TYPES.items() if its is category and gone is removed)
    entity = entity or f"{category}/1"
    return Change(
        change=UUID(int=MESSAGE.int + revision),
        source="/schools/ilinskaya/journals/main",
        school="ilinskaya",
        type=kind,
        category=category,
        removed=removed,
        entity=entity,
        version=Version(revision, NOW),
        accepted_at=NOW,
        pupil=None if whole_class else IVAN.pupil,
        class_name="7Б",
        grade="7",
        group=None,
        pupils=(),
        data={"entity": entity, **data},
    )


def news(category: Category, *, child: Child = IVAN, chosen: bool = False, **data: Any) -> Item:
    return Item(change(category, {**NEWS[category], **data}), (child,), chosen=chosen)


def correction(category: Category, *, chosen: bool = False) -> Item:
    told = change(category, NEWS[category])
    newer = change(category, {**NEWS[category], **EDITED[category]}, revision=2)
    return Item(newer, (IVAN,), told=told, chosen=chosen)


def removal(category: Category, *, chosen: bool = False) -> Item:
    """Not for the categories that are never removed: forecast, lesson."""
    gone = change(category, {}, revision=2, removed=True)
    return Item(gone, (IVAN,), told=change(category, NEWS[category]), chosen=chosen)


def view(
    items: Iterable[Item], *, kind: Kind = Kind.IMMEDIATE, first: bool = False, now: datetime = NOW
) -> MessageView:
    monday = now.date() - timedelta(days=now.weekday())
    return MessageView(
        message=MESSAGE,
        kind=kind,
        school=SCHOOL,
        guardian=GUARDIAN,
        items=tuple(items),
        now=now,
        period=(monday, monday + timedelta(days=5)) if kind is Kind.WEEKLY else None,
        first=first,
    )


def digest(*, kind: Kind = Kind.DAILY, first: bool = False) -> MessageView:
    """A full evening: two children, news, corrections, a removal, something for both."""
    course = {"name": "Русский язык"}
    late = {"date": "2026-11-18", "number": 4, "topic": "Причастный оборот"}
    both = replace(news(Category.ANNOUNCEMENT), children=(IVAN, MARIA))
    items = [
        news(Category.MARK),
        news(
            Category.MARK,
            course=course,
            lesson=late,
            work={"kind": "диктант"},
            mark={"value": "4/5"},
            comment=None,
        ),
        correction(Category.MARK),
        removal(Category.MARK),
        news(Category.FINAL_MARK),
        news(Category.FINAL_MARK, course={"name": "Физика"}, mark={}, postponed=True),
        news(Category.FORECAST),
        news(Category.ATTENDANCE),
        correction(Category.ATTENDANCE),
        news(Category.REMARK),
        news(Category.HOMEWORK),
        correction(Category.HOMEWORK),
        news(Category.LESSON),
        news(Category.ASSESSMENT),
        news(
            Category.ATTENDANCE,
            child=MARIA,
            course={"name": "Окружающий мир"},
            lesson={"date": "2026-11-23", "number": 1},
            attendance="late",
        ),
        both,
    ]
    return view(items, kind=kind, first=first)


def typical() -> MessageView:
    """An evening as most families have it: what speed is measured on."""
    items = [
        news(Category.MARK),
        news(Category.MARK, course={"name": "Русский язык"}, comment=None),
        news(Category.HOMEWORK),
        news(Category.HOMEWORK, course={"name": "История"}),
        news(Category.ASSESSMENT),
    ]
    return view(items, kind=Kind.DAILY)


def empty_week() -> MessageView:
    """A week in which nothing was written down (R-B6)."""
    return replace(view((), kind=Kind.WEEKLY), period=(date(2026, 11, 23), date(2026, 11, 28)))
