"""How to tell, by category: what a guardian may choose, and what a choice becomes: pure (R-C7).

Only what the papers open and what leads somewhere may be chosen; routing keeps to the papers whatever is
saved here. «As usual» is the order of DESIGN §6.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from dispatcher.parent.household import Household, Kid
from shared.categories import UNMARKED, Category, Channel, Mode
from shared.consent import MATRIX, Form, Subject, lacking, permission, subject_of
from shared.errors import ForPeople
from shared.families import Preference
from shared.web.language import mark

ALL = "*"
USUAL = "usual"
NEVER = "never"
CHANNELS = (Channel.EMAIL, Channel.PUSH, Channel.SMS, Channel.PAPER)
MODES = (Mode.IMMEDIATE, Mode.DAILY, Mode.WEEKLY)
_AT_ONCE = frozenset({Category.ATTENDANCE, Category.FINAL_MARK, Category.LESSON})
NOT_OPEN = mark("Этот способ сейчас выбрать нельзя. Прежняя настройка осталась.")


class Bar(IntEnum):
    """What stands in the way of a choice; the greater, the nearer to being open."""

    UNMARKED_CLASS = 0
    ENDED = 1
    NO_CONSENT = 2
    OUT_OF_SCOPE = 3
    ON_PAPER = 4
    OFF = 5
    NO_ADDRESS = 6


@dataclass(frozen=True, slots=True)
class Closed:
    """`missing`: the items not signed, as in `shared.consent.lacking`."""

    bar: Bar
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One category. `chosen` is USUAL, NEVER or a channel; `closed` says why a channel may not be chosen."""

    category: Category
    chosen: str
    mode: Mode
    closed: Mapping[Channel, Closed]

    @property
    def open(self) -> tuple[Channel, ...]:
        return tuple(channel for channel in CHANNELS if channel not in self.closed)


class Refused(ForPeople):
    """A choice that is not open; nothing is saved."""

    def __init__(self, category: Category) -> None:
        super().__init__(NOT_OPEN)
        self.category = category


def rows(household: Household, preferences: Mapping[str, Preference]) -> tuple[Row, ...]:
    """Every category as it stands and as it may be chosen."""
    return tuple(_row(household, category, _own(preferences, category)) for category in Category)


def _row(household: Household, category: Category, own: Preference | None) -> Row:
    closed = {
        channel: why
        for channel in CHANNELS
        if (why := closed_for(household.kids, category, channel, household, household.today)) is not None
    }
    usual_mode = Mode.IMMEDIATE if category in _AT_ONCE else Mode.DAILY
    mode = own.mode if own is not None and own.mode is not Mode.NEVER else usual_mode
    return Row(category, _shown(own), mode, closed)


def closed_for(
    kids: Iterable[Kid], category: Category, channel: Channel, household: Household, today: date
) -> Closed | None:
    """Why this channel cannot be chosen for this category; None when it can, for one of the children at
    least: routing looks at each."""
    found = [_closed_for_one(kid, category, channel, household, today) for kid in kids]
    if None in found:
        return None
    return max(
        (one for one in found if one is not None), key=lambda one: one.bar, default=Closed(Bar.NO_CONSENT)
    )


def closed_to_addresses(household: Household, channel: Channel) -> Closed | None:
    """Why an address of this channel could carry nothing of any child; None when it could carry something
    (R-C4, R-C6)."""
    found = [closed_for(household.kids, one, channel, household, household.today) for one in Category]
    if any(one is None or one.bar is Bar.NO_ADDRESS for one in found):
        return None
    return max((one for one in found if one is not None), key=lambda one: one.bar)


def _closed_for_one(
    kid: Kid, category: Category, channel: Channel, household: Household, today: date
) -> Closed | None:
    if kid.school_class is not None and kid.school_class.unmarked and category in UNMARKED:
        return Closed(Bar.UNMARKED_CLASS)
    sheet, application = kid.tie.sheet(today), kid.tie.application(today)
    allowed = {
        open_
        for subject in _subjects(category)
        for open_ in permission(subject, category, sheet=sheet, application=application, today=today).channels
    }
    if channel not in allowed:
        if sheet is not None and not sheet.valid(today):
            return Closed(Bar.ENDED)
        items = sheet.items if sheet is not None else frozenset[str]()
        return Closed(Bar.NO_CONSENT, lacking(MATRIX[_subjects(category)[0]][channel], items))
    if application is not None and not application.covers(category):
        return Closed(Bar.OUT_OF_SCOPE)
    if channel is Channel.PAPER:
        return None
    if application is not None and application.form is Form.PAPER:
        return Closed(Bar.ON_PAPER)
    if channel not in household.on:
        return Closed(Bar.OFF)
    return None if channel in household.usable else Closed(Bar.NO_ADDRESS)


def _subjects(category: Category) -> tuple[Subject, ...]:
    """The rows of the matrix that changes of this category may fall into, the usual one first."""
    usual = subject_of(category, individual=category is not Category.HOMEWORK, attestation=False)
    every = (
        subject_of(category, individual=individual, attestation=attestation)
        for individual in (True, False)
        for attestation in (False, True)
    )
    return tuple(dict.fromkeys((usual, *every)))


def decide(
    household: Household, preferences: Mapping[str, Preference], sent: Mapping[str, str]
) -> dict[str, Preference]:
    """What the preferences become: `sent` has `channel-…` and `mode-…` of each category. What was not
    sent, or is as it was, stays. Raises Refused.

    A preference for everything (lists have it) becomes one for each category it stood for, so that
    «as usual» means what it says.
    """
    after = {category.value: own for category in Category if (own := _own(preferences, category)) is not None}
    changed = False
    for row in rows(household, preferences):
        chosen = sent.get(f"channel-{row.category}", row.chosen)
        mode = _mode(sent.get(f"mode-{row.category}"), row.mode)
        if chosen == row.chosen and (mode is row.mode or chosen in {USUAL, NEVER, Channel.PAPER}):
            continue
        changed = True
        wanted = _preference(row, chosen, mode)
        if wanted is None:
            after.pop(row.category.value, None)
        else:
            after[row.category.value] = wanted
    return after if changed else dict(preferences)


def _preference(row: Row, chosen: str, mode: Mode) -> Preference | None:
    if chosen == USUAL:
        return None
    if chosen == NEVER:
        return Preference(Channel.EMAIL, Mode.NEVER)
    if chosen not in {channel.value for channel in row.open} and chosen != row.chosen:
        raise Refused(row.category)
    channel = Channel(chosen)
    return Preference(channel, Mode.WEEKLY if channel is Channel.PAPER else mode)


def _own(preferences: Mapping[str, Preference], category: Category) -> Preference | None:
    return preferences.get(category.value) or preferences.get(ALL)


def _shown(own: Preference | None) -> str:
    if own is None:
        return USUAL
    return NEVER if own.mode is Mode.NEVER and own.channel is not Channel.PAPER else own.channel.value


def _mode(said: str | None, was: Mode) -> Mode:
    return Mode(said) if said in {mode.value for mode in MODES} else was
