"""A message as its reader will see it: what rendering gets, and all it gets."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from shared.changes import Change
from shared.families import Guardian, Name, School


class Kind(StrEnum):
    """How the message came about."""

    IMMEDIATE = "immediate"
    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True)
class Child:
    pupil: str
    name: Name
    class_name: str


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to tell. `children` of this guardian whom it concerns; `told` is the revision that
    was told before and that this one corrects (R-A11), None for news; a removed change always
    corrects. `chosen`: the guardian asked for this very channel for this category."""

    change: Change
    children: tuple[Child, ...]
    told: Change | None = None
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class MessageView:
    """`period` is the week a weekly e-mail tells of (it may have no items, R-B6)."""

    message: UUID
    kind: Kind
    school: School
    guardian: Guardian
    items: tuple[Item, ...]
    now: datetime
    period: tuple[date, date] | None = None
    first: bool = False  # the first message to this address: offers «это не мой ребёнок» (R-C6)

    @property
    def children(self) -> tuple[Child, ...]:
        """Every child the message speaks of, once, in order of appearance."""
        return tuple(dict.fromkeys(child for item in self.items for child in item.children))
