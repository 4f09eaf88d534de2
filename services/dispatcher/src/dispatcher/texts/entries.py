"""What a letter lists: items in order, each as news, a correction or a removal (R-A11)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from dispatcher.texts import russian, wording
from dispatcher.texts.clean import line
from dispatcher.texts.facts import Facts, read
from dispatcher.view import Child, Item
from shared.categories import Category


class Sort(StrEnum):
    NEWS = "news"
    CORRECTED = "corrected"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a correction changed; the main one has no label."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One item. `facts` are the newest; of a removed one, those the family was told.
    `was` is what a correction corrects."""

    category: Category
    sort: Sort
    facts: Facts
    differences: tuple[Difference, ...]
    children: tuple[Child, ...]
    chosen: bool
    was: Facts | None = None

    @property
    def removed(self) -> bool:
        return self.sort is Sort.REMOVED

    @property
    def corrected(self) -> bool:
        return self.sort is Sort.CORRECTED

    @property
    def order(self) -> tuple[date, int, str]:
        facts = self.facts
        number = int(facts.number) if facts.number.isdecimal() else 99
        return (facts.date or facts.due or date.max, number, facts.course)


# What a family sees of each category: label, then the fact's name. A text stands last.
COMPARED: dict[Category, tuple[tuple[str, str], ...]] = {
    Category.MARK: (
        ("", "mark"),
        ("предмет", "course"),
        ("дата урока", "when"),
        ("урок", "lesson"),
        ("вид работы", "what"),
        ("вес", "weight"),
        ("тема", "topic"),
        ("комментарий", "comment"),
    ),
    Category.FINAL_MARK: (("", "mark"), ("предмет", "course"), ("период", "period")),
    Category.FORECAST: (
        ("", "mark"),
        ("средний балл", "average"),
        ("предмет", "course"),
        ("период", "period"),
    ),
    Category.ATTENDANCE: (("", "what"), ("предмет", "course"), ("дата", "when"), ("урок", "lesson")),
    Category.HOMEWORK: (("предмет", "course"), ("срок", "due_when"), ("", "text")),
    Category.LESSON: (),  # one sentence tells the whole of what was said before
    Category.ASSESSMENT: (("дата", "when"), ("работа", "what"), ("предмет", "course")),
    Category.REMARK: (("автор", "author"), ("", "text")),
    Category.ANNOUNCEMENT: (("автор", "author"), ("заголовок", "title"), ("", "text")),
}


def entry(item: Item) -> Entry:
    """An item as its reader is told of it."""
    change, told = item.change, item.told
    if change.removed:
        facts = read(told) if told is not None else read(change)
        return Entry(change.category, Sort.REMOVED, facts, (), item.children, item.chosen)
    facts = read(change)
    if told is None:
        return Entry(change.category, Sort.NEWS, facts, (), item.children, item.chosen)
    was = read(told)
    found = differences(change.category, was, facts)
    return Entry(change.category, Sort.CORRECTED, facts, found, item.children, item.chosen, was)


def differences(category: Category, before: Facts, after: Facts) -> tuple[Difference, ...]:
    pairs = ((label, _said(before, name), _said(after, name)) for label, name in COMPARED[category])
    return tuple(Difference(label, old, new) for label, old, new in pairs if old != new)


def _said(facts: Facts, name: str) -> str:
    value = str(getattr(facts, name))
    return wording.POSTPONED if name == "mark" and facts.postponed and not value else value


@dataclass(frozen=True, slots=True)
class Section:
    category: Category
    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """What concerns one child, or the same children together."""

    children: tuple[Child, ...]
    sections: tuple[Section, ...]

    @property
    def heading(self) -> str:
        """«Иван Петров, 7 «Б»»; together: «Иван и Мария»; nobody's: empty."""
        if len(self.children) == 1:
            child = self.children[0]
            name, school_class = line(f"{child.name.given} {child.name.family}"), line(child.class_name)
            return f"{name}, {russian.quoted_class(school_class)}" if school_class else name
        return russian.enumeration([line(child.name.given) for child in self.children])


def groups(items: Iterable[Item]) -> tuple[Group, ...]:
    """Entries by child, then category, then date and lesson; what concerns several children at once
    stands once, after them."""
    by_children: dict[tuple[Child, ...], list[Entry]] = {}
    for item in items:
        by_children.setdefault(item.children, []).append(entry(item))
    ordered = sorted(by_children, key=lambda children: len(children) != 1)
    return tuple(Group(children, _sections(by_children[children])) for children in ordered)


def _sections(entries: list[Entry]) -> tuple[Section, ...]:
    by_category: dict[Category, list[Entry]] = {}
    for one in entries:
        by_category.setdefault(one.category, []).append(one)
    return tuple(
        Section(category, title, tuple(sorted(by_category[category], key=lambda one: one.order)))
        for category, title in wording.TITLES.items()
        if category in by_category
    )


def names(children: Iterable[Child]) -> str:
    """«Иван П. и Мария П.»."""
    return russian.enumeration([line(child.name.short).replace(" ", russian.NBSP) for child in children])
