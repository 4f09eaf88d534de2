"""A message accepted and failed afterwards finds another way (R-E5); and the one suppression list."""

from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from integration.sending.office import Office, ScriptedPort

from dispatcher import ledger
from dispatcher.channels.base import Accepted, AddressFailed
from dispatcher.sending.cargo import suppressed
from dispatcher.sending.failures import Later, failed_later
from dispatcher.sending.suppression import RESTS, Source, Stop, lift, suppress
from shared.categories import Channel

ANNA = "anna@example.org"
FOREVER: timedelta | None = None


async def fail(
    office: Office,
    address: str | None = ANNA,
    *,
    attempt: str | None = None,
    rest: timedelta | None = FOREVER,
    message: UUID | None = None,
) -> Later:
    if message is None:
        message = (await office.messages())[0]["id"]
    async with office.pool.acquire() as connection, connection.transaction():
        return await failed_later(
            connection,
            message,
            address,
            "dsn: 5.1.1",
            Source.BOUNCE,
            office.clock,
            attempt=attempt,
            rest=rest,
        )


async def stands(office: Office, address: str = ANNA) -> bool:
    async with office.pool.acquire() as connection:
        return bool(await suppressed(connection, [("s", Channel.EMAIL, address)]))


async def test_the_next_address_the_next_channel_and_at_last_paper(office: Office) -> None:
    """R-E5: nobody is silently unreachable."""
    await office.family("1", email=ANNA, phone="+79161234567")
    await office.admin.execute(
        "INSERT INTO consent.contact (school, guardian, channel, address, confirmed_at)"
        " VALUES ('s', 'g-1', 'email', 'second@example.org', '2026-09-01')"
    )
    change = await office.tell("1")
    email, sms = ScriptedPort(Channel.EMAIL), ScriptedPort(Channel.SMS)
    await office.work(email, sms)
    first = email.parcels[0].addresses[0]
    assert await fail(office, first) is Later.MOVED_ON
    await office.work(email, sms)
    second = email.parcels[1].addresses[0]
    assert {first, second} == {ANNA, "second@example.org"}
    assert email.parcels[1].message == email.parcels[0].message  # and so the same Message-ID
    assert await fail(office, second) is Later.MOVED_ON
    await office.work(email, sms)
    (text,) = sms.parcels
    assert await fail(office, text.addresses[0], message=text.message) is Later.MOVED_ON
    await office.work(email, sms)
    decision = await office.decision(change)
    assert (decision["verdict"], decision["reason"]) == ("paper", "unreachable")
    assert [one["kind"] for one in await office.outcomes()][-1] == "paper"
    assert len(email.parcels) == 2
    assert len(sms.parcels) == 1


async def test_told_twice_it_moves_once(office: Office) -> None:
    await office.family("1", email=ANNA, phone="+79161234567")
    await office.tell("1")
    await office.work(ScriptedPort(Channel.EMAIL), on=[Channel.SMS])
    assert await fail(office) is Later.MOVED_ON
    assert await fail(office) is Later.NOTHING
    assert await fail(office, message=uuid4()) is Later.NOTHING


async def test_an_older_attempts_failure_leaves_the_newer_one_alone(office: Office) -> None:
    await office.family("1", email=ANNA)
    await office.tell("1")
    await office.work(ScriptedPort(Channel.EMAIL, [Accepted("attempt-2")]))
    assert await fail(office, None, attempt="attempt-1") is Later.NOTHING
    assert await office.statuses() == [("email", "accepted")]
    assert await fail(office, attempt="attempt-2") is Later.MOVED_ON


@pytest.mark.parametrize("status", ["sending", "unknown"])
async def test_a_failure_faster_than_the_settling_is_asked_again(office: Office, status: str) -> None:
    await office.family("1", email=ANNA)
    await office.tell("1")
    await office.compose()
    lease = ("lease = uuidv7(), lease_until = now()", "lease = NULL")[status == "unknown"]
    await office.pool.execute(f"UPDATE dispatch.message SET status = $1, {lease}", status)
    assert await fail(office) is Later.NOT_YET
    assert await stands(office)


async def test_a_good_address_is_spared_and_the_channel_left_for_this_message(office: Office) -> None:
    """R-E5: it also ends when every way was tried."""
    await office.family("1", email=ANNA, phone="+79161234567")
    change = await office.tell("1")
    email, sms = ScriptedPort(Channel.EMAIL), ScriptedPort(Channel.SMS)
    await office.work(email, sms)
    assert await fail(office, None) is Later.MOVED_ON
    assert not await stands(office)
    await office.work(email, sms)
    assert (len(email.parcels), len(sms.parcels)) == (1, 1)
    assert await fail(office, None, message=sms.parcels[0].message) is Later.MOVED_ON
    await office.work(email, sms)
    assert (await office.decision(change))["verdict"] == "paper"
    await office.tell("1")
    await office.work(email, sms)
    assert len(email.parcels) == 2  # the address is used for what comes later


async def test_what_expired_meanwhile_is_not_sent_again(office: Office) -> None:
    await office.family("1", email=ANNA, phone="+79161234567")
    await office.tell("1", expires_in=timedelta(days=1))
    email, sms = ScriptedPort(Channel.EMAIL), ScriptedPort(Channel.SMS)
    await office.work(email, sms)
    office.clock.at += timedelta(days=3)
    await fail(office)
    await office.work(email, sms)
    await office.sweeper().round()
    assert await office.statuses() == [("email", "expired")]
    assert sms.parcels == []


