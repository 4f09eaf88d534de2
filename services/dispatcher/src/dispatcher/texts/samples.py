"""A made-up family and its week: what previews and tests show. Nobody here exists."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from dispatcher.view import Child, Item, Kind, MessageView
from shared.categories import Attendance, Category
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


_CHOSEN = {True: "канал выбран для отметок", False: "канал для отметок не выбран"}
_VALUED = frozenset({Category.MARK, Category.FINAL_MARK, Category.FORECAST})
REMOVABLE = frozenset(category for category, removed in TYPES.values() if removed)
SCALES = ("5", "4-", "4/5", "зач", "незач", "н/а", "10", "12", "87")
"""Five-point, signed, double, pass or fail, not assessed, 10, 12 and 100-point (R-A9)."""

VARIANTS: dict[Category, dict[str, dict[str, Any]]] = {
    Category.MARK: {f"шкала: {value}": {"mark": {"value": value}} for value in SCALES}
    | {"поздняя, за прошлую неделю": {"lesson": {"date": "2026-11-18", "number": 4}}},
    Category.FINAL_MARK: {
        f"период: {kind}": {"period": {"kind": kind, "name": name}}
        for kind, name in (
            ("quarter", "II четверть"),
            ("trimester", "1-й триместр"),
            ("half_year", "I полугодие"),
            ("year", "2026/27 учебный год"),
            ("exam", ""),
            ("contest", ""),
            ("attestation", ""),
        )
    }
    | {"отложена": {"mark": {}, "postponed": True}},
    Category.ATTENDANCE: {f"вид: {kind}": {"attendance": kind, "raw": ""} for kind in Attendance}
    | {"незнакомая отметка журнала": {"attendance": "?", "raw": "УП"}},
    Category.HOMEWORK: {"для подгруппы": {"group": "англ. 2"}},
    Category.LESSON: {
        "отмена": {"change": "cancelled", "before": "", "after": ""},
        "перенос": {
            "change": "moved",
            "before": {"date": "2026-11-24", "number": 3, "room": "12"},
            "after": {"date": "2026-11-25", "number": 5, "room": "21"},
        },
        "замена": {"change": "substituted", "before": "Кузнецова И. П.", "after": "Белов А. С."},
        "кабинет": {"change": "room", "before": "кабинет 12", "after": {"room": "21"}},
        "другое": {"change": "merged", "before": "", "after": ""},
    },
    Category.ASSESSMENT: {"для подгруппы": {"group": "профильная"}},
    Category.REMARK: {f"вид: {kind}": {"kind": kind} for kind in ("remark", "praise", "recommendation", "")},
}
"""What else a category can be about."""

LEAST: dict[Category, dict[str, Any]] = {
    Category.MARK: {"course": {"name": "Алгебра"}, "mark": {"value": "5"}},
    Category.FINAL_MARK: {"course": {"name": "Алгебра"}, "mark": {"value": "4"}},
    Category.FORECAST: {"course": {"name": "Алгебра"}, "mark": {"value": "4"}},
    Category.ATTENDANCE: {"attendance": "absent"},
    Category.REMARK: {"text": "Иван активно работает на уроках."},
    Category.HOMEWORK: {"text": "§ 14"},
    Category.LESSON: {"course": {"name": "Алгебра"}},
    Category.ASSESSMENT: {"course": {"name": "Алгебра"}},
    Category.ANNOUNCEMENT: {"text": "Завтра школа работает по обычному расписанию."},
}


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


def situations(category: Category) -> dict[str, Item]:
    """Every situation that this category's texts must tell apart, named for a head teacher."""
    made: dict[str, Item] = {}
    for chosen, means in _CHOSEN.items():
        note = f", {means}" if category in _VALUED else ""
        if note or not chosen:
            made[f"новость{note}"] = news(category, chosen=chosen)
            made[f"исправление{note}"] = correction(category, chosen=chosen)
            if category in REMOVABLE:
                made[f"удаление{note}"] = removal(category, chosen=chosen)
    made["для двоих детей"] = replace(news(category), children=(IVAN, MARIA))
    made["журнал прислал только самое нужное"] = Item(change(category, LEAST[category]), (IVAN,))
    made.update(
        {name: news(category, chosen=True, **data) for name, data in VARIANTS.get(category, {}).items()}
    )
    if category is Category.HOMEWORK:
        own = change(category, NEWS[category])
        made["одному ученику"] = Item(replace(own, pupil=IVAN.pupil), (IVAN,))
    if category is Category.FINAL_MARK:
        made["отложенная выставлена"] = _revised(
            category, {"mark": {}, "postponed": True}, {"postponed": False}
        )
    if category is Category.ATTENDANCE:
        made["отсутствие исправлено на присутствие"] = _revised(category, {}, {"attendance": "present"})
        made["стала известна причина"] = _revised(category, {}, {"attendance": "absent_ill"})
    return made


def _revised(category: Category, before: dict[str, Any], after: dict[str, Any]) -> Item:
    told = change(category, {**NEWS[category], **before})
    newer = change(category, {**NEWS[category], **after}, revision=2)
    return Item(newer, (IVAN,), told=told, chosen=True)


def letters() -> dict[str, MessageView]:
    """Whole messages: how they come about, for whom."""
    several = [news(Category.ATTENDANCE), news(Category.ATTENDANCE, child=MARIA, attendance="late")]
    nameless = replace(GUARDIAN, name=Name("Ли", "Мэй"))
    return {
        "immediate": view([news(Category.ATTENDANCE)]),
        "immediate-two-children": view(several),
        "immediate-correction": view([correction(Category.MARK)]),
        "immediate-without-patronymic": replace(
            view([news(Category.LESSON, child=Child("p-3", Name("Ли", "Ань"), "5А"))]), guardian=nameless
        ),
        "first": view([news(Category.ATTENDANCE)], first=True),
        "daily": digest(),
        "daily-one-child": typical(),
        "weekly": digest(kind=Kind.WEEKLY),
        "weekly-empty": empty_week(),
    }


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
