"""What a letter lists: items in order, each as news, a correction or a removal (R-A11)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from dispatcher.texts.clean import line
from dispatcher.texts.facts import Facts, read
from dispatcher.texts.russian import NBSP
from dispatcher.texts.words import Words
from dispatcher.view import Child, Item
from shared.categories import Category


class Sort(StrEnum):
    NEWS = "news"
    CORRECTED = "corrected"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One item. `facts` are the newest; of a removed one, those the family was told. `was` is what a
    correction corrects, `differences` a sentence for each thing it changed, and `earlier` the whole text
    before where that is what changed."""

    category: Category
    sort: Sort
    facts: Facts
    children: tuple[Child, ...]
    chosen: bool
    was: Facts | None = None
    differences: tuple[str, ...] = ()
    earlier: str = ""

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


COMPARED: dict[Category, tuple[str, ...]] = {
    Category.MARK: ("mark", "course", "when", "lesson", "what", "weight", "topic", "comment"),
    Category.FINAL_MARK: ("mark", "course", "period", "comment"),
    Category.FORECAST: ("mark", "average", "course", "period", "comment"),
    Category.ATTENDANCE: ("what", "course", "when", "lesson"),
    Category.HOMEWORK: ("course", "due_when", "text"),
    Category.LESSON: (),  # one sentence tells the whole of what was said before
    Category.ASSESSMENT: ("when", "what", "course"),
    Category.REMARK: ("author", "text"),
    Category.ANNOUNCEMENT: ("author", "title", "text"),
}
"""What a family sees of each category, in the order in which a correction speaks of it."""

_MAIN = {Category.ATTENDANCE: "what"}
"""What needs no label because it is what the entry is about; of other categories, the mark."""
_QUOTED = frozenset({"topic", "comment", "title"})


def entry(item: Item, words: Words) -> Entry:
    """An item as its reader is told of it."""
    change, told = item.change, item.told
    if change.removed:
        facts = read(told if told is not None else change, words)
        return Entry(change.category, Sort.REMOVED, facts, item.children, item.chosen)
    facts = read(change, words)
    if told is None:
        return Entry(change.category, Sort.NEWS, facts, item.children, item.chosen)
    was = read(told, words)
    return Entry(
        change.category,
        Sort.CORRECTED,
        facts,
        item.children,
        item.chosen,
        was,
        differences(change.category, was, facts),
        was.text if was.text != facts.text else "",
    )


def differences(category: Category, before: Facts, after: Facts) -> tuple[str, ...]:
    """A sentence for each thing that changed, except a whole text."""
    main = _MAIN.get(category, "mark")
    pairs = ((name, _said(before, name), _said(after, name)) for name in COMPARED[category] if name != "text")
    return tuple(
        after.words.difference("" if name == main else after.words.labels[name], old, new)
        for name, old, new in pairs
        if old != new
    )


def _said(facts: Facts, name: str) -> str:
    if name == "when":
        return facts.words.dated(facts.date) if facts.date else ""
    if name == "due_when":
        return facts.words.dated(facts.due) if facts.due else ""
    value = str(getattr(facts, name))
    if name == "mark" and facts.postponed and not value:
        return facts.words.postponed
    return facts.words.quoted(value) if value and name in _QUOTED else value


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
    heading: str
    """«Иван Петров, 7 «Б»»; together: «Иван и Мария»; nobody's: empty."""


def groups(items: Iterable[Item], words: Words) -> tuple[Group, ...]:
    """Entries by child, then category, then date and lesson; what concerns several children at once
    stands once, after them."""
    by_children: dict[tuple[Child, ...], list[Entry]] = {}
    for item in items:
        by_children.setdefault(item.children, []).append(entry(item, words))
    ordered = sorted(by_children, key=lambda children: len(children) != 1)
    return tuple(
        Group(children, _sections(by_children[children], words), _heading(children, words))
        for children in ordered
    )


def _heading(children: tuple[Child, ...], words: Words) -> str:
    if len(children) == 1:
        child = children[0]
        name, school_class = line(f"{child.name.given} {child.name.family}"), line(child.class_name)
        return f"{name}, {words.school_class(school_class)}" if school_class else name
    return words.enumeration([line(child.name.given) for child in children])


def _sections(entries: list[Entry], words: Words) -> tuple[Section, ...]:
    by_category: dict[Category, list[Entry]] = {}
    for one in entries:
        by_category.setdefault(one.category, []).append(one)
    return tuple(
        Section(category, title, tuple(sorted(by_category[category], key=lambda one: one.order)))
        for category, title in words.titles.items()
        if category in by_category
    )


def names(children: Iterable[Child], words: Words) -> str:
    """«Иван П. и Мария П.»."""
    return words.enumeration([line(child.name.short).replace(" ", NBSP) for child in children])
