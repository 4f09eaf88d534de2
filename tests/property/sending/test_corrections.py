"""Corrections over the whole way: planner, composer, sender and settler on a real database (R-A11, R-A12).

Whatever the order, repetition and batches of the revisions, and whatever is composed, sent, lost or
retried between them, each family ends up knowing the newest revision; and the ledger adds up at
every step.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import asyncpg
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from integration.sending.office import Office
from support.families import NOW, Registry, contact, guardian, pupil, record, tie
from support.post import Family, Post, PostRenderer, Told

from dispatcher import ledger
from dispatcher.channels.base import Accepted, Outcome, Retry, Unknown
from dispatcher.planning.planner import Planner
from dispatcher.sending.retry import Backoff
from shared.bus.base import Record
from shared.categories import Category, Channel, Mode
from shared.db import open_pool
from shared.families import Preference
from shared.settings import Settings
from shared.topics import Service

LATER = Backoff(first=timedelta(hours=1))
RESET = """
TRUNCATE dispatch.change, dispatch.entity, dispatch.decision, dispatch.absence_alert, dispatch.message,
         dispatch.message_history, dispatch.outbox, dispatch.suppression
"""


@dataclass(frozen=True)
class Revision:
    """`what` is the entity: 0 a mark, 1 and 2 two lessons' attendance, 3 the class's homework."""

    what: int
    number: int
    state: int

    @property
    def category(self) -> Category:
        return (Category.MARK, Category.ATTENDANCE, Category.ATTENDANCE, Category.HOMEWORK)[self.what]

    @property
    def removed(self) -> bool:
        return self.state == 0

    @property
    def says(self) -> str | None:
        """What a family should know of it; None: nothing."""
        if self.removed:
            return None
        if self.category is Category.ATTENDANCE:
            return (None, "absent", "late", None)[self.state]
        return str(self.state)

    def record(self) -> Record:
        data: dict[str, Any] = {"revision": self.number}
        match self.category:
            case Category.MARK:
                data["mark"] = {"value": str(self.state)}
            case Category.ATTENDANCE:
                data["attendance"] = ("present", "absent", "late", "present")[self.state]
                data["lesson"] = {"date": "2026-11-24", "number": self.what}
            case _:
                data |= {"text": str(self.state), "class": "5А"}
        return record(
            self.category,
            entity=str(self.what),
            revision=self.number,
            removed=self.removed,
            pupil=None if self.what == 3 else "p1",
            data=data,
        )


@dataclass(frozen=True)
class Plan:
    revisions: tuple[int, ...]


@dataclass(frozen=True)
class Send:
    """`answers` in order of parcels; while the first is being sent, `during` is planned."""

    answers: tuple[str, ...] = ()
    during: tuple[int, ...] = ()


@dataclass(frozen=True)
class Wait:
    hours: int


Step = Plan | Send | Wait


@st.composite
def revisions(draw: st.DrawFn) -> tuple[Revision, ...]:
    made = []
    for what in draw(st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True)):
        states = draw(st.lists(st.integers(0, 3), min_size=1, max_size=4))
        made += [Revision(what, n + 1, state) for n, state in enumerate(states)]
    return tuple(made)


some = st.lists(st.integers(0, 11), max_size=4).map(tuple)
steps = st.one_of(
    st.builds(Plan, some),
    st.builds(
        Send,
        st.lists(st.sampled_from(["accepted", "retry", "lost", "arrived"]), max_size=3).map(tuple),
        some,
    ),
    st.builds(Wait, st.sampled_from([1, 7])),
)


@dataclass
class World:
    """Two families of class 5А: g1 of p1 at her own pace, g2 of p2 at once; and what they have read."""

    office: Office
    planner: Planner
    all: Sequence[Revision]
    post: dict[Channel, Post] = field(default_factory=dict)
    planned: list[Record] = field(default_factory=list)

    async def plan(self, which: Sequence[int]) -> None:
        batch = [self.all[n % len(self.all)].record() for n in which]
        async with self.office.pool.acquire() as connection, connection.transaction():
            assert await self.planner.handle(connection, batch) == []  # type: ignore[arg-type] # pooled
        self.planned += batch

    async def take(self, step: Step) -> None:
        match step:
            case Plan(which):
                await self.plan(which)
            case Wait(hours):
                self.office.clock.at += timedelta(hours=hours)
            case Send(answers, during):
                await self.send(answers, during)

    async def send(self, answers: Sequence[str] = (), during: Sequence[int] = ()) -> None:
        # What waits for another attempt has waited long enough.
        await self.office.admin.execute(
            "UPDATE dispatch.message SET next_attempt_at = now() WHERE status IN ('composed', 'unknown')"
        )
        await self.office.sweeper().round()
        script = list(answers)
        planned = not during

        async def answer() -> tuple[bool, Outcome]:
            nonlocal planned
            if not planned:
                planned = True
                await self.plan(during)
            match script.pop(0) if script else "accepted":
                case "accepted":
                    return True, Accepted()
                case "retry":
                    return False, Retry("busy")
                case "lost":
                    return False, Unknown("timeout")
                case _:
                    return True, Unknown("timeout")

        for post in self.post.values():
            post.answer = answer
        await self.office.work(*self.post.values(), backoff=LATER)

    async def adds_up(self) -> None:
        async with self.office.pool.acquire() as connection:
            found = await ledger.add_up(connection)
        distinct = {record.position: record for record in self.planned}
        families = sum(2 if "homework" in str(record.value) else 1 for record in distinct.values())
        assert (found.decisions, found.adds_up) == (families, True)

    async def drain(self) -> None:
        """Until nothing is left to tell."""
        for _ in range(12):
            await self.send()
            if not await self.pending():
                return
            self.office.clock.at += timedelta(hours=7)
        raise AssertionError("something waits for ever")

    async def pending(self) -> int:
        async with self.office.pool.acquire() as connection:
            return (await ledger.add_up(connection)).pending

    def read(self, who: str) -> list[Told]:
        return [told for post in self.post.values() for told in post.read if told.guardian == who]


@asynccontextmanager
async def world(database: str, made: Sequence[Revision]) -> AsyncIterator[World]:
    pool = await open_pool(database, Service.DISPATCHER, largest=6)
    admin = await open_pool(database, largest=2)
    try:
        office = Office(pool, admin)
        office.clock.at = NOW
        await admin.execute(RESET)
        if not await admin.fetchval("SELECT EXISTS (SELECT FROM roster.school)"):
            await _families(admin)
        office.renderer = PostRenderer()
        planner = Planner(Settings(), office.clock, on=frozenset({Channel.EMAIL, Channel.PUSH}))
        yield World(
            office, planner, made, {channel: Post(channel) for channel in (Channel.EMAIL, Channel.PUSH)}
        )
    finally:
        await pool.close()
        await admin.close()


async def _families(admin: asyncpg.Pool) -> None:
    async with admin.acquire() as connection:
        at_once = {"*": Preference(Channel.PUSH, Mode.IMMEDIATE)}
        await Registry(
            [
                pupil("p1", [tie(guardian("g1", [contact(Channel.EMAIL)]))]),
                pupil("p2", [tie(guardian("g2", [contact(Channel.PUSH)], at_once))]),
            ]
        ).write(connection)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(made=revisions(), script=st.lists(steps, max_size=8))
@example(  # a class's homework is refused for now, reworded meanwhile, and the newer wording goes first
    made=(Revision(3, 1, 1), Revision(3, 2, 2)), script=[Plan((0,)), Send(("retry",), (1,)), Send()]
)
@example(  # it arrived though nobody could know, and was removed before it was sent once more
    made=(Revision(3, 1, 1), Revision(3, 2, 0)), script=[Plan((0,)), Send(("arrived",)), Plan((1,)), Send()]
)
@example(  # the removal itself is lost, removed once more, and then set anew
    made=(Revision(3, 1, 1), Revision(3, 2, 0), Revision(3, 3, 0), Revision(3, 4, 2)),
    script=[Plan((0,)), Send(), Plan((1,)), Send(("lost",)), Plan((2,)), Send(("lost",)), Plan((3,))],
)
@example(  # an absence taken back before its message got through leaves the day's alert to the next one
    made=(Revision(1, 1, 1), Revision(1, 2, 3), Revision(2, 1, 1)),
    script=[Plan((0,)), Send(("retry",), (1,)), Send(), Plan((2,)), Send()],
)
def test_every_family_ends_with_the_newest(
    *, database: str, made: tuple[Revision, ...], script: list[Step]
) -> None:
    asyncio.run(_ends_with_the_newest(database, made, script))


async def _ends_with_the_newest(database: str, made: Sequence[Revision], script: Sequence[Step]) -> None:
    async with world(database, made) as here:
        for step in script:
            await here.take(step)
            await here.adds_up()
        await here.plan(range(len(made)))  # whatever has not come yet, and all of it once more
        await here.adds_up()
        await here.drain()
        await here.adds_up()
        newest = {one.what: one for one in sorted(made, key=lambda one: one.number)}
        for who, entities in (("g1", (0, 1, 2, 3)), ("g2", (3,))):
            family = Family()
            for told in here.read(who):
                family.reads(told)
            for what, one in newest.items():
                if what in entities:
                    assert family.knows(str(what)) == one.says, (who, one)
            assert family.alarms <= 1, "one absence alert a child and day (R-B2)"
