"""The whole way of a bounce through a real Postfix: accepted, undeliverable, reported, told by SMS."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from integration.sending.office import Office, ScriptedPort
from support.buses import eventually

from dispatcher import ledger
from dispatcher.bounces.returns import Returns
from dispatcher.channels.email import EmailChannel
from dispatcher.channels.verp import Verp
from sandbox.postfix import Postfix
from shared.categories import Channel
from shared.db import open_pool
from shared.topics import Service

VERP = Verp("bounce@school.example", b"test key")


@pytest.fixture
async def office(database: str) -> AsyncIterator[Office]:
    pool = await open_pool(database, Service.DISPATCHER, largest=8)
    admin = await open_pool(database, largest=3)
    made = Office(pool, admin)
    await made.found()
    try:
        yield made
    finally:
        await pool.close()
        await admin.close()


@pytest.fixture
async def returns(office: Office, bounces_port: int) -> AsyncIterator[Returns]:
    """Listening where Postfix hands over what comes back."""
    made = Returns(
        office.pool,
        office.clock,
        verp=VERP,
        links=office.renderer.links,
        lmtp=f"127.0.0.1:{bounces_port}",
        maildir=None,
    )
    await made.start()
    running = asyncio.create_task(made.run())
    yield made
    await made.stop()
    await running


@pytest.mark.parametrize(
    ("mailbox", "verdict", "reason", "rests"),
    [
        ("late-gone@mail.example", "gone", "dsn: 550 5.1.1", False),
        ("late-full@mail.example", "rests", "dsn: 552 5.2.2", True),
        ("late-policy@mail.example", "refused", "dsn: 554 5.7.26", None),
        ("anna@relay.example", "rests", "dsn: 450 4.4.1", True),
    ],
)
@pytest.mark.usefixtures("returns")
async def test_accepted_undeliverable_and_told_by_sms(
    office: Office, postfix: Postfix, mailbox: str, verdict: str, reason: str, *, rests: bool | None
) -> None:
    """R-E5; `rests` None: nobody is suppressed."""
    await office.family("1", email=mailbox, phone="+79161234567")
    change = await office.tell("1")
    email = EmailChannel(postfix.url(), mail_from="school@school.example", verp=VERP)
    await office.work(email, on=[Channel.SMS])
    accepted = "SELECT count(*) FROM dispatch.message_history WHERE to_status = 'accepted'"
    assert await office.pool.fetchval(accepted) == 1

    async def come_back() -> bool:
        return bool(
            await office.pool.fetchval("SELECT count(*) FROM dispatch.returned_mail WHERE verdict <> ''")
        )

    await eventually(come_back)
    mail = await office.pool.fetchrow("SELECT * FROM dispatch.returned_mail")
    assert (mail["verdict"], mail["reason"], mail["content"]) == (verdict, reason, None)
    sms = ScriptedPort(Channel.SMS)
    await office.work(ScriptedPort(Channel.EMAIL), sms)
    assert len(sms.parcels) == 1
    assert (await office.decision(change))["channel"] == "sms"
    listed = await office.pool.fetch("SELECT * FROM dispatch.suppression")
    assert [(row["address"], row["until"] is not None) for row in listed] == (
        [] if rests is None else [(mailbox, rests)]
    )
    async with office.pool.acquire() as connection:
        assert (await ledger.add_up(connection)).adds_up
