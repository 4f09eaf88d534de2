"""What a newer revision does to what was decided before (R-A11, R-A12).

Pure, for one entity and one guardian. While untold a newer revision replaces and a removal
cancels; what was told is corrected; what says nothing new is not told. A late mark for an
earlier lesson is another entity, hence news.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from shared.categories import Attendance, Mode
from shared.changes import Version


class Silence(StrEnum):
    """Why a change has nothing to tell a family that could be told."""

    STALE = "stale"
    NOTHING_TOLD = "nothing_told"
    NOTHING_TO_TELL = "nothing_to_tell"


class Standing(StrEnum):
    """What the family has of an earlier revision. Paper counts as told: the sheet may be in
    their hands, and a needless correction does less harm than a wrong mark left standing.
    `perhaps`: being sent just now, or sent with an outcome nobody knows; corrected like what was told."""

    UNTOLD = "untold"
    PERHAPS = "perhaps"
    TOLD = "told"
    PAPER = "paper"


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of an entity, as far as corrections look at it."""

    change: UUID
    version: Version
    removed: bool
    day: date
    attendance: Attendance | None
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier decision of the same entity for this guardian that still matters."""

    revision: Revision
    standing: Standing
    mode: Mode | None = None


@dataclass(frozen=True, slots=True)
class Treatment:
    """`cancel`: changes whose untold decisions give way. `corrects`: what the family was told last."""

    cancel: tuple[UUID, ...] = ()
    corrects: Earlier | None = None
    silence: Silence | None = None


NEWS = Treatment()


def treat(new: Revision, earlier: Sequence[Earlier]) -> Treatment:
    """What `new` is for a family with these earlier decisions, all of smaller version."""
    if not earlier and not new.removed and not _reassures(new):
        return NEWS
    cancel = tuple(one.revision.change for one in earlier if one.standing is Standing.UNTOLD)
    told = max(
        (one for one in earlier if one.standing is not Standing.UNTOLD),
        key=lambda one: one.revision.version,
        default=None,
    )
    if told is not None and told.revision.removed:
        if new.removed or _reassures(new):
            return Treatment(cancel, told, Silence.NOTHING_TO_TELL)
        if told.standing is Standing.PERHAPS:
            return Treatment(cancel, told)  # what they know is found out when this is sent
        told = None  # the family knows that it is gone: the same as if never told
    if told is None:
        if new.removed:
            return Treatment(cancel, None, Silence.NOTHING_TOLD)
        return Treatment(cancel, None, Silence.NOTHING_TO_TELL if _reassures(new) else None)
    if not new.removed and (
        same_content(told.revision, new) or (_reassures(new) and _reassures(told.revision))
    ):
        return Treatment(cancel, told, Silence.NOTHING_TO_TELL)
    return Treatment(cancel, told)


def takes_back_absence(facts_attendance: Attendance | None, corrects: Earlier | None) -> bool:
    """Whether this corrects an absence that was told into anything that is none."""
    if corrects is None or corrects.revision.attendance is None:
        return False
    return corrects.revision.attendance.is_absence and not (
        facts_attendance is not None and facts_attendance.is_absence
    )


# What a journal counts or notes for itself; a family would see no difference.
_UNSEEN = frozenset({"revision", "raw"})


def same_content(one: Revision, other: Revision) -> bool:
    """Whether a family would read the same."""
    return seen(one.content) == seen(other.content)


def seen(content: Mapping[str, Any]) -> dict[str, Any]:
    """What of a revision's content a family would see."""
    return {key: value for key, value in content.items() if key not in _UNSEEN and value is not None}


def _reassures(revision: Revision) -> bool:
    """Attendance that alarms nobody, so that it only ever corrects."""
    return not revision.removed and revision.attendance is not None and not revision.attendance.alarms
