"""Every answer of a channel, and what it leads to."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from integration.sending.office import Office, ScriptedPort

from dispatcher.channels.base import Accepted, MessageFailed, Misconfigured, Outcome, Parcel, Retry, Unknown
from dispatcher.sending.retry import Backoff
from dispatcher.sending.sender import Width
from shared.categories import Channel


async def _one(office: Office, port: ScriptedPort, **how: Any) -> UUID:
    await office.family("1", email="anna@example.org")
    change = await office.tell("1", **how)
    await office.work(port)
    return change


async def test_retry_waits_as_long_as_asked(office: Office) -> None:
    port = ScriptedPort(Channel.EMAIL, [Retry("busy", timedelta(minutes=10))])
    await _one(office, port)
    (message,) = await office.messages()
    assert (message["status"], message["reason"], message["attempts"]) == ("composed", "busy", 1)
    waits = message["next_attempt_at"] - datetime.now(UTC)
    assert timedelta(minutes=9) < waits < timedelta(minutes=11)
    await office.pool.execute("UPDATE dispatch.message SET next_attempt_at = now()")
    await office.work(port)
    assert await office.statuses() == [("email", "accepted")]
    first, second = port.parcels
    assert first.message == second.message


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(Retry("busy", timedelta(days=8)), "gave_up: busy"), (MessageFailed("too big"), "too big")],
)
@pytest.mark.parametrize("phone", ["+79161234567", None])
async def test_what_a_channel_will_not_carry_goes_over_the_next_one_or_on_paper(
    office: Office, answer: Outcome, reason: str, phone: str | None
) -> None:
    """R-E5; the address stays good. Nobody tries beyond the expiry."""
    await office.family("1", email="anna@example.org", phone=phone)
    change = await office.tell("1")
    email, sms = ScriptedPort(Channel.EMAIL, [answer]), ScriptedPort(Channel.SMS)
    await office.work(email, sms)
    assert await office.pool.fetchval("SELECT count(*) FROM dispatch.suppression") == 0
    assert (len(email.parcels), len(sms.parcels)) == (1, 1 if phone else 0)
    found = await office.decision(change)
    assert (found["verdict"], found["channel"]) == (("tell", "sms") if phone else ("paper", None))
    failed = await office.pool.fetch("SELECT reason FROM dispatch.message_history WHERE to_status = 'failed'")
    assert [row["reason"] for row in failed] == [reason]
    kinds = [(one["kind"], one.get("status")) for one in await office.outcomes()]
    assert ("message", "failed") not in kinds  # not the end of it
    assert (("paper", None) in kinds) is (phone is None)
    await office.tell("1")
    await office.work(email, sms)
    assert len(email.parcels) == 2  # what comes next is e-mail again


async def test_what_carries_nothing_ends_where_it_failed(office: Office) -> None:
    await office.family("1", email="anna@example.org")
    await office.tell("1")
    await office.compose()
    port = ScriptedPort(Channel.EMAIL)

    async def fail(_parcel: Parcel) -> Outcome:
        await office.pool.execute("UPDATE dispatch.decision SET cancelled_by = change")
        return MessageFailed("too big")

    port.script = [fail]
    await office.work(port)
    assert await office.statuses() == [("email", "failed")]
    assert [one["status"] for one in await office.outcomes()] == ["failed"]


async def test_a_wrong_password_pauses_the_channel_and_suppresses_nobody(office: Office) -> None:
    port = ScriptedPort(Channel.EMAIL, [Misconfigured("login refused")])
    await _one(office, port)
    assert await office.statuses() == [("email", "composed")]
    assert await office.pool.fetchval("SELECT count(*) FROM dispatch.suppression") == 0
    notices = await office.pool.fetchval("SELECT count(*) FROM dispatch.outbox WHERE topic = 'staff.notices'")
    assert notices == 1
    await office.work(port)
    assert len(port.parcels) == 1  # paused
    await office.pool.execute("DELETE FROM dispatch.channel_pause")
    await office.work(port)
    assert await office.statuses() == [("email", "accepted")]


async def test_an_unknown_letter_goes_again_under_its_name(office: Office) -> None:
    port = ScriptedPort(Channel.EMAIL, [Unknown("cut after the dot")])
    await _one(office, port)
    assert await office.statuses() == [("email", "unknown")]
    await office.sweeper().round()
    assert await office.statuses() == [("email", "unknown")]
    await office.pool.execute("UPDATE dispatch.message SET next_attempt_at = now()")
    await office.sweeper().round()
    await office.work(port)
    first, second = port.parcels
    name = f"<{first.message}@vestnik.example>".encode()
    assert name in first.content
    assert name in second.content


async def test_a_lease_that_ran_out_lets_another_send(office: Office) -> None:
    await office.family("1", email="anna@example.org")
    await office.tell("1")
    await office.compose()
    await office.pool.execute(
        """UPDATE dispatch.message
           SET status = 'sending', lease = uuidv7(), lease_until = now() - interval '1 s'"""
    )
    await office.sweeper().round()
    port = ScriptedPort(Channel.EMAIL)
    await office.work(port)
    assert await office.statuses() == [("email", "accepted")]


async def test_whoever_lost_the_lease_settles_nothing(office: Office) -> None:
    async def steal(_parcel: Parcel) -> Outcome:
        await office.pool.execute("UPDATE dispatch.message SET lease = uuidv7()")
        return Accepted()

    await office.family("1", email="anna@example.org")
    await office.tell("1")
    async with office.sending(ScriptedPort(Channel.EMAIL, [steal])) as sender:
        await office.compose()
        sender.wake()
        async with asyncio.timeout(5):
            while not await office.pool.fetchval("SELECT attempts FROM dispatch.message"):
                await asyncio.sleep(0.02)
    assert await office.statuses() == [("email", "sending")]


async def test_a_letter_that_cannot_be_written_stops_no_other(office: Office) -> None:
    for name in "123":
        await office.family(name, email=f"a{name}@example.org")
    await office.tell("1")
    broken = await office.tell("2", type="journal.attendance.set")
    await office.tell("3")
    await office.pool.execute(
        'UPDATE dispatch.change SET data = data || \'{"attendance": "nonsense"}\' WHERE change = $1', broken
    )
    port = ScriptedPort(Channel.EMAIL)
    await office.work(port, backoff=Backoff())
    assert sorted(status for _, status in await office.statuses()) == ["accepted", "accepted", "composed"]


async def test_two_senders_share_the_work_and_send_each_once(office: Office) -> None:
    for number in range(40):
        await office.family(str(number), email=f"a{number}@example.org")
        await office.tell(str(number))
    await office.compose()
    one, other = ScriptedPort(Channel.EMAIL), ScriptedPort(Channel.EMAIL)
    narrow = {Channel.EMAIL: Width(calls=2, hand=4)}
    async with office.sending(one, widths=narrow), office.sending(other, widths=narrow), asyncio.timeout(10):
        while len(one.parcels) + len(other.parcels) < 40:
            await asyncio.sleep(0.02)
    sent = [parcel.message for port in (one, other) for parcel in port.parcels]
    assert len(sent) == len(set(sent)) == 40
    assert one.parcels
    assert other.parcels


async def test_an_answer_that_cannot_be_written_holds_up_nobody(office: Office) -> None:
    """A gateway may say anything: what the database refuses of one message must not stop the others."""
    for name in ("1", "2", "3"):
        await office.family(name, email=f"a{name}@example.org")
        await office.tell(name)
    port = ScriptedPort(Channel.EMAIL, [Accepted(provider_id="nul\x00"), Accepted(), Accepted()])
    await office.compose()
    async with office.sending(port), asyncio.timeout(20):
        while sum(status == "accepted" for _, status in await office.statuses()) < 2:
            await asyncio.sleep(0.05)
    assert sorted(status for _, status in await office.statuses()) == ["accepted", "accepted", "sending"]
