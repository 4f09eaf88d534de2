"""An item in a few words, for SMS and push: who, what, course, date, and nothing that need not travel
(DESIGN §6, R-D3). A mark's value is said only to who chose the channel for marks."""

from dataclasses import dataclass
from datetime import datetime

from dispatcher.texts import courses, entries, russian
from dispatcher.texts.clean import line
from dispatcher.texts.entries import Entry
from dispatcher.texts.templates import template
from dispatcher.view import Child, MessageView
from shared.categories import Channel


@dataclass(frozen=True, slots=True)
class Said:
    """Phrases about the same children, in order."""

    children: tuple[Child, ...]
    phrases: tuple[str, ...]

    @property
    def who(self) -> str:
        """«Иван П.», «Иван П. и Мария П.», or nothing."""
        return entries.names(self.children)


def said(view: MessageView, channel: Channel, *, short: bool = False) -> tuple[Said, ...]:
    """Every item's phrase by children. `short`: with abbreviated courses."""
    today = view.now.astimezone(view.school.timezone)
    return tuple(
        Said(
            group.children,
            tuple(
                phrase(entry, channel, now=today, short=short)
                for section in group.sections
                for entry in section.entries
            ),
        )
        for group in entries.groups(view.items)
    )


def phrase(entry: Entry, channel: Channel, *, now: datetime, short: bool) -> str:
    facts = entry.facts
    course = facts.short_course if short else courses.within(facts.course)
    day = russian.short_day(now.date()) if channel is Channel.SMS else russian.weekday_and_day(now.date())
    made = template(f"{entry.category}/{channel}.txt.j2").render(e=entry, f=facts, course=course, day=day)
    return line(made)
