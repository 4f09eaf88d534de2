"""The same rules once more, at the very moment of sending (R-C5): pure.

Between planning and sending papers are withdrawn, rights restricted, contacts stopped and
revisions corrected. What may still be said over this channel stays; everything else gets a
fate of its own, so that no decision is lost.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from dispatcher.messages import PERHAPS_TOLD
from dispatcher.planning.corrections import Silence, seen
from dispatcher.planning.facts import facts_of
from dispatcher.planning.timing import after_quiet_hours
from dispatcher.sending.cargo import Entry
from dispatcher.sending.claims import Claimed
from dispatcher.sending.weekly import wants_weekly
from dispatcher.view import Child, Item, Kind
from shared.categories import Attendance, Category, Channel
from shared.changes import Change
from shared.families import Guardian, Guardianship, Pupil, School, SchoolClass
from shared.routing import Matter, Reason, Route, Verdict, route
from shared.settings import Profile


class Fate(StrEnum):
    """What becomes of a decision that this message does not carry any more."""

    SUPPRESS = "suppress"
    PAPER = "paper"
    RELEASE = "release"  # another channel: composed anew
    CANCEL = "cancel"  # a newer revision says it
    EXPIRE = "expire"  # too late to make sense


@dataclass(frozen=True, slots=True)
class Drop:
    """A decision taken out of the message. `channel` and `due_at` are set when released, `by` when a
    newer revision took its place."""

    change: UUID
    fate: Fate
    pupils: tuple[str, ...]
    reason: str | None = None
    missing: tuple[str, ...] = ()
    channel: Channel | None = None
    due_at: datetime | None = None
    by: UUID | None = None


@dataclass(frozen=True, slots=True)
class Household:
    """One guardian as the registry shows them now. `usable`: channels with an address that is
    confirmed, not stopped, not suppressed, on, and within budget."""

    school: School
    profile: Profile
    guardian: Guardian
    children: Mapping[str, tuple[Pupil, SchoolClass | None, Guardianship]]
    usable: frozenset[Channel]


@dataclass(frozen=True, slots=True)
class Checked:
    """What is said after all. `speaks` is False when the message has lost its reason to exist;
    `hold_until` is set in quiet hours, and then nothing is said now; `after_earlier`: a little later,
    when what it corrects is out, or the correction would arrive first."""

    items: tuple[Item, ...] = ()
    drops: tuple[Drop, ...] = ()
    speaks: bool = False
    hold_until: datetime | None = None

    @property
    def released(self) -> bool:
        """Whether another channel takes all that must still be told."""
        fates = {drop.fate for drop in self.drops}
        lost = any(drop.reason is Reason.UNREACHABLE for drop in self.drops)
        return not self.speaks and not lost and Fate.RELEASE in fates and Fate.PAPER not in fates

    after_earlier: bool = False


def recheck(
    claimed: Claimed, entries: Iterable[Entry], household: Household | None, *, now: datetime
) -> Checked:
    """`household` None: the guardian is in the registry no more."""
    entries = tuple(entries)
    if household is None:
        return Checked(drops=tuple(_suppress(entry, Reason.RIGHTS) for entry in entries))
    held = _hold(claimed.channel, household, now)
    if held is not None:
        return Checked(hold_until=held)
    if any(entry.in_flight for entry in entries):
        return Checked(after_earlier=True)
    newest: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        key = (entry.change.source, entry.change.entity)
        if key not in newest or newest[key].change.version < entry.change.version:
            newest[key] = entry
    items: list[Item] = []
    drops: list[Drop] = []
    for entry in entries:
        successor = newest[entry.change.source, entry.change.entity]
        by = entry.superseded if successor is entry else successor.change.change
        if by is not None:
            reason = PERHAPS_TOLD if entry.perhaps else None
            drops.append(Drop(entry.change.change, Fate.CANCEL, entry.pupils, reason, by=by))
            continue
        found = _judge(entry, claimed.channel, household, now)
        if isinstance(found, Item):
            items.append(found)
        else:
            drops.append(found)
    failed = any(claimed.channel in entry.tried for entry in entries)  # an empty letter is no stand-in
    owed = not failed and _owed(claimed, household, now)
    return Checked(tuple(items), tuple(drops), speaks=bool(items) or owed)


def _hold(channel: Channel, household: Household, now: datetime) -> datetime | None:
    """The end of the quiet hours, if it is quiet now for this channel."""
    until = _quiet_end(channel, household, now)
    return until if until > now else None


def _quiet_end(channel: Channel, household: Household, now: datetime) -> datetime:
    if channel not in {Channel.SMS, Channel.PUSH}:
        return now
    return after_quiet_hours(now, *household.profile.quiet_hours, household.school.timezone)


def _judge(entry: Entry, channel: Channel, household: Household, now: datetime) -> Item | Drop:
    change = entry.change
    if entry.expires_at is not None and entry.expires_at <= now:
        return Drop(change.change, Fate.EXPIRE, entry.pupils)
    told = entry.told[0] if entry.told else None
    if told is not None and (told.removed or _same(told, change)):
        told = None  # nothing there to correct any more: said as it is
    if not entry.told and _only_corrects(entry):
        return _suppress(entry, Silence.NOTHING_TOLD)
    matter = facts_of(change, household.school.timezone).matter
    routes: dict[str, Route] = {}
    for pupil in entry.pupils:
        routes[pupil] = _route(matter, household, pupil, channel, now, usable=household.usable - entry.tried)
    said = [pupil for pupil, way in routes.items() if way.channel is channel]
    if said:
        return Item(
            change,
            tuple(_child(household.children[pupil][0]) for pupil in said),
            told=told,
            chosen=any(routes[pupil].chosen for pupil in said),
        )
    for verdict in (Verdict.TELL, Verdict.PAPER):
        reached = {pupil: way for pupil, way in routes.items() if way.verdict is verdict}
        if reached:
            return _moved(entry, tuple(reached), next(iter(reached.values())), household, now)
    worst = max(routes.values(), key=lambda way: _REASONS.index(way.reason or Reason.RIGHTS), default=None)
    if worst is None:
        return _suppress(entry, Reason.RIGHTS)
    return _suppress(entry, worst.reason or Reason.RIGHTS, worst.missing)


_REASONS = tuple(Reason)


def _route(
    matter: Matter,
    household: Household,
    pupil: str,
    channel: Channel,
    now: datetime,
    *,
    usable: frozenset[Channel],
) -> Route:
    """Where it goes now: over the planned channel while that is allowed and usable, for a change of
    mind about channels concerns what comes later; otherwise wherever the rules lead."""
    known = household.children.get(pupil)
    if known is None:
        return Route(Verdict.SUPPRESS, Reason.RIGHTS)
    child, school_class, tie = known
    planned = usable & {channel}
    today = household.school.today(now)
    way = route(matter, pupil=child, school_class=school_class, guardianship=tie, usable=planned, today=today)
    if way.reason is not Reason.UNREACHABLE or usable == planned:
        return way
    return route(matter, pupil=child, school_class=school_class, guardianship=tie, usable=usable, today=today)


def _moved(entry: Entry, pupils: tuple[str, ...], way: Route, household: Household, now: datetime) -> Drop:
    if way.channel is None:
        return Drop(entry.change.change, Fate.PAPER, pupils, reason=way.reason)
    return Drop(
        entry.change.change,
        Fate.RELEASE,
        pupils,
        channel=way.channel,
        due_at=_quiet_end(way.channel, household, now),
    )


def _suppress(entry: Entry, reason: Reason | Silence, missing: tuple[str, ...] = ()) -> Drop:
    return Drop(entry.change.change, Fate.SUPPRESS, entry.pupils, reason=reason, missing=missing)


def _same(told: Change, change: Change) -> bool:
    return not change.removed and seen(told.data) == seen(change.data)


def _only_corrects(entry: Entry) -> bool:
    """Removals, and attendance that alarms nobody, make sense only against what was told."""
    change = entry.change
    if change.removed:
        return True
    return change.category is Category.ATTENDANCE and not Attendance(change.data["attendance"]).alarms


def _owed(claimed: Claimed, household: Household, now: datetime) -> bool:
    """A weekly e-mail is owed also when nothing is left in it (R-B6)."""
    return (
        claimed.kind is Kind.WEEKLY
        and claimed.channel is Channel.EMAIL
        and Channel.EMAIL in household.usable
        and any(
            wants_weekly(pupil, school_class, tie, moment=now, school=household.school)
            for pupil, school_class, tie in household.children.values()
        )
    )


def _child(pupil: Pupil) -> Child:
    return Child(pupil.pupil, pupil.name, pupil.class_name)
