"""An item in a few words, for SMS and push: who, what, course, date, and nothing that need not travel
(DESIGN §6, R-D3). A mark's value is said only to who chose the channel for marks."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from dispatcher.texts import entries, templates
from dispatcher.texts.clean import line
from dispatcher.texts.entries import Entry
from dispatcher.texts.facts import Facts
from dispatcher.texts.words import Words
from dispatcher.view import Child, MessageView
from shared.categories import Channel

_WRITTEN = ("course", "inner_course", "lesson", "what", "mark", "period", "title", "before", "after")
"""What of the facts a phrase may say that a journal wrote."""


@dataclass(frozen=True, slots=True)
class Said:
    """Phrases about the same children, in order."""

    children: tuple[Child, ...]
    phrases: tuple[str, ...]
    who: str
    """«Иван П.», «Иван П. и Мария П.», or nothing."""


def said(
    view: MessageView, channel: Channel, words: Words, *, longest: int | None = None
) -> tuple[Said, ...]:
    """Every item's phrase by children; nothing that a journal wrote is longer than `longest` letters."""
    today = view.school.today(view.now)
    return tuple(
        Said(
            group.children,
            tuple(
                phrase(entry, channel, words, today=today, longest=longest)
                for section in group.sections
                for entry in section.entries
            ),
            cut(entries.names(group.children, words), 2 * longest, words.ellipsis)
            if longest
            else entries.names(group.children, words),
        )
        for group in entries.groups(view.items, words)
    )


def phrase(entry: Entry, channel: Channel, words: Words, *, today: date, longest: int | None) -> str:
    """`today` dates what has no date of its own."""
    facts, was = entry.facts, entry.was or entry.facts
    if longest:
        facts, was = _shorter(facts, longest), _shorter(was, longest)
    day = words.short_day(today) if channel is Channel.SMS else words.weekday_short(today)
    made = templates.phrase(words, f"{entry.category}/{channel}").render(e=entry, f=facts, was=was, day=day)
    return line(made)


def _shorter(facts: Facts, longest: int) -> Facts:
    ellipsis = facts.words.ellipsis
    long: dict[str, Any] = {name: cut(getattr(facts, name), longest, ellipsis) for name in _WRITTEN}
    return replace(facts, **long)


def cut(text: str, longest: int, ellipsis: str) -> str:
    """At most `longest` letters, whole words where one fits."""
    if len(text) <= longest:
        return text
    kept = text[: longest - len(ellipsis) + 1]
    by_words = kept.rpartition(" ")[0].rstrip(" ,;:.—-«(")
    return (by_words if len(by_words) * 2 >= longest else kept[:-1].rstrip()) + ellipsis
