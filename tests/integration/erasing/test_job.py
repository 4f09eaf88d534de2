"""R-B7, R-B8: what is due is destroyed without a command; what looks like a mistake or hangs is told."""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from support.buses import BusKit, eventually
from support.families import SCHOOL, Registry, contact, guardian, pupil, record, sheet, tie
from support.searching import where

from dispatcher.app import subscriptions as read_by_dispatcher
from dispatcher.erasing import register
from dispatcher.erasing.job import ErasureJob
from dispatcher.working_days import WorkingDays
from ingest.erasing import JournalEraser, ListsEraser
from print_queue.app import subscriptions as read_by_print_queue
from print_queue.erasing import PaperEraser
from shared.categories import Category, Channel
from shared.db import connect
from shared.erasure import Step, Worker
from shared.families import Guardian, Name, Pupil
from shared.service import Context
from shared.settings import Settings
from shared.topics import Service, Topic

WITHDRAWN_ON = date(2026, 11, 17)  # a Tuesday
RIPE_ON = date(2026, 11, 24)  # five working days later
TERM_OVER = date(2026, 12, 2)  # the day after ten
GONE = {"Зябликов", "Евграф", "Пелагея", "pelageya@family.example", "Усердие сверх похвал"}


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 9, tzinfo=UTC)


@dataclass
class HandClock:
    at: datetime

    def now(self) -> datetime:
        return self.at

    def real_seconds_until(self, instant: datetime) -> float:
        return max(0.0, (instant - self.at).total_seconds())


@dataclass
class House:
    """The jobs of the three services, each as its own role, told to look around one after another."""

    database: str
    data: Path
    admin: asyncpg.Connection
    services: dict[Service, asyncpg.Connection]

    async def look(self, day: date, *, asleep: Collection[Service] = ()) -> None:
        """Everybody's rounds on this day until there is nothing left to do, as after a fresh start."""
        settings = Settings(data=self.data, secret_key="a key of this test")
        job = ErasureJob(
            HandClock(noon(day)),
            data=self.data,
            days=WorkingDays(settings.working_days),
            profile_of=settings.profile_of,
        )
        works: dict[Service, Callable[[asyncpg.Connection], Any]] = {
            Service.DISPATCHER: job.round,
            Service.INGEST: Worker({Step.JOURNAL: JournalEraser(None), Step.LISTS: ListsEraser()}).round,
            Service.PRINT_QUEUE: Worker({Step.PAPER: PaperEraser(self.data / "paper")}).round,
        }
        for _ in range(4):
            for service, work in works.items():
                if service not in asleep:
                    await work(self.services[service])

    async def held(self) -> set[str]:
        found = await where(self.admin, self.data, GONE)
        return {value for held in found.values() for value in held}

    async def notices(self) -> list[dict[str, str]]:
        """What staff are to be told, without the moment."""
        rows = await self.admin.fetch(
            "SELECT value FROM dispatch.outbox WHERE topic = 'staff.notices' ORDER BY id"
        )
        said = [orjson.loads(row["value"]) for row in rows]
        return [{key: one[key] for key in one if key != "at"} for one in said]

    async def audit(self) -> list[str]:
        rows = await self.admin.fetch(
            "SELECT action FROM dispatch.audit WHERE action LIKE 'erasure.%' ORDER BY id"
        )
        return [row["action"] for row in rows]

    async def orders(self) -> list[asyncpg.Record]:
        return await self.admin.fetch("SELECT * FROM consent.erasure ORDER BY ordered_at")


@pytest.fixture
async def house(database: str, tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "data").mkdir()
    async with AsyncExitStack() as stack:
        admin = await asyncpg.connect(database)
        stack.push_async_callback(admin.close)
        services = {service: await connect(database, service) for service in Service}
        for connection in services.values():
            stack.push_async_callback(connection.close)
        yield House(database, tmp_path / "data", admin, services)


def withdrawn() -> list[Pupil]:
    """A family that withdrew, and another one."""
    papers = [sheet(withdrawn_on=WITHDRAWN_ON)]
    return [pupil("p1", [tie(pelageya(), papers)]), pupil("p2", [tie("g2")])]


def pelageya() -> Guardian:
    address = contact(Channel.EMAIL, "pelageya@family.example")
    return replace(guardian("g1", [address]), name=Name("Зябликова", "Пелагея"))


async def settle_in(house: House, pupils: list[Pupil]) -> None:
    await Registry(pupils).write(house.admin)
    await house.admin.execute(
        "UPDATE roster.pupil SET family_name = 'Зябликов', given_name = 'Евграф' WHERE pupil = 'p1'"
    )


async def test_a_withdrawal_is_carried_out_on_its_day(house: House) -> None:
    await settle_in(house, withdrawn())
    everything = GONE - {"Усердие сверх похвал"}
    assert await house.held() == everything

    await house.look(RIPE_ON - timedelta(days=1))
    assert await house.held() == everything
    assert await house.orders() == []

    await house.look(RIPE_ON)
    assert await house.held() == set()
    (order,) = await house.orders()
    assert (order["ordered_by"], order["received_on"], order["destroy_by"]) == (
        "vestnik",
        WITHDRAWN_ON,
        TERM_OVER - timedelta(days=1),
    )
    act = house.data / order["act"]
    said = orjson.loads(act.with_suffix(".json").read_bytes())
    assert said["subjects"]["guardians"] == ["g1"]
    assert said["ordered_by"] == "vestnik"
    assert act.read_bytes().startswith(b"%PDF")
    assert [one.id for one in register.read(house.data / register.NAME)] == [order["id"]]
    assert await house.audit() == ["erasure.ordered", "erasure.completed"]
    assert await house.admin.fetchval("SELECT count(*) FROM consent.contact WHERE guardian = 'g2'") == 3
    assert await house.notices() == []


