"""Another channel for one family, for what waits or failed: now, and for these changes only.

The papers decide as ever: a change moves only if every child it names may be told over that channel.
What later changes take is the family's wish, which the family or the secretary sets, not an operator.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import asyncpg

from dispatcher.operating.cancel import cancel_emptied
from dispatcher.planning import store
from dispatcher.planning.facts import facts_of
from dispatcher.planning.reach import reachable, without_sms
from dispatcher.planning.timing import after_quiet_hours
from dispatcher.sending.budget import Budget
from dispatcher.sending.cargo import change_of
from shared.categories import Channel
from shared.clock import Clock
from shared.db import AnyConnection
from shared.deed import Deed
from shared.families import Guardian, Guardianship, Pupil
from shared.registry import Families
from shared.routing import Route, Verdict, route
from shared.settings import Profile
from shared.topics import Service


class Kept(StrEnum):
    """Why a change stays where it is."""

    NOT_ALLOWED = "not_allowed"  # the papers of some child do not open this channel
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Rerouted:
    """How many changes moved, and why others did not."""

    moved: int
    kept: Mapping[Kept, int]


class ChannelClosed(LookupError):
    """The guardian has no usable address on this channel, or it is switched off, or its budget is spent."""


class Rerouting:
    """`on` are the channels switched on."""

    def __init__(
        self,
        clock: Clock,
        *,
        profile_of: Callable[[str], Profile],
        budget: Budget,
        on: frozenset[Channel],
    ) -> None:
        self._clock = clock
        self._profile_of = profile_of
        self._budget = budget
        self._on = on

    async def reroute(
        self, connection: AnyConnection, *, school: str, guardian: str, to: Channel, deed: Deed
    ) -> Rerouted:
        """In a transaction of its own. Raises ChannelClosed."""
        now = self._clock.now()
        async with connection.transaction():
            rows = await _waiting(connection, school, guardian, to)
            families = Families()
            pupils = {pupil for row in rows for pupil in row["pupils"]}
            await families.load(connection, pupils={(school, pupil) for pupil in pupils}, schools=[school])
            ties = _ties(families, school, guardian, pupils)
            if rows and not await self._open(connection, ties, to, now):
                raise ChannelClosed(to.value)
            moving: dict[UUID, Route] = {}
            kept: Counter[Kept] = Counter()
            for row in rows:
                found = self._way(families, ties, row, to, now)
                if isinstance(found, Route):
                    moving[row["change"]] = found
                else:
                    kept[found] += 1
            if moving:
                await deed.note(
                    connection,
                    Service.DISPATCHER,
                    "family.rerouted",
                    school=school,
                    about=guardian,
                    to=to.value,
                    changes=[str(change) for change in sorted(moving)],
                )
                due = self._due(families, school, to, now)
                await _move(connection, guardian, moving, to, due)
                left = {row["message"] for row in rows if row["change"] in moving and row["message"]}
                await cancel_emptied(connection, left, deed, now)
        return Rerouted(len(moving), dict(kept))

    async def _open(
        self,
        connection: AnyConnection,
        ties: Mapping[str, tuple[Pupil, Guardianship]],
        to: Channel,
        now: datetime,
    ) -> bool:
        people = {tie.guardian.guardian: tie.guardian for _, tie in ties.values()}
        guardian: Guardian | None = next(iter(people.values()), None)
        if guardian is None:
            return False
        spent = await self._budget.spent(connection, [guardian.school])
        on = without_sms(self._on) if guardian.school in spent else self._on
        suppressed = await store.suppressed(connection, [guardian.school])  # type: ignore[arg-type] # one lent by a pool does as well
        return to in reachable(guardian, on=on, suppressed=suppressed, now=now)

    def _way(
        self,
        families: Families,
        ties: Mapping[str, tuple[Pupil, Guardianship]],
        row: asyncpg.Record,
        to: Channel,
        now: datetime,
    ) -> Route | Kept:
        if row["expires_at"] is not None and row["expires_at"] <= now:
            return Kept.EXPIRED
        school = families.school(row["school"])
        assert school is not None
        matter = facts_of(change_of(row), school.timezone).matter
        ways = []
        for name in row["pupils"]:
            if name not in ties:
                return Kept.NOT_ALLOWED
            pupil, tie = ties[name]
            way = route(
                matter,
                pupil=pupil,
                school_class=families.classes(school.school).get(pupil.class_name),
                guardianship=tie,
                usable=frozenset({to}),
                today=school.today(now),
            )
            if way.verdict is not Verdict.TELL or way.channel is not to:
                return Kept.NOT_ALLOWED
            ways.append(way)
        return ways[0] if ways else Kept.NOT_ALLOWED

    def _due(self, families: Families, school: str, to: Channel, now: datetime) -> datetime:
        known = families.school(school)
        assert known is not None
        if to is Channel.EMAIL:
            return now
        return after_quiet_hours(now, *self._profile_of(school).quiet_hours, known.timezone)


def _ties(
    families: Families, school: str, guardian: str, pupils: set[str]
) -> dict[str, tuple[Pupil, Guardianship]]:
    return {
        name: (pupil, tie)
        for name in sorted(pupils)
        if (pupil := families.pupil(school, name)) is not None
        for tie in pupil.guardianships
        if tie.guardian.guardian == guardian
    }


async def _waiting(
    connection: AnyConnection, school: str, guardian: str, to: Channel
) -> list[asyncpg.Record]:
    """What this guardian is still to be told, or failed to be told, over other channels; all locked."""
    await connection.execute(
        """SELECT FROM dispatch.message
           WHERE school = $1 AND guardian = $2 AND channel <> $3 AND status IN ('composed', 'failed')
           ORDER BY id FOR UPDATE""",
        school,
        guardian,
        to.value,
    )
    return await connection.fetch(
        """SELECT d.guardian, d.pupils, d.message, d.expires_at,
                  c.change, c.source, c.school, c.type, c.entity, c.revision, c.time, c.accepted_at,
                  c.pupil, c.class, c.data
           FROM dispatch.decision d JOIN dispatch.change c USING (change)
           LEFT JOIN dispatch.message m ON m.id = d.message
           WHERE d.school = $1 AND d.guardian = $2 AND d.channel <> $3
             AND d.verdict = 'tell' AND d.cancelled_by IS NULL
             AND (d.message IS NULL OR m.status IN ('composed', 'failed'))
           ORDER BY d.change FOR UPDATE OF d""",
        school,
        guardian,
        to.value,
    )


async def _move(
    connection: AnyConnection, guardian: str, moving: Mapping[UUID, Route], to: Channel, due: datetime
) -> None:
    changes = sorted(moving)
    await connection.execute(
        """UPDATE dispatch.decision d SET
               channel = $4, message = NULL, due_at = greatest(d.due_at, $5), chosen = asked.chosen,
               tried = array_remove(d.tried, $4)
           FROM unnest($1::uuid[], $2::boolean[]) AS asked(change, chosen)
           WHERE d.change = asked.change AND d.guardian = $3 AND d.cancelled_by IS NULL""",
        changes,
        [moving[change].chosen for change in changes],
        guardian,
        to.value,
        due,
    )
