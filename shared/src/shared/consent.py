"""Which channels a family's papers open for what: the matrix of DESIGN §6 (R-C4).

One table, readable by a lawyer: item numbers are those of the consent sheet
(001 Appendix 2). A cell lists what must be signed; a tuple inside it means any one of these.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache

from shared.categories import Category, Channel


class Subject(StrEnum):
    """The rows of the matrix: what the law looks at in a change."""

    PROGRESS = "progress"  # 4.3
    ATTESTATION = "attestation"  # 4.6
    SCHOOL_LIFE = "school_life"  # neither


Cell = tuple[str | tuple[str, ...], ...]

MATRIX: dict[Subject, dict[Channel | str, Cell]] = {
    Subject.PROGRESS: {
        Channel.EMAIL: ("1.3", "4.3", "6.9"),
        Channel.SMS: ("1.3", "4.3", "6.8", ("6.9", "6.12")),
        Channel.PUSH: ("1.3", "4.3", "6.8", ("6.9", "6.12")),
        "page": ("4.3", ("6.9", "6.12")),
        Channel.PAPER: ("4.3", "6.10"),
    },
    Subject.ATTESTATION: {
        Channel.EMAIL: ("1.3", "4.6", "6.9"),
        Channel.SMS: ("1.3", "4.6", "6.8", ("6.9", "6.12")),
        Channel.PUSH: ("1.3", "4.6", "6.8", ("6.9", "6.12")),
        "page": ("4.6", ("6.9", "6.12")),
        Channel.PAPER: ("4.6", "6.10"),
    },
    Subject.SCHOOL_LIFE: {
        Channel.EMAIL: ("1.3", "6.9"),
        Channel.SMS: ("1.3", "6.8", ("6.9", "6.12")),
        Channel.PUSH: ("1.3", "6.8", ("6.9", "6.12")),
        "page": (("6.9", "6.12"),),
        Channel.PAPER: ("6.10",),
    },
}

ITEMS: frozenset[str] = frozenset(
    f"{section}.{item}"
    for section, items in {1: 4, 2: 2, 3: 6, 4: 6, 5: 2, 6: 15}.items()
    for item in range(1, items + 1)
)
"""Every item of the sheet, 1.1 to 6.15."""


OwnForm = Mapping[str, tuple[str, ...]]
"""A school's own sheet: its items and the items above that each of them means (profile `consent_form`)."""


def items_of(form: OwnForm) -> frozenset[str]:
    """What may be ticked on a school's sheet; an empty form is Appendix 2 itself."""
    return frozenset(form) or ITEMS


def meaning(signed: Iterable[str], form: OwnForm) -> frozenset[str]:
    """The items of the matrix that a sheet of this form grants. Raises KeyError for an item not on it."""
    return frozenset(item for own in signed for item in form[own]) if form else frozenset(signed)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A consent sheet of one guardian for one pupil (R-C3)."""

    number: str
    signed_on: date
    items: frozenset[str]
    valid_until: date | None = None
    withdrawn_on: date | None = None

    def valid(self, today: date) -> bool:
        if self.withdrawn_on is not None and self.withdrawn_on <= today:
            return False
        return self.valid_until is None or today <= self.valid_until


class Form(StrEnum):
    """What an application asks for (R-C1)."""

    ELECTRONIC = "electronic"
    WEEKLY_EMAIL = "weekly_email"
    PAPER = "paper"


@dataclass(frozen=True, slots=True)
class Application:
    """An application of one guardian for one pupil; an empty scope asks for everything."""

    number: str
    signed_on: date
    form: Form
    scope: frozenset[Category] = frozenset()

    def covers(self, category: Category) -> bool:
        return not self.scope or category in self.scope


@dataclass(frozen=True, slots=True)
class Permission:
    """What the papers allow. `missing` names, for the channel that lacks least, the items not signed."""

    channels: frozenset[Channel]
    sheet: str | None
    missing: tuple[str, ...] = ()


def subject_of(category: Category, *, individual: bool, attestation: bool) -> Subject:
    """The matrix row of a change (`individual`: about one pupil; `attestation`: a graduate's final mark)."""
    match category:
        case Category.FINAL_MARK if attestation:
            return Subject.ATTESTATION
        case Category.MARK | Category.FORECAST | Category.REMARK | Category.FINAL_MARK:
            return Subject.PROGRESS
        case Category.HOMEWORK if individual:
            return Subject.PROGRESS
        case _:
            return Subject.SCHOOL_LIFE


def lacking(cell: Cell, items: frozenset[str]) -> tuple[str, ...]:
    """What of a cell is not signed, alternatives joined by '/'; empty when the cell is open."""
    return tuple(
        need if isinstance(need, str) else "/".join(need)
        for need in cell
        if (need not in items if isinstance(need, str) else not items.intersection(need))
    )


def permission(
    subject: Subject, category: Category, *, sheet: Sheet | None, application: Application | None, today: date
) -> Permission:
    """The channels the papers in force leave for this subject (R-C4).

    `sheet` and `application` are the newest registered ones. A withdrawn or expired sheet
    allows nothing and silences a paper application too. With no such sheet a paper application
    stands in for the whole paper column in its scope (001 2.7).
    """
    if sheet is not None and not sheet.valid(today):
        withdrawn = sheet.withdrawn_on is not None and sheet.withdrawn_on <= today
        return Permission(frozenset(), sheet.number, ("withdrawn" if withdrawn else "expired",))
    number = sheet.number if sheet is not None else None
    open_, missing = _row(subject, sheet.items if sheet is not None else frozenset())
    if application is not None and application.form is Form.PAPER and application.covers(category):
        open_ |= {Channel.PAPER}
    return Permission(open_, number, () if open_ else missing)


def missing_on_page(subject: Subject, sheet: Sheet | None, today: date) -> tuple[str, ...]:
    """What keeps this subject off the parent's own page, as in `Permission.missing`; empty when the page
    may show it (R-C4)."""
    if sheet is not None and not sheet.valid(today):
        withdrawn = sheet.withdrawn_on is not None and sheet.withdrawn_on <= today
        return ("withdrawn" if withdrawn else "expired",)
    return lacking(MATRIX[subject]["page"], sheet.items if sheet is not None else frozenset())


@lru_cache(maxsize=4096)  # families sign few different sets of items, and every decision asks
def _row(subject: Subject, items: frozenset[str]) -> tuple[frozenset[Channel], tuple[str, ...]]:
    """The open channels of a row, and what the one that lacks least lacks."""
    lacks = {channel: lacking(MATRIX[subject][channel], items) for channel in Channel}
    open_ = frozenset(channel for channel, missing in lacks.items() if not missing)
    return open_, min(lacks.values(), key=len)
