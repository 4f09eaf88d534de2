"""The dispatcher put together: a change on the bus becomes a letter, links and receipts are answered."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from integration.sending.office import Office
from pydantic import SecretStr

from dispatcher.app import Dispatcher
from dispatcher.sending import receipts
from sandbox.inbox import Inbox
from shared.changes import encode
from shared.clock import RealClock
from shared.outbox import append
from shared.service import Context
from shared.settings import Settings
from shared.topics import Service, Topic


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    async with Inbox() as made:
        yield made


@pytest.fixture
async def dispatcher(database: str, tmp_path: Path, inbox: Inbox) -> AsyncIterator[Dispatcher]:
    settings = Settings(
        data=tmp_path,
        smtp_url=SecretStr(inbox.url),
        mail_from="school@vestnik.example",
        secret_key=SecretStr("a key for tests"),
    )
    made = Dispatcher(Context(settings, database, RealClock()))
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


def _client(dispatcher: Dispatcher) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(dispatcher.app), base_url="http://v")


async def _tell(office: Office, value: str = "5") -> None:
    """A final mark leaves at once."""
    change = uuid4()
    now = RealClock().now()
    event = {
        "specversion": "1.0",
        "id": str(change),
        "source": "/schools/s/journals/j",
        "type": "journal.final_mark.set",
        "subject": "p-1",
        "time": now.isoformat(),
        "data": {
            "entity": f"final/{change}",
            "course": {"name": "Алгебра"},
            "period": {"kind": "quarter", "name": "I четверть", "ends_on": "2026-10-26"},
            "mark": {"value": value, "scale": "five"},
        },
    }
    async with office.admin.acquire() as connection, connection.transaction():
        record = ("s/7Б", encode(event, change=change, accepted_at=now, key="s/7Б"))
        await append(connection, Service.INGEST, Topic.JOURNAL_CHANGES, [record])


async def test_from_the_bus_to_the_inbox_and_unsubscribing(
    office: Office, dispatcher: Dispatcher, inbox: Inbox
) -> None:
    """RFC 8058; the next channel or paper follows"""
    await office.family("1", email="anna@example.org")
    await _tell(office)
    (letter,) = await inbox.wait_for(1, timeout=15)
    link = str(letter.message["List-Unsubscribe"]).split("<")[1].split(">")[0]
    path = link.split("/dispatcher")[1]
    assert letter.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    async with _client(dispatcher) as client:
        page = await client.get(path)
        assert page.status_code == 200
        assert 'method="post"' in page.text
        stopped = "SELECT count(*) FROM consent.contact WHERE stopped_at IS NOT NULL"
        assert await office.pool.fetchval(stopped) == 0  # looking is no unsubscribing
        for _ in range(2):
            done = await client.post(path, content="List-Unsubscribe=One-Click")
            assert done.status_code == 200
        assert await office.pool.fetchval(stopped) == 1
        assert await office.pool.fetchval("SELECT value FROM consent.epoch WHERE school = 's'") == 1
        for wrong in (path[:-2], "/u/nonsense", path.replace("/u/", "/not-mine/")):
            assert (await client.post(wrong)).status_code == 404
    await _tell(office, "4")
    async with asyncio.timeout(15):
        while await office.pool.fetchval("SELECT count(*) FROM dispatch.decision") < 2:
            await asyncio.sleep(0.05)
    verdicts = await office.pool.fetch("SELECT verdict FROM dispatch.decision ORDER BY decided_at")
    assert [row["verdict"] for row in verdicts] == ["tell", "paper"]


async def test_receipts_need_the_secret(office: Office, dispatcher: Dispatcher) -> None:
    key = b"a key for tests"
    async with _client(dispatcher) as client:
        assert (await client.post("/receipts/smsaero/guess", data={"id": "1"})).status_code == 404
        path = f"/receipts/smsaero/{receipts.secret(key)}"
        await office.pool.execute(
            """INSERT INTO dispatch.message (school, guardian, channel, kind, status, due_at, provider_id)
               VALUES ('s', 'g', 'sms', 'immediate', 'accepted', now(), '77'),
                      ('s', 'g', 'sms', 'immediate', 'accepted', now(), '78')"""
        )
        for status in ("0", "3", "1", "3", "2"):
            said = {"id": "77", "status": status, "extendStatus": "x"}
            assert (await client.post(path, data=said)).status_code == 200
        assert (await client.post(path, json={"id": 78, "status": 2})).status_code == 200
        assert (await client.post(path, data={"id": "77"})).status_code == 400
    rows = await office.pool.fetch("SELECT status FROM dispatch.message ORDER BY provider_id")
    assert [row["status"] for row in rows] == ["delivered", "failed"]


async def test_stopping_settles_what_is_in_hand(office: Office, dispatcher: Dispatcher, inbox: Inbox) -> None:
    for number in range(1, 30):
        await office.family(str(number), email=f"a{number}@example.org")
    await _tell(office)
    await inbox.wait_for(1, timeout=15)
    await dispatcher.stop()
    rows = await office.pool.fetch("SELECT status FROM dispatch.message")
    assert {row["status"] for row in rows} == {"accepted"}
    assert await dispatcher.problems() == ["служба не запущена"]
