"""The school year on a real database: since when pupils are in their classes, who is warned of what, and
how often (R-B9, R-B11, R-C8)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import orjson
import pytest
from prometheus_client import REGISTRY

from dispatcher.desk.rollover import Problem, read_rollover
from dispatcher.desk.year_watch import YearWatch
from shared.clock import AcceleratedClock
from shared.db import open_pool
from shared.lists import raise_epochs
from shared.topics import Service

LISTS = """
INSERT INTO roster.school VALUES ('s', 'Школа', 'Asia/Omsk');
INSERT INTO roster.class (school, class, grade, teachers)
    VALUES ('s', '6А', '6', '{t}'), ('s', '7А', '7', '{t}'), ('s', '11А', '11', '{t}');
INSERT INTO roster.pupil (school, pupil, class, family_name, given_name, birth_date)
    VALUES ('s', 'six', '6А', 'Ким', 'Юлия', NULL), ('s', 'eleven', '11А', 'Яшин', 'Лев', '2008-09-10');
INSERT INTO roster.epoch VALUES ('s', 1);
"""


@dataclass
class Year:
    """`owner` writes the lists, as ingest does; `connection` is the dispatcher's."""

    owner: asyncpg.Connection
    connection: Any

    def watch(self, at: datetime) -> YearWatch:
        return YearWatch(AcceleratedClock(at, datetime.now(UTC), 0))

    async def changed(self, statement: str) -> None:
        await self.owner.execute(statement)
        await raise_epochs(self.owner, "roster", {"s"})

    async def told(self) -> list[dict[str, str]]:
        rows = await self.owner.fetch(
            "SELECT value FROM dispatch.outbox WHERE topic = 'staff.notices' ORDER BY xid, id"
        )
        return [orjson.loads(row["value"]) for row in rows]


@pytest.fixture
async def year(database: str) -> AsyncIterator[Year]:
    owner = await asyncpg.connect(database)
    await owner.execute(LISTS)
    pool = await open_pool(database, Service.DISPATCHER, largest=2)
    async with pool.acquire() as connection:
        yield Year(owner, connection)
    await pool.close()
    await owner.close()


def at(month: int, day: int, hour: int = 12) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


async def test_lists_of_spring_are_stale_in_august_and_fresh_once_moved(year: Year) -> None:
    await year.watch(at(4, 2)).round(year.connection)
    found = await read_rollover(year.connection, "s", date(2026, 8, 21))
    assert [(one.problem, one.class_name) for one in found.troubles] == [
        (Problem.NOT_MOVED, "6А"),
        (Problem.GRADUATES_STAY, "11А"),
    ]
    await year.watch(at(8, 21)).round(year.connection)
    assert [one["kind"] for one in await year.told()] == ["pupil_turns_18", "lists_not_rolled_over"]
    await year.changed("UPDATE roster.pupil SET class = '7А' WHERE pupil = 'six'")
    await year.changed("UPDATE roster.pupil SET left_on = '2026-06-26' WHERE pupil = 'eleven'")
    await year.watch(at(8, 28)).round(year.connection)
    assert (await read_rollover(year.connection, "s", date(2026, 8, 28))).done
    assert len([one for one in await year.told() if one["kind"] == "lists_not_rolled_over"]) == 1
    since = await year.owner.fetchval("SELECT since FROM dispatch.class_since WHERE pupil = 'six'")
    assert since == date(2026, 8, 28)


async def test_a_pupil_moved_before_anybody_looked_is_fresh_at_once(year: Year) -> None:
    await year.watch(at(4, 2)).round(year.connection)
    await year.owner.execute("UPDATE roster.pupil SET class = '7А' WHERE pupil = 'six'")
    found = await read_rollover(year.connection, "s", date(2026, 8, 21))
    assert [one.class_name for one in found.troubles] == ["11А"]


async def test_who_left_at_the_desk_is_not_missed(year: Year) -> None:
    """R-B7: the desk knows before the lists do."""
    await year.watch(at(4, 2)).round(year.connection)
    await year.owner.execute(
        """INSERT INTO consent.departure (school, pupil, left_on, reason, registered_by)
           VALUES ('s', 'eleven', '2026-06-26', 'выпуск', 's/desk')"""
    )
    found = await read_rollover(year.connection, "s", date(2026, 8, 21))
    assert [one.class_name for one in found.troubles] == ["6А"]


async def test_warned_of_eighteen_once_by_the_schools_own_date(year: Year) -> None:
    """Ten in the evening in Omsk is still the day before thirty days before; two hours later it is the day.
    Told again after a restart, it is the same notice, byte for byte."""
    watch = year.watch(at(8, 10, 16))
    await watch.round(year.connection)
    assert await year.told() == []
    watch = year.watch(at(8, 10, 18))
    await watch.round(year.connection)
    await year.changed("UPDATE roster.pupil SET patronymic = 'Ильич' WHERE pupil = 'eleven'")
    await watch.round(year.connection)
    (once,) = await year.told()
    assert once == {
        "kind": "pupil_turns_18",
        "at": "2026-08-11T08:00:00+06:00",
        "school": "s",
        "class": "11А",
        "pupil": "eleven",
        "on": "2026-09-10",
    }
    await year.watch(at(8, 12)).round(year.connection)
    assert await year.told() == [once, once], "the receiver keeps one of equal records"


async def test_how_many_have_not_decided_is_a_number(year: Year) -> None:
    await year.watch(at(9, 20)).round(year.connection)
    assert REGISTRY.get_sample_value("vestnik_families_undecided", {"overdue": "yes"}) == 2
    assert REGISTRY.get_sample_value("vestnik_families_undecided", {"overdue": "no"}) == 0
    await year.watch(at(9, 5)).round(year.connection)
    assert REGISTRY.get_sample_value("vestnik_families_undecided", {"overdue": "yes"}) == 0
    assert REGISTRY.get_sample_value("vestnik_families_undecided", {"overdue": "no"}) == 2