async def test_a_replaced_revision_is_not_told_any_more(office: Office) -> None:
    """R-A11: both letters bounced; only the newer value goes on, as news."""
    await office.family("1", email=ANNA, phone="+79161234567")
    email, sms = ScriptedPort(Channel.EMAIL), ScriptedPort(Channel.SMS)
    old = await office.tell("1", entity="mark/1", value="2")
    await office.work(email, sms)
    new = await office.tell("1", entity="mark/1", value="4", corrects=old)
    await office.work(email, sms)
    first, second = [row["id"] for row in await office.messages()]
    await fail(office, message=first)  # the newer letter may have arrived: «2» must not follow it
    await office.work(email, sms)
    assert (await office.decision(old))["cancelled_by"] == new
    assert sms.parcels == []
    await fail(office, message=second)
    await office.work(email, sms)
    (text,) = sms.parcels
    assert "справлен" not in text.content.decode()
    async with office.pool.acquire() as connection:
        assert (await ledger.add_up(connection)).adds_up


async def test_a_weekly_letter_that_failed_is_not_replaced_by_an_empty_one(office: Office) -> None:
    """R-B6"""
    await office.family("1", email=ANNA, form="weekly_email")
    change = await office.tell("1", mode="weekly")
    email = ScriptedPort(Channel.EMAIL)
    await office.work(email)
    assert await fail(office, None) is Later.MOVED_ON
    await office.work(email)
    assert len(email.parcels) == 1
    assert (await office.decision(change))["verdict"] == "paper"


async def test_an_empty_letter_that_failed_ends_so(office: Office) -> None:
    await office.family("1", email=ANNA, form="weekly_email")
    await office.pool.execute(
        """INSERT INTO dispatch.message (school, guardian, channel, kind, status, due_at)
           VALUES ('s', 'g-1', 'email', 'weekly', 'accepted', $1)""",
        office.clock.at,
    )
    assert await fail(office, None) is Later.FAILED
    (outcome,) = await office.outcomes()
    assert (outcome["status"], outcome["reason"]) == ("failed", "dsn: 5.1.1")


async def _until(connection: asyncpg.Connection) -> object:
    return await connection.fetchval("SELECT until FROM dispatch.suppression WHERE address = $1", ANNA)


async def test_a_full_mailbox_rests_and_the_third_rest_is_for_good(office: Office) -> None:
    stop = Stop("s", Channel.EMAIL, ANNA, "dsn: 5.2.2", Source.BOUNCE, timedelta(days=3))
    async with office.pool.acquire() as connection:
        for _ in range(RESTS - 1):
            assert await suppress(connection, [stop]) == 1
            assert await suppress(connection, [stop]) == 0  # many letters of one evening are one rest
            assert await stands(office)
            assert await _until(connection) is not None
            await office.admin.execute("UPDATE dispatch.suppression SET until = now() - interval '1 s'")
            assert not await stands(office)
        assert await suppress(connection, [stop]) == 1
        assert await _until(connection) is None
        assert await stands(office)


async def test_rests_far_apart_do_not_add_up(office: Office) -> None:
    stop = Stop("s", Channel.EMAIL, ANNA, "dsn: 5.2.2", Source.BOUNCE, timedelta(days=3))
    async with office.pool.acquire() as connection:
        for _ in range(RESTS + 1):
            await suppress(connection, [stop])
            assert await _until(connection) is not None
            await office.admin.execute(
                """UPDATE dispatch.suppression
                   SET until = now() - interval '1 s', since = now() - interval '61 d'"""
            )


async def test_for_good_outdoes_a_rest_and_is_not_weakened(office: Office) -> None:
    rest = Stop("s", Channel.EMAIL, ANNA, "dsn: 5.2.2", Source.BOUNCE, timedelta(days=3))
    gone = Stop("s", Channel.EMAIL, ANNA, "dsn: 5.1.1", Source.BOUNCE)
    async with office.pool.acquire() as connection:
        await suppress(connection, [rest])
        await suppress(connection, [gone])
        assert await _until(connection) is None
        await suppress(connection, [rest])
        assert await _until(connection) is None


async def test_only_a_person_lifts_it_and_a_new_address_inherits_nothing(office: Office) -> None:
    await office.family("1", email=ANNA)
    email = ScriptedPort(Channel.EMAIL, [AddressFailed("smtp: 550 5.1.1 at rcpt")])
    await office.tell("1")
    await office.work(email)
    assert await stands(office)
    assert not await stands(office, "new@example.org")
    async with office.pool.acquire() as connection, connection.transaction():
        given = {"school": "s", "channel": Channel.EMAIL, "address": ANNA, "actor": "secretary"}
        assert await lift(connection, **given)  # type: ignore[arg-type] # one shape for two calls
        assert not await lift(connection, **given)  # type: ignore[arg-type]
    assert not await stands(office)
    audit = await office.admin.fetchrow("SELECT * FROM dispatch.audit")
    assert (audit["actor"], audit["action"], audit["about"]) == ("secretary", "suppression.lifted", "g-1")
    assert ANNA not in str(dict(audit))
    await office.tell("1")
    await office.work(email)
    assert len(email.parcels) == 2


async def test_lifting_undoes_the_familys_own_stop(office: Office) -> None:
    await office.family("1", email=ANNA)
    await office.admin.execute(
        "UPDATE consent.contact SET stopped_at = now(), stopped_because = 'unsubscribed'"
    )
    async with office.pool.acquire() as connection, connection.transaction():
        assert await lift(connection, school="s", channel=Channel.EMAIL, address=ANNA, actor="secretary")
    email = ScriptedPort(Channel.EMAIL)
    await office.tell("1")
    await office.work(email)
    assert len(email.parcels) == 1
