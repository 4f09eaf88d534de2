"""The handler of `journal.changes`: decode, load, decide, store, within the bus's transaction.

Idempotent: a change once planned is claimed by its row and never planned again. Memory is bounded
by `store.ROWS` decisions and one change: a plan is written out in slices, all of which commit with
the bus's position.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from uuid import UUID

import asyncpg
import orjson
import structlog

from dispatcher.planning import concern, history, store
from dispatcher.planning.decision import Paper
from dispatcher.planning.plan import Planning
from dispatcher.planning.reach import Budget, reachable, switched_on, without_sms
from dispatcher.planning.situation import Concerned, Entity, Place, Situation
from dispatcher.wakeups import Wake, wake
from shared import outbox
from shared.bus.base import Record, Rejected
from shared.categories import Category, Channel
from shared.changes import Change, bus_key, decode
from shared.clock import Clock
from shared.families import Guardian
from shared.registry import Families, Shelf
from shared.settings import Profile, Settings
from shared.topics import Service, Topic

log = structlog.get_logger()

GROUP = "dispatcher"
"""The group under which the planner reads `journal.changes`."""


class Planner:
    """One per process. `on` are the channels switched on (default: as the settings say); `budget`
    tells which schools may send no more SMS this month (default: all may); `shelf`: what the process knows
    of the registry."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        on: frozenset[Channel] | None = None,
        budget: Budget | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._on = switched_on(settings) if on is None else on
        self._budget = budget
        self._families = Families(shelf or Shelf())
        self._reading = asyncio.Lock()
        self._profiles: dict[str, Profile] = {}

    async def handle(self, connection: asyncpg.Connection, records: Sequence[Record]) -> Sequence[Rejected]:
        """Plan a batch. Records that can never be planned come back with the reason."""
        # Tables grow from nothing: a plan kept from an empty one costs seconds later.
        await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        changes, rejected = _decoded(records)
        # The cache is read under a lock that no row lock is ever waited for in.
        async with self._reading:
            await concern.load(connection, self._families, [change for _, change in changes])
            placed, concerned, unplaced = _placed(changes, self._families)
            places = self._places(placed)
        rejected += unplaced
        owed = {change.change: concern.guardians(concerned[change.change]) for change in placed}
        taken = await store.claim(connection, placed, owed) if placed else set()
        fresh = [change for change in placed if change.change in taken]
        if fresh:
            await self._plan(connection, fresh, concerned, places)
        if rejected:
            log.warning("planning.rejected", records=len(rejected))
        return rejected

    def _places(self, changes: Iterable[Change]) -> dict[str, Place]:
        places = {}
        for name in {change.school for change in changes}:
            school = self._families.school(name)
            assert school is not None
            if name not in self._profiles:
                self._profiles[name] = self._settings.profile_of(name)
            places[name] = Place(school, self._profiles[name], self._families.classes(name))
        return places

    async def _plan(
        self,
        connection: asyncpg.Connection,
        changes: Sequence[Change],
        concerned: Mapping[UUID, Concerned],
        places: Mapping[str, Place],
    ) -> None:
        known = await store.advance(connection, changes)
        revisions = await history.revisions(connection, known, places)
        alerts = await store.alerts(connection, _days(changes, concerned, revisions))
        now = self._clock.now()
        suppressed = await store.suppressed(connection, places)
        spent = await self._budget.spent(connection, places) if self._budget is not None else frozenset()
        situation = Situation(
            now=now,
            places=places,
            concerned=concerned,
            usable={
                (guardian.school, guardian.guardian): reachable(
                    guardian,
                    on=without_sms(self._on) if guardian.school in spent else self._on,
                    suppressed=suppressed,
                    now=now,
                )
                for guardian in _guardians(changes, concerned)
            },
            known=known,
            earlier=await history.earlier(connection, revisions),
            alerts=alerts,
            shifts=await store.shifts(
                connection,
                {
                    (guardian.school, guardian.guardian)
                    for guardian in _guardians(changes, concerned)
                    if len(set(places[guardian.school].profile.daily_digest_at)) > 1
                },
                now.date(),
            ),
        )
        planning = Planning(situation)
        for change in changes:
            planning.take(change)
            if planning.size >= store.ROWS:
                await self._write(connection, planning)
        await self._write(connection, planning)

    async def _write(self, connection: asyncpg.Connection, planning: Planning) -> None:
        plan = planning.drain()
        await store.write(connection, plan)
        now = self._clock.now()
        if any(one.due_at is not None and one.due_at <= now for one in plan.decisions):
            await wake(connection, {Wake.COMPOSE})
        at = now.isoformat()
        await outbox.append(
            connection,
            Service.DISPATCHER,
            Topic.DELIVERY_OUTCOMES,
            [_outcome(paper, at) for paper in plan.outcomes],
        )


def _decoded(records: Sequence[Record]) -> tuple[list[tuple[Record, Change]], list[Rejected]]:
    changes: list[tuple[Record, Change]] = []
    rejected: list[Rejected] = []
    for record in records:
        try:
            changes.append((record, decode(record.value)))
        except (ValueError, KeyError, TypeError, AttributeError) as wrong:
            rejected.append(Rejected(record, f"not a change: {type(wrong).__name__}"))
    return changes, rejected


def _placed(
    changes: Sequence[tuple[Record, Change]], families: Families
) -> tuple[list[Change], dict[UUID, Concerned], list[Rejected]]:
    """Changes in order, each once, with whom they concern."""
    placed: dict[UUID, Change] = {}
    concerned: dict[UUID, Concerned] = {}
    rejected: list[Rejected] = []
    for record, change in changes:
        if change.change in placed:
            continue
        try:
            concerned[change.change] = concern.concerned(change, families)
        except concern.Unplaced as wrong:
            rejected.append(Rejected(record, str(wrong)))
        except (ValueError, KeyError, TypeError) as wrong:
            rejected.append(Rejected(record, f"a change that makes no sense: {type(wrong).__name__}"))
        else:
            placed[change.change] = change
    return list(placed.values()), concerned, rejected


def _guardians(changes: Iterable[Change], concerned: Mapping[UUID, Concerned]) -> Iterable[Guardian]:
    seen: dict[tuple[str, str], Guardian] = {}
    for change in changes:
        for pupil in concerned[change.change].pupils:
            for tie in pupil.guardianships:
                seen[pupil.school, tie.guardian.guardian] = tie.guardian
    return seen.values()


def _days(
    changes: Iterable[Change], concerned: Mapping[UUID, Concerned], revisions: history.Revisions
) -> set[store.ChildDay]:
    """Every child's day on which these changes may take an alert, or give back an earlier one's."""
    before: dict[Entity, set[date]] = defaultdict(set)
    for entity, revision in revisions.values():
        before[entity].add(revision.day)
    return {
        (change.school, tie.guardian.guardian, pupil.pupil, day)
        for change in changes
        if change.category is Category.ATTENDANCE
        for day in {concerned[change.change].facts.day} | before[change.source, change.entity]
        for pupil in concerned[change.change].pupils
        for tie in pupil.guardianships
    }


def _outcome(paper: Paper, at: str) -> tuple[str, bytes]:
    return bus_key(paper.school, paper.class_name), orjson.dumps(
        {
            "kind": "paper",
            "school": paper.school,
            "guardian": paper.guardian,
            "pupils": paper.pupils,
            "change": str(paper.change),
            "reason": "unreachable",
            "at": at,
        }
    )