async def test_what_hangs_is_told_when_its_term_is_over_and_once_a_day(house: House) -> None:
    """R-B8, R-B10: the print queue does not run, so the names must stay and the act cannot be made."""
    await settle_in(house, withdrawn())
    await house.admin.execute(
        """INSERT INTO consent.withdrawal (school, pupil, guardian, number, received_on, destroy_by,
               registered_by) VALUES ($1, 'p1', 'g1', 'С-1', $2, $3, 'ilinskaya/secretary')""",
        *(SCHOOL, WITHDRAWN_ON, TERM_OVER - timedelta(days=1)),
    )
    asleep = [Service.PRINT_QUEUE]
    await house.look(TERM_OVER - timedelta(days=1), asleep=asleep)
    assert await house.held() == {"Зябликов", "Евграф", "Пелагея"}
    assert await house.notices() == []
    for _ in range(2):
        await house.look(TERM_OVER, asleep=asleep)
    told = {"kind": "erasure_overdue", "school": SCHOOL, "late": "1"}
    assert await house.notices() == [told]
    await two_days_pass(house)
    await house.look(TERM_OVER, asleep=asleep)
    assert await house.notices() == [told, told]

    await two_days_pass(house)
    await house.look(TERM_OVER)
    assert await house.held() == set()
    await house.look(TERM_OVER)
    assert (await house.audit()).count("erasure.completed") == 1
    # The first look of the last day still found it late; none does now.
    told_by_then = await house.notices()
    await two_days_pass(house)
    await house.look(TERM_OVER)
    assert await house.notices() == told_by_then


async def two_days_pass(house: House) -> None:
    """In real time, by which staff are reminded."""
    await house.admin.execute("ALTER TABLE dispatch.audit DISABLE TRIGGER ALL")
    await house.admin.execute("UPDATE dispatch.audit SET at = at - interval '2 days'")


async def test_half_a_school_leaving_at_once_waits_for_a_person(house: House) -> None:
    """R-B7: staff hear of it on the last day of the term, not after it."""
    left_on = date(2026, 11, 20)
    guardians = {1: pelageya()} | {n: guardian(f"g{n}") for n in range(2, 21)}
    leaving = [pupil(f"p{n}", [tie(guardians[n])], left_on=left_on) for n in range(1, 13)]
    await settle_in(house, leaving + [pupil(f"p{n}", [tie(guardians[n])]) for n in range(13, 21)])

    await house.look(left_on + timedelta(days=2))
    assert await house.notices() == []
    for _ in range(2):
        await house.look(left_on + timedelta(days=3))
    assert await house.orders() == []
    assert await house.notices() == [{"kind": "erasure_braked", "school": SCHOOL, "leavings": "12"}]

    # The list is mended: eleven of twenty are too many, ten are a class that has gone.
    mend = "UPDATE roster.pupil SET left_on = NULL WHERE pupil = ANY($1::text[])"
    await house.admin.execute(mend, ["p11"])
    await house.look(left_on + timedelta(days=3))
    assert await house.orders() == []
    await house.admin.execute(mend, ["p12"])
    await house.look(left_on + timedelta(days=3))
    assert {order["pupils"][0] for order in await house.orders()} == {f"p{n}" for n in range(1, 11)}
    assert await house.held() == set()
    assert len(await house.notices()) == 1


async def test_what_a_broker_still_held_tells_nobody_and_is_found(
    house: House, kafka_bus: BusKit, tmp_path: Path
) -> None:
    """R-B8 on Kafka: published before the order, read after the act. Nobody can take it out of the broker;
    the next look for late-comers takes out what it left."""
    await settle_in(house, withdrawn())
    remark = record(Category.REMARK, pupil="p1", data={"text": "Усердие сверх похвал"})
    async with kafka_bus.writing(Topic.JOURNAL_CHANGES):
        await kafka_bus.publish(Service.INGEST, Topic.JOURNAL_CHANGES, (remark.key, remark.value.decode()))

        async def published() -> bool:
            return not await kafka_bus.ask("SELECT 1 FROM ingest.outbox")

        await eventually(published)
    await house.look(RIPE_ON)
    assert await house.held() == set()
    assert len(await house.audit()) == 2

    context = Context(kafka_bus.settings, kafka_bus.database, HandClock(noon(RIPE_ON)))
    async with (
        kafka_bus.running(Service.DISPATCHER, *read_by_dispatcher(context)),
        kafka_bus.running(Service.PRINT_QUEUE, *read_by_print_queue()),
    ):

        async def read() -> bool:
            return bool(
                await kafka_bus.ask("SELECT 1 FROM dispatch.change")
                and await kafka_bus.ask("SELECT 1 FROM paper.ledger")
            )

        await eventually(read)
    assert await house.held() == {"Усердие сверх похвал"}
    assert not await house.admin.fetch("SELECT FROM dispatch.decision WHERE verdict = 'tell'")
    await house.look(RIPE_ON)
    assert await house.held() == set()
    (order,) = await house.orders()
    assert order["completed_at"] is not None
