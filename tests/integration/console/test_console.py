"""The operators' pages: numbers with rows behind them, families with an audit, levers with a reason
(R-B10, R-D1, R-D2, R-D5)."""

import re
from collections.abc import AsyncIterator, Callable
from uuid import UUID

import asyncpg
import pytest
from integration.guards.conftest import house
from integration.people.conftest import somebody
from support.operators import MORNING
from support.people import Person, add_account

from shared.db import connect
from shared.staff import Role

__all__ = ["house", "somebody"]

SCHOOLS = "INSERT INTO roster.school VALUES ('a', 'Школа А', 'Europe/Moscow'), ('b', 'Б', 'Europe/Moscow')"


@pytest.fixture
async def admin(database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(database)
    await connection.execute(SCHOOLS)
    await connection.execute(MORNING)
    await add_account(connection, "a", "op", Role.OPERATOR, "Ольга Операторова")
    await add_account(connection, "b", "op", Role.OPERATOR, "Борис Соседов")
    await add_account(connection, "*", "chief", Role.OPERATOR, "Глава Установки")
    yield connection
    await connection.close()


async def entered(somebody: Callable[[], Person], login: str) -> Person:
    person = somebody()
    assert (await person.log_in(login)).status_code == 303
    return person


async def test_each_number_leads_to_its_rows(
    admin: asyncpg.Connection, somebody: Callable[[], Person]
) -> None:
    """Σ of the columns is the number of decisions, and a column's rows are as many as it says."""
    person = await entered(somebody, "a/op")
    page = (await person.open("/dispatcher/")).text
    links = re.findall(r'href="(/dispatcher/ledger\?[^"]*place=(\w+))">(\d+)<', page)
    assert {place: number for _, place, number in links} == {"suppressed": "1", "pending": "2"}
    for link, _, number in links:
        rows = (await person.open(link.replace("&amp;", "&"))).text
        assert rows.count("<tr>") - 1 == int(number)
    assert "сверка сходится" in page
    later = (await person.open("/dispatcher/?from=2026-11-23&to=2026-11-23")).text
    assert re.findall(r"place=(\w+)", later) == ["suppressed"]


async def test_the_page_shouts_and_names_the_row(
    admin: asyncpg.Connection, somebody: Callable[[], Person]
) -> None:
    broken = await admin.fetchval(
        "UPDATE dispatch.change SET guardians = 2 WHERE entity = '3' RETURNING change"
    )
    person = await entered(somebody, "a/op")
    page = (await person.open("/dispatcher/check")).text
    assert str(broken) in page
    assert "Не сходится строк: 1" in page
    neighbour = await entered(somebody, "b/op")
    assert str(broken) not in (await neighbour.open("/dispatcher/check")).text


async def test_every_look_at_a_family_is_kept(
    admin: asyncpg.Connection, somebody: Callable[[], Person]
) -> None:
    """R-D2: who looked, at whom; what was typed into the search is nobody's business."""
    person = await entered(somebody, "a/op")
    found = (await person.open("/dispatcher/families?q=зуева")).text
    assert "guardian=g" in found
    family = (await person.open("/dispatcher/family?school=a&guardian=g")).text
    assert "Зуева Инна Павловна" in family
    message = await admin.fetchval("SELECT id FROM dispatch.message")
    assert "С-1" in (await person.open(f"/dispatcher/message/{message}")).text
    rows = await admin.fetch(
        "SELECT actor, action, about, details FROM dispatch.audit WHERE action ~ 'looked|found' ORDER BY id"
    )
    assert [(row["actor"], row["action"], row["about"]) for row in rows] == [
        ("a/op", "families.found", None),
        ("a/op", "family.looked_at", "g"),
        ("a/op", "message.looked_at", "g"),
    ]
    assert rows[0]["details"]["guardians"] == ["g"]
    assert "зуева" not in str([dict(row) for row in rows])


async def test_a_neighbour_school_sees_and_moves_nothing(
    admin: asyncpg.Connection, somebody: Callable[[], Person]
) -> None:
    """R-D1: not by guessing an address either."""
    message: UUID = await admin.fetchval("SELECT id FROM dispatch.message")
    change: UUID = await admin.fetchval("SELECT change FROM dispatch.change LIMIT 1")
    person = await entered(somebody, "b/op")
    for path in (f"message/{message}", "family?guardian=g", "family?school=a&guardian=g"):
        assert (await person.open(f"/dispatcher/{path}")).status_code == 404, path
    for path, status in (
        (f"message/{message}/cancel", 409),
        (f"change/{change}/stop", 404),
        ("channel/email/resume", 409),
    ):
        answer = await person.send("/dispatcher/", {"reason": "проверка"}, to=f"/dispatcher/{path}")
        assert answer.status_code == status, path
    assert await admin.fetchval("SELECT status FROM dispatch.message") == "composed"
    assert await admin.fetchval("SELECT count(*) FROM dispatch.channel_pause") == 1


async def test_a_change_is_stopped_with_a_reason(
    admin: asyncpg.Connection, somebody: Callable[[], Person]
) -> None:
    """R-D5: without a reason nothing happens; with one it is stopped, and the reason is in the audit."""
    change = await admin.fetchval("SELECT change FROM dispatch.change WHERE entity = '1'")
    person = await entered(somebody, "a/op")
    mute = await person.send("/dispatcher/", {"reason": " "}, to=f"/dispatcher/change/{change}/stop")
    assert mute.status_code == 422
    assert "напишите причину" in mute.text
    done = await person.send(
        "/dispatcher/", {"reason": "ошибка в дате"}, to=f"/dispatcher/change/{change}/stop"
    )
    assert done.status_code == 200
    noted = await admin.fetchrow("SELECT * FROM dispatch.audit WHERE action = 'change.stopped'")
    assert (noted["actor"], noted["about"]) == ("a/op", str(change))
    assert "ошибка в дате" in noted["details"]["reason"]
    assert await admin.fetchval("SELECT count(*) FROM dispatch.decision WHERE cancelled_by IS NOT NULL") == 1
    assert await admin.fetchval("SELECT status FROM dispatch.message") == "composed", "it carries another"


async def test_a_channel_is_everybodys(admin: asyncpg.Connection, somebody: Callable[[], Person]) -> None:
    """Two schools: only an account of the whole installation resumes and pauses."""
    own = await entered(somebody, "a/op")
    assert "/dispatcher/channel/" not in (await own.open("/dispatcher/")).text
    chief = await entered(somebody, "*/chief")
    assert "/dispatcher/channel/email/resume" in (await chief.open("/dispatcher/")).text
    done = await chief.send("/dispatcher/", {"reason": "починили"}, to="/dispatcher/channel/sms/pause")
    assert done.status_code == 303
    assert await admin.fetchval("SELECT by FROM dispatch.channel_pause WHERE channel = 'sms'") == "*/chief"
