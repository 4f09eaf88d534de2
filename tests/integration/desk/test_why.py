"""Why did this family get it, or not: told from what was stored when it was decided (R-C3, R-C4)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest
from support.families import (
    NOW,
    SCHOOL,
    Registry,
    application,
    change_id,
    guardian,
    pupil,
    record,
    sheet,
    tie,
)

from dispatcher.compose import Draft
from dispatcher.messages import Move, Status, move
from dispatcher.planning.planner import Planner
from dispatcher.sending.composer import store
from dispatcher.view import Kind
from dispatcher.why import Explained, Question, explain
from dispatcher.why_words import sentences
from shared.categories import Channel
from shared.clock import AcceleratedClock
from shared.consent import Form
from shared.db import connect
from shared.families import Guardianship
from shared.settings import Settings
from shared.topics import Service


@dataclass
class Case:
    connection: asyncpg.Connection
    admin: asyncpg.Connection

    async def plan(self, *ties: Guardianship) -> None:
        """One mark, planned for a family with these papers."""
        await Registry([pupil(ties=ties)] if ties else [pupil()]).write(self.admin)
        clock = AcceleratedClock(NOW, datetime.now(UTC), 0)
        planner = Planner(Settings(), clock, on=frozenset({Channel.EMAIL, Channel.PUSH, Channel.SMS}))
        async with self.connection.transaction():
            assert not await planner.handle(self.connection, [record()])

    async def one(self) -> Explained:
        (found,) = await explain(self.connection, Question(SCHOOL, "g1"))
        return found

    async def said(self) -> str:
        return " ".join(text % values if values else text for text, values in sentences(await self.one()))


@pytest.fixture
async def case(database: str) -> AsyncIterator[Case]:
    made = Case(await connect(database, Service.DISPATCHER), await connect(database))
    yield made
    await made.connection.close()
    await made.admin.close()


async def test_a_told_mark_names_the_sheet_and_its_fate(case: Case) -> None:
    """R-C3: what was decided, on which sheet, how it went on; never what the mark was."""
    await case.plan()
    assert await case.said() == (
        "Решено сообщить по почте. В составе ежедневной сводки. "
        "Основание: лист согласия № С-1 от 01.09.2026. Сообщение ещё не составлено."
    )
    found = await case.one()
    assert found.subject == "Алгебра, 24.11.2026"
    draft = Draft(SCHOOL, "g1", Channel.EMAIL, Kind.DAILY, NOW, None, None, None, (change_id("mark/1/1"),))
    async with case.connection.transaction():
        await store(case.connection, [draft])
    await case.connection.execute(
        "UPDATE dispatch.message SET status = 'sending', lease = uuidv7(), lease_until = now()"
    )
    message = (await case.one()).message
    assert message is not None
    await move(case.connection, [Move(message, Status.ACCEPTED)], actor="sender", school_now=NOW)
    assert (await case.said()).endswith("Шлюз принял сообщение.")
    assert [(step.status, step.actor) for step in (await case.one()).steps] == [(Status.ACCEPTED, "sender")]


@pytest.mark.parametrize(
    ("papers", "says"),
    [
        ({"sheets": (sheet(["1.3", "6.9", "6.10"]),)}, "не отмечено 4.3 (сведения об успеваемости)"),
        ({"sheets": ()}, "Листа согласия, на который можно было бы опереться, не было."),
        ({"sheets": (sheet(withdrawn_on=date(2026, 11, 2)),)}, "согласие отозвано. Основание: лист"),
        ({"sheets": (sheet(withdrawn_on=date(2026, 11, 2)),)}, "Этот лист отозван с 02.11.2026."),
        ({"sheets": (sheet(valid_until=date(2026, 11, 2)),)}, "срок согласия истёк"),
        ({"applications": (application(Form.PAPER),)}, "На бумаге: так семья просит в заявлении."),
        ({"restricted_from": date(2026, 11, 1)}, "не было права получать сведения"),
    ],
)
async def test_an_untold_mark_says_what_kept_it(case: Case, papers: dict[str, object], says: str) -> None:
    """R-C4, R-D4: each reason in words a secretary can repeat to the family."""
    await case.plan(tie(guardian(), **papers))
    assert says in await case.said()


async def test_the_answer_can_be_narrowed(case: Case) -> None:
    await case.plan()

    async def count(**more: object) -> int:
        return len(await explain(case.connection, Question(SCHOOL, "g1", **more)))  # type: ignore[arg-type]

    change = change_id("mark/1/1")
    assert await count(change=change) == await count(pupil="p1") == 1
    assert await count(pupil="p2") == 0
    accepted = (await case.one()).accepted_at
    assert await count(since=accepted) == 1
    assert await count(since=accepted + timedelta(seconds=1)) == await count(until=accepted) == 0
    assert await explain(case.connection, Question("another", "g1")) == []
