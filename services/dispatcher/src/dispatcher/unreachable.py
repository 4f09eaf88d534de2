"""Families whom their papers allow to be told electronically, and no channel leads to them now (R-E5).

Pure: the very rules that route changes are asked, so this list and the decisions cannot disagree. What it
finds is kept by `reach_watch.py`, which tells the class teacher, and read by pages and `vestnik status`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from shared.categories import ELECTRONIC, Category, Channel
from shared.consent import permission
from shared.db import AnyConnection
from shared.families import Contact, Guardian, Guardianship, Pupil, SchoolClass
from shared.routing import Matter, Reason, Verdict, route


class Instead(StrEnum):
    """What happens instead of telling."""

    PAPER = "paper"
    NOTHING = "nothing"  # the papers do not allow a sheet for all of it


class Cause(StrEnum):
    """Why a channel leads nowhere; of several addresses the one that came furthest."""

    NO_ADDRESS = "no_address"
    NOT_CONFIRMED = "not_confirmed"
    STOPPED = "stopped"  # by the family
    FAILED = "failed"  # on the suppression list
    CHANNEL_OFF = "channel_off"
    NO_BUDGET = "no_budget"


@dataclass(frozen=True, slots=True)
class Reach:
    """What stands between a school's families and their channels: the channels switched on, whether the
    SMS budget is spent, and the addresses on the suppression list."""

    on: frozenset[Channel]
    spent: bool
    suppressed: Collection[tuple[Channel, str]]


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A guardian who cannot be told about a pupil. `why`: `channel:cause` for each channel the papers
    open; `since` (school time) where it is known already."""

    school: str
    pupil: str
    guardian: str
    class_name: str
    why: tuple[str, ...]
    instead: Instead
    since: datetime | None = None


_PROBES: tuple[tuple[Category, bool, bool], ...] = (
    *((category, False, False) for category in Category),
    (Category.HOMEWORK, True, False),
    (Category.FINAL_MARK, True, True),
)


def judge(
    pupil: Pupil,
    tie: Guardianship,
    *,
    school_class: SchoolClass | None,
    reach: Reach,
    today: date,
    now: datetime,
) -> Unreachable | None:
    """None: whatever the papers open electronically gets there, or they open nothing, or the family chose
    paper or silence."""
    causes = {channel: _cause(tie.guardian, channel, reach, now) for channel in ELECTRONIC}
    usable = frozenset(channel for channel, cause in causes.items() if cause is None)
    if usable == frozenset(ELECTRONIC):
        return None
    lost: list[Verdict] = []
    opened: frozenset[Channel] = frozenset()
    for category, individual, attestation in _PROBES:
        matter = Matter(category, individual, attestation, today)

        def where(usable: frozenset[Channel], matter: Matter = matter) -> tuple[Verdict, Reason | None]:
            found = route(
                matter,
                pupil=pupil,
                school_class=school_class,
                guardianship=tie,
                usable=usable,
                today=today,
            )
            return found.verdict, found.reason

        verdict, reason = where(usable)
        if reason is Reason.UNREACHABLE and where(frozenset(ELECTRONIC))[0] is Verdict.TELL:
            lost.append(verdict)
            opened |= permission(
                matter.subject,
                category,
                sheet=tie.sheet(today),
                application=tie.application(today),
                today=today,
            ).channels
    if not lost:
        return None
    return Unreachable(
        pupil.school,
        pupil.pupil,
        tie.guardian.guardian,
        pupil.class_name,
        tuple(f"{channel}:{causes[channel]}" for channel in ELECTRONIC if channel in opened),
        Instead.PAPER if all(verdict is Verdict.PAPER for verdict in lost) else Instead.NOTHING,
    )


def _cause(guardian: Guardian, channel: Channel, reach: Reach, now: datetime) -> Cause | None:
    """Why this channel does not lead to the guardian; None: it does."""
    if channel not in reach.on:
        return Cause.CHANNEL_OFF
    held = [_state(contact, reach, now) for contact in guardian.contacts if contact.channel is channel]
    if None in held:
        return Cause.NO_BUDGET if channel is Channel.SMS and reach.spent else None
    return max((cause for cause in held if cause is not None), key=_ORDER.index, default=Cause.NO_ADDRESS)


_ORDER = tuple(Cause)


def _state(contact: Contact, reach: Reach, now: datetime) -> Cause | None:
    if contact.stopped:
        return Cause.STOPPED
    if not contact.usable(now):
        return Cause.NOT_CONFIRMED
    return Cause.FAILED if (contact.channel, contact.address) in reach.suppressed else None


async def listed(
    connection: AnyConnection, *, school: str | None = None, limit: int = 500
) -> list[Unreachable]:
    """Those known now, the latest first; of one school or of all."""
    rows = await connection.fetch(
        """SELECT school, pupil, guardian, class, why, instead, since FROM dispatch.unreachable
           WHERE $1::text IS NULL OR school = $1 ORDER BY since DESC, school, pupil, guardian LIMIT $2""",
        school,
        limit,
    )
    return [
        Unreachable(
            row["school"],
            row["pupil"],
            row["guardian"],
            row["class"],
            tuple(row["why"]),
            Instead(row["instead"]),
            row["since"],
        )
        for row in rows
    ]


async def count(connection: AnyConnection, *, school: str | None = None) -> dict[Instead, int]:
    """How many guardians (each once for what is worst) get paper instead, and how many nothing."""
    rows = await connection.fetch(
        """SELECT instead, count(*) AS guardians FROM (
               SELECT min(instead) AS instead FROM dispatch.unreachable
               WHERE $1::text IS NULL OR school = $1 GROUP BY school, guardian
           ) AS worst GROUP BY instead""",
        school,
    )
    found = {row["instead"]: row["guardians"] for row in rows}
    return {instead: found.get(instead.value, 0) for instead in Instead}
