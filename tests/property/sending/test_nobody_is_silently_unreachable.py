"""R-E5: whatever fails and comes back, each guardian is reached, or has paper, or is on the list; and the
class teacher is told exactly once a change of state."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from integration.sending.office import EVERYTHING, Office

from dispatcher.planning.planner import Planner
from dispatcher.reach_watch import ReachWatch
from dispatcher.sending.stop_list import stop as stop_numbers
from dispatcher.sending.suppression import Source, Stop, lift, suppress
from dispatcher.sending.unsubscribe import read, stop
from dispatcher.texts.links import Purpose
from shared.bus.base import Record
from shared.categories import ELECTRONIC, Channel
from shared.changes import encode
from shared.db import open_pool
from shared.settings import Settings
from shared.topics import Service, Topic

EMAIL, SMS, PAPER = Channel.EMAIL, Channel.SMS, Channel.PAPER
ON = frozenset(ELECTRONIC)


@dataclass
class Family:
    """What the test knows of a family by itself. `opened`: the channels its papers open."""

    name: str
    items: str
    opened: frozenset[Channel]
    form: str = "electronic"
    works: dict[Channel, bool] = field(default_factory=dict)
    withdrawn: bool = False

    def address(self, channel: Channel) -> str:
        return f"{self.name}@example.org" if channel is EMAIL else f"+7916123456{self.name}"

    def expected(self, *, spent: bool) -> tuple[str, str | None]:
        """The verdict on news, and what stands on the list."""
        if self.withdrawn:
            return "suppress", None
        if self.form == "paper":
            return "paper", None
        working = {channel for channel, works in self.works.items() if works} - ({SMS} if spent else set())
        if working & self.opened:
            return "tell", None
        return ("paper", "paper") if PAPER in self.opened else ("suppress", "nothing")


def _families() -> list[Family]:
    every = frozenset(Channel)
    return [
        Family("1", EVERYTHING, every, works={EMAIL: True, SMS: True}),
        Family("2", EVERYTHING, every, works={SMS: True}),
        Family("3", "1.3 4.3 6.9", frozenset({EMAIL}), works={EMAIL: True, SMS: True}),
        Family("4", EVERYTHING, every, form="paper", works={EMAIL: True}),
        Family("5", "1.3 6.8 6.12 6.10", frozenset({SMS, Channel.PUSH, PAPER}), works={EMAIL: True}),
    ]


DEEDS = ("fail", "unsubscribe", "stop", "unconfirm", "confirm", "lift", "rest", "withdraw", "money")
SCRIPT = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(DEEDS), st.sampled_from([EMAIL, SMS])),
    min_size=1,
    max_size=8,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=SCRIPT)
@example(script=[(1, "fail", SMS), (1, "stop", SMS)])  # another reason, the same state: nothing to tell
@example(script=[(0, "fail", EMAIL), (0, "money", SMS), (0, "money", SMS), (0, "money", SMS)])
def test_nobody_is_silently_unreachable(*, database: str, script: list[tuple[int, str, Channel]]) -> None:
    asyncio.run(_play(database, script))


async def _play(database: str, script: list[tuple[int, str, Channel]]) -> None:
    pool = await open_pool(database, Service.DISPATCHER, smallest=1, largest=3)
    admin = await open_pool(database, smallest=1, largest=2)
    try:
        await admin.execute(
            """TRUNCATE roster.school, roster.class, roster.pupil, roster.guardian, roster.guardianship,
                   roster.epoch, consent.contact, consent.sheet, consent.application, consent.epoch,
                   dispatch.suppression, dispatch.unreachable, dispatch.outbox, dispatch.change,
                   dispatch.decision, dispatch.entity, dispatch.sms_budget CASCADE"""
        )
        await Play(Office(pool, admin)).run(script)
    finally:
        await pool.close()
        await admin.close()


class Play:
    """The school played; `said` holds what stands on the list after each step, as the test reckons."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.families = _families()
        self.spent = False
        self.watch = ReachWatch(office.clock, on=ON, budget=office.budget)
        self.planner = Planner(Settings(), office.clock, on=ON, budget=office.budget)
        self.listed: dict[str, str] = {}
        self.notices: list[tuple[str, str]] = []

    async def run(self, script: list[tuple[int, str, Channel]]) -> None:
        await self.office.found()
        for one in self.families:
            email, phone = (
                one.address(channel) if channel in one.works else None for channel in (EMAIL, SMS)
            )
            await self.office.family(one.name, email=email, phone=phone, items=one.items, form=one.form)
        await self.check()
        for n, deed, channel in script:
            await self.do(self.families[n], deed, channel)
            await self.check()

    async def do(self, family: Family, deed: str, channel: Channel) -> None:  # noqa: C901 - a table
        pool, address = self.office.pool, family.address(channel)
        async with pool.acquire() as connection, connection.transaction():
            match deed:
                case "money":
                    self.spent = not self.spent
                    await connection.execute(
                        """INSERT INTO dispatch.sms_budget VALUES ('s', '2026-11-01', $1, 0)
                           ON CONFLICT (school, month) DO UPDATE SET segments = excluded.segments""",
                        20_000 if self.spent else 0,
                    )
                case "withdraw":
                    family.withdrawn = True
                    await connection.execute(
                        "UPDATE consent.sheet SET withdrawn_on = '2026-11-01' WHERE guardian = $1",
                        f"g-{family.name}",
                    )
                    await self.office.raise_epoch(connection)
                case _ if channel not in family.works:
                    return
                case "fail":
                    await suppress(connection, [Stop("s", channel, address, "dead", Source.BOUNCE)])
                    family.works[channel] = False
                case "rest":  # for hours only: its messages go another way, the family stays reachable
                    rest = timedelta(hours=3)
                    await suppress(connection, [Stop("s", channel, address, "off", Source.RECEIPT, rest)])
                    await connection.execute(
                        "UPDATE dispatch.suppression SET until = now() WHERE until > now()"
                    )
                case "unsubscribe":
                    links = self.office.renderer.links
                    token = links.token(Purpose.UNSUBSCRIBE, "s", f"g-{family.name}", address)
                    claim = read(links, token, Purpose.UNSUBSCRIBE)
                    assert claim is not None
                    await stop(connection, links, claim)
                    family.works[channel] = False
                case "stop":
                    if channel is not SMS:
                        return
                    await stop_numbers(connection, [address])
                    family.works[channel] = False
                case "unconfirm" | "confirm":
                    at = "NULL" if deed == "unconfirm" else "'2026-09-01'"
                    await connection.execute(
                        f"""UPDATE consent.contact SET confirmed_at = {at}
                            WHERE guardian = $1 AND channel = $2""",
                        f"g-{family.name}",
                        channel.value,
                    )
                    await self.office.raise_epoch(connection)
                    blocked = await connection.fetchval(
                        """SELECT EXISTS (SELECT FROM dispatch.suppression
                               WHERE address = $1 AND lifted_at IS NULL AND until IS NULL)
                           OR EXISTS (SELECT FROM consent.contact
                               WHERE address = $1 AND stopped_at IS NOT NULL)""",
                        address,
                    )
                    family.works[channel] = deed == "confirm" and not blocked
                case "lift":
                    await lift(connection, school="s", channel=channel, address=address, actor="secretary")
                    confirmed = await connection.fetchval(
                        "SELECT confirmed_at IS NOT NULL FROM consent.contact WHERE address = $1", address
                    )
                    family.works[channel] = confirmed

    async def check(self) -> None:
        async with self.office.pool.acquire() as connection:
            for _ in range(2):  # looking twice tells nobody twice
                await self.watch.round(connection)
            rows = await connection.fetch("SELECT guardian, instead FROM dispatch.unreachable")
            told = await connection.fetch(
                "SELECT value FROM dispatch.outbox WHERE topic = 'staff.notices' ORDER BY xid, id"
            )
        for one in self.families:
            _, instead = one.expected(spent=self.spent)
            guardian = f"g-{one.name}"
            if instead is not None and self.listed.get(guardian) != instead:
                self.notices.append((guardian, instead))
            if instead is None:
                self.listed.pop(guardian, None)
            else:
                self.listed[guardian] = instead
        assert {row["guardian"]: row["instead"] for row in rows} == self.listed
        said = [orjson.loads(row["value"]) for row in told]
        assert {one["kind"] for one in said} <= {"family_unreachable"}
        assert sorted((one["guardian"], one["instead"]) for one in said) == sorted(self.notices)
        assert {one["class"] for one in said} <= {"7Б"}
        await self.news()

    async def news(self) -> None:
        """An announcement to all: each family's decision is as the list says."""
        change, now = uuid4(), self.office.clock.now()
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": str(change),
            "source": "/schools/s/journals/j",
            "type": "journal.announcement.posted",
            "time": now.isoformat(),
            "data": {
                "entity": f"announcement/{change}",
                "class": "7Б",
                "author": "Директор",
                "title": "Собрание",
                "text": "В среду",
            },
        }
        value = encode(event, change=change, accepted_at=now, key="s/7Б")
        async with self.office.pool.acquire() as connection, connection.transaction():
            record = Record(Topic.JOURNAL_CHANGES, "s/7Б", value, str(change))
            assert await self.planner.handle(connection, [record]) == []
            rows = await connection.fetch(
                "SELECT guardian, verdict FROM dispatch.decision WHERE change = $1", change
            )
        assert {row["guardian"]: row["verdict"] for row in rows} == {
            f"g-{one.name}": one.expected(spent=self.spent)[0] for one in self.families
        }
