"""The dispatcher put together: any service's outbox → the staff's inbox; and what `vestnik status` shows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from integration.notices.conftest import CLOCK, PAPER, Room
from pydantic import SecretStr
from rich.console import Console

from dispatcher import ledger
from dispatcher.app import Dispatcher
from dispatcher.outcomes import notify_staff
from onebox.status import read_status, show_status
from shared.categories import Channel
from shared.clock import RealClock
from shared.outbox import append
from shared.service import Context
from shared.settings import Settings
from shared.topics import Service, Topic


@pytest.fixture
def context(database: str, tmp_path: Path, room: Room) -> Context:
    settings = Settings(
        data=tmp_path,
        smtp_url=SecretStr(room.inbox.url),
        mail_from="vestnik@s.example",
        secret_key=SecretStr("a key for tests"),
    )
    return Context(settings, database, RealClock())


@asynccontextmanager
async def running(context: Context) -> AsyncIterator[Dispatcher]:
    made = Dispatcher(context)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def say(room: Room, service: Service, kind: str, **facts: Any) -> None:
    async with room.admin.transaction():
        value = orjson.dumps({"kind": kind, "at": CLOCK.now(), **facts})
        await append(room.admin, service, Topic.STAFF_NOTICES, [("s", value)])


async def shown(context: Context) -> str:
    said = StringIO()
    show_status(await read_status(context), Console(file=said, width=200))
    return said.getvalue()


async def test_from_every_writer_to_the_inbox_once(room: Room, context: Context) -> None:
    """With two replicas, of which one tells."""
    await say(room, Service.PRINT_QUEUE, "paper_not_handed_out", school="s", **{"class": "7Б"}, **PAPER)
    await say(room, Service.INGEST, "journal_silent", school="z")
    async with room.admin.transaction():
        await notify_staff(room.admin, kind="not_my_child", at=CLOCK.now(), school="s", guardian="g-1")
    async with running(context), running(replace(context)) as other:
        letters = await room.inbox.wait_for(3, timeout=30)
        assert await other.problems() == []
    assert {letter.rcpt_to for letter in letters} == {
        ("t7@s.example",),
        ("boss@z.example",),
        ("op@s.example",),
    }
    assert len(room.inbox.letters) == 3
    assert await room.notices() == [(True, None)] * 3
    assert "сообщено обо всём" in await shown(context)


async def test_without_mail_notices_wait_and_are_shown(room: Room, context: Context) -> None:
    settings = context.settings.model_copy(update={"smtp_url": None, "mail_from": None})
    await say(room, Service.DISPATCHER, "channel_paused", channel="sms", reason="smsaero: 401")
    await say(room, Service.INGEST, "meteor_seen", school="s")
    async with running(replace(context, settings=settings)) as dispatcher:
        while len(await room.notices()) < 2 or await dispatcher.problems():
            await asyncio.sleep(0.05)
    assert await room.notices() == [(False, None)] * 2
    said = await shown(context)
    assert "отправка остановлена 1" in said
    assert "meteor_seen (s): ждёт письма" in said


async def test_rates_count_what_was_accepted_lately(room: Room, context: Context) -> None:
    """Real minutes; nothing else in the history counts."""
    for channel, to, ago in (
        ("email", "accepted", 1),
        ("email", "accepted", 4),
        ("email", "failed", 1),
        ("sms", "accepted", 6),
    ):
        await room.admin.execute(
            """WITH made AS (INSERT INTO dispatch.message (school, guardian, channel, kind, due_at)
                             VALUES ('s', 'g', $1, 'daily', now()) RETURNING id)
               INSERT INTO dispatch.message_history (message, at, from_status, to_status, actor)
               SELECT id, clock_timestamp() - make_interval(mins => $3), 'sending', $2, 'test' FROM made""",
            channel,
            to,
            ago,
        )
    assert await ledger.rates(room.connection) == {Channel.EMAIL: 0.4, Channel.SMS: 0.0, Channel.PUSH: 0.0}
    assert "0,4" in await shown(context)
