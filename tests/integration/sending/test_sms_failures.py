"""An SMS that failed after it was accepted: the next number, the next channel, at last paper (R-E5)."""

from datetime import timedelta
from typing import Any

import pytest
from integration.sending.office import Office, ScriptedPort
from integration.sending.test_polling import sms_port

from dispatcher.sending import receipts
from sandbox.sms import SmsStatus
from sandbox.smsaero import SmsAero
from shared.categories import Channel

MAMA, WORK = "+79161234567", "+79161234568"


async def _alert(office: Office, name: str = "1", **how: Any) -> Any:
    return await office.tell(
        name, channel=Channel.SMS, mode="immediate", type="journal.attendance.set", **how
    )


async def _hear(office: Office, gateway: SmsAero, status: SmsStatus) -> None:
    """The gateway's word on its last SMS, told three times."""
    for _ in range(3):
        assert await receipts.receive(office.pool, office.clock, str(gateway.messages[-1].id), status)


async def _suppressed(office: Office) -> list[tuple[str, bool]]:
    """Numbers nothing goes to now, and whether for good."""
    rows = await office.pool.fetch(
        """SELECT address, until IS NULL AS for_good FROM dispatch.suppression
           WHERE lifted_at IS NULL AND (until IS NULL OR until > now()) ORDER BY address"""
    )
    return [(row["address"], row["for_good"]) for row in rows]


async def _days_pass(office: Office, days: float) -> None:
    for column, table in (("said_at", "sms_attempt"), ("since", "suppression"), ("until", "suppression")):
        await office.pool.execute(
            f"UPDATE dispatch.{table} SET {column} = {column} - $1::interval", timedelta(days=days)
        )


async def test_a_phone_that_is_off_the_other_number_then_the_next_channel(office: Office) -> None:
    await office.family("1", phone=MAMA, email="anna@example.org")
    await office.admin.execute(
        """INSERT INTO consent.contact (school, guardian, channel, address, confirmed_at)
           VALUES ('s', 'g-1', 'sms', $1, '2026-09-02')""",
        WORK,
    )
    change = await _alert(office)
    email = ScriptedPort(Channel.EMAIL)
    async with SmsAero(advance_after=None) as gateway:
        await office.work(sms_port(gateway), email)
        await _hear(office, gateway, SmsStatus.UNDELIVERED)
        await office.work(sms_port(gateway), email)
        assert [f"+{sms.number}" for sms in gateway.messages] == [WORK, MAMA]
        # Late word of the number left behind is no word of the other.
        for status in (1, 2):
            await receipts.receive(office.pool, office.clock, str(gateway.messages[0].id), status)
        assert await office.statuses() == [("sms", "accepted")]
        await _hear(office, gateway, SmsStatus.UNDELIVERED)
        await office.work(sms_port(gateway), email)
        assert len(gateway.messages) == 2
    assert len(email.parcels) == 1
    assert (await office.decision(change))["channel"] == "email"
    assert await _suppressed(office) == [(MAMA, False), (WORK, False)]


async def test_without_another_way_it_goes_on_paper_and_the_phone_is_used_again(office: Office) -> None:
    await office.family("1", phone=MAMA)
    change = await _alert(office)
    async with SmsAero(advance_after=None) as gateway:
        await office.work(sms_port(gateway))
        await _hear(office, gateway, SmsStatus.UNDELIVERED)
        await office.work(sms_port(gateway))
        decision = await office.decision(change)
        assert (decision["verdict"], decision["reason"]) == ("paper", "unreachable")
        assert [one["kind"] for one in await office.outcomes()] == ["paper"]
        await _days_pass(office, 0.2)
        await _alert(office)
        await office.work(sms_port(gateway))
        assert len(gateway.messages) == 2


async def test_three_in_a_row_over_days_give_the_number_up(office: Office) -> None:
    await office.family("1", phone=MAMA)
    async with SmsAero(advance_after=None) as gateway:
        for n, expected in enumerate([False, False, True], start=1):
            await _alert(office)
            await office.work(sms_port(gateway))
            assert len(gateway.messages) == n
            await _hear(office, gateway, SmsStatus.UNDELIVERED)
            assert await _suppressed(office) == [(MAMA, expected)]
            await office.work(sms_port(gateway))  # on paper
            await _days_pass(office, 1.1)
        await _alert(office)
        await office.work(sms_port(gateway))
        assert len(gateway.messages) == 3
    row = await office.pool.fetchrow("SELECT reason, source FROM dispatch.suppression")
    assert tuple(row or ()) == ("sms: undelivered", "receipt")


async def test_a_delivery_between_them_begins_the_row_anew(office: Office) -> None:
    await office.family("1", phone=MAMA)
    ends = [SmsStatus.UNDELIVERED, SmsStatus.UNDELIVERED, SmsStatus.DELIVERED, SmsStatus.UNDELIVERED]
    async with SmsAero(advance_after=None) as gateway:
        for status in [*ends, SmsStatus.UNDELIVERED]:
            await _alert(office)
            await office.work(sms_port(gateway))
            await _hear(office, gateway, status)
            await office.work(sms_port(gateway))
            await _days_pass(office, 1.1)
        assert len(gateway.messages) == 5
        assert await office.pool.fetchval("SELECT until IS NOT NULL FROM dispatch.suppression")


async def test_a_rejected_text_goes_another_way_and_the_number_stays_good(office: Office) -> None:
    await office.family("1", phone=MAMA, email="anna@example.org")
    await office.admin.execute(
        """INSERT INTO consent.contact (school, guardian, channel, address, confirmed_at)
           VALUES ('s', 'g-1', 'sms', $1, '2026-09-02')""",
        WORK,
    )
    await _alert(office)
    email = ScriptedPort(Channel.EMAIL)
    async with SmsAero(advance_after=None) as gateway:
        await office.work(sms_port(gateway), email)
        await _hear(office, gateway, SmsStatus.REJECTED)
        await office.work(sms_port(gateway), email)
        assert (len(gateway.messages), len(email.parcels)) == (1, 1)
        assert await _suppressed(office) == []
        await _alert(office)
        await office.work(sms_port(gateway), email)
        assert len(gateway.messages) == 2


async def test_old_news_is_not_sent_again(office: Office) -> None:
    await office.family("1", phone=MAMA, email="anna@example.org")
    await _alert(office, expires_in=timedelta(hours=1))
    email = ScriptedPort(Channel.EMAIL)
    async with SmsAero(advance_after=None) as gateway:
        await office.work(sms_port(gateway), email)
        office.clock.at += timedelta(hours=2)
        await _hear(office, gateway, SmsStatus.UNDELIVERED)
        await office.sweeper().round()
        await office.work(sms_port(gateway), email)
    assert await office.statuses() == [("sms", "expired")]
    assert email.parcels == []


@pytest.mark.parametrize("status", [SmsStatus.UNDELIVERED, SmsStatus.REJECTED])
async def test_the_ledger_adds_up_whatever_comes_late(office: Office, status: SmsStatus) -> None:
    await office.family("1", phone=MAMA)
    await _alert(office)
    async with SmsAero(advance_after=None) as gateway:
        await office.work(sms_port(gateway))
        await _hear(office, gateway, status)
        await office.work(sms_port(gateway))
    (row,) = await office.pool.fetch("SELECT verdict, message FROM dispatch.decision")
    assert (row["verdict"], row["message"]) == ("paper", None)
