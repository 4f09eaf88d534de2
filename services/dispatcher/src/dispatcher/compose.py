"""From decisions that are due to messages: everything due now for one guardian over one channel is
one message (DESIGN §7).

Immediate news and digests are the same mechanism; what comes later makes a second, small
message, and nothing composed is ever added to. A digest covers all children of the guardian.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from dispatcher.view import Kind
from shared.categories import Channel, Mode

WEEK = timedelta(days=6)

_KINDS = {Mode.IMMEDIATE: Kind.IMMEDIATE, Mode.DAILY: Kind.DAILY, Mode.WEEKLY: Kind.WEEKLY}
_BREADTH = list(Kind)


@dataclass(frozen=True, slots=True)
class Due:
    """A decision to tell whose time has come; times are school time."""

    change: UUID
    school: str
    guardian: str
    channel: Channel
    mode: Mode
    due_at: datetime
    deadline: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to be. It is late when its most urgent item is, and stale only when all are."""

    school: str
    guardian: str
    channel: Channel
    kind: Kind
    due_at: datetime
    deadline: datetime | None = None
    expires_at: datetime | None = None
    period: tuple[date, date] | None = None
    changes: tuple[UUID, ...] = ()


def compose(due: Iterable[Due], timezone: dict[str, ZoneInfo]) -> list[Draft]:
    """One draft per guardian and channel, in a stable order; kind is the widest of what it holds."""
    groups: dict[tuple[str, str, Channel], list[Due]] = defaultdict(list)
    for one in due:
        groups[one.school, one.guardian, one.channel].append(one)
    return [_draft(key, groups[key], timezone[key[0]]) for key in sorted(groups)]


def week_ending(moment: datetime, timezone: ZoneInfo) -> tuple[date, date]:
    """The seven days a weekly e-mail of this moment tells of, both included."""
    last = moment.astimezone(timezone).date()
    return last - WEEK, last


def _draft(key: tuple[str, str, Channel], due: list[Due], timezone: ZoneInfo) -> Draft:
    kind = max((_KINDS[one.mode] for one in due), key=_BREADTH.index)
    deadlines = [one.deadline for one in due if one.deadline is not None]
    expiries = [one.expires_at for one in due if one.expires_at is not None]
    weekly = [one.due_at for one in due if one.mode is Mode.WEEKLY]
    return Draft(
        *key,
        kind=kind,
        due_at=min(one.due_at for one in due),
        deadline=min(deadlines, default=None),
        expires_at=max(expiries) if len(expiries) == len(due) else None,
        period=week_ending(max(weekly), timezone) if weekly else None,
        changes=tuple(one.change for one in sorted(due, key=lambda one: (one.due_at, one.change))),
    )
