"""SMS whose callbacks never come are asked about, politely and not for ever."""

import asyncio
from datetime import timedelta

from integration.sending.office import Office

from dispatcher.channels.sms import SmsChannel
from dispatcher.sending import receipts
from dispatcher.sending.polling import AT_ONCE, POLLS, Poller
from sandbox.faults import Garbage, Refuse
from sandbox.sms import SmsStatus
from sandbox.smsaero import SmsAero
from shared.categories import Channel


def sms_port(gateway: SmsAero) -> SmsChannel:
    return SmsChannel(
        email=gateway.email, api_key=gateway.api_key, sign="Vestnik", url=gateway.url, timeout=3
    )


async def _told(office: Office, gateway: SmsAero, *phones: str) -> None:
    for n, phone in enumerate(phones):
        await office.family(str(n), phone=phone)
        await office.tell(str(n), channel=Channel.SMS, mode="immediate", type="journal.attendance.set")
    await office.work(sms_port(gateway))


async def _ripen(office: Office, age: timedelta = timedelta(minutes=3)) -> None:
    await office.pool.execute(
        """UPDATE dispatch.sms_attempt SET settled_at = clock_timestamp() - $1::interval,
               poll_at = CASE WHEN poll_at IS NOT NULL THEN clock_timestamp() END""",
        age,
    )


async def _wait(office: Office) -> timedelta | None:
    row = await office.pool.fetchrow(
        "SELECT poll_at - clock_timestamp() AS wait FROM dispatch.sms_attempt ORDER BY id LIMIT 1"
    )
    assert row is not None
    wait: timedelta | None = row["wait"]
    return wait


async def test_no_callback_came_and_the_poll_tells(office: Office) -> None:
    async with SmsAero(advance_after=None) as gateway:
        await _told(office, gateway, "+79161234567", "+79161234568")
        first, other = sorted(gateway.messages, key=lambda sms: sms.number)
        port = sms_port(gateway)
        poller = Poller(office.pool, office.clock, statuses=port)
        await poller.round()
        assert await office.statuses() == [("sms", "accepted")] * 2  # two minutes are not over: nobody asked
        gateway.advance(first.id, SmsStatus.DELIVERED)
        gateway.advance(other.id, SmsStatus.WAIT)
        await poller.round()
        assert await office.statuses() == [("sms", "accepted")] * 2
        await _ripen(office)
        await poller.round()
        said = {row["provider_id"]: row["status"] for row in await office.messages()}
        assert said == {str(first.id): "delivered", str(other.id): "accepted"}
        assert [one["status"] for one in await office.outcomes()] == ["delivered"]
        rows = await office.pool.fetch("SELECT provider_id, said, poll_at FROM dispatch.sms_attempt")
        assert {row["provider_id"]: (row["said"], row["poll_at"] is None) for row in rows} == {
            str(first.id): (1, True),
            str(other.id): (4, False),
        }
        # The callback comes after all, again and again.
        for status in (3, 1, 2):
            assert await receipts.receive(office.pool, office.clock, str(first.id), status)
        assert len(await office.outcomes()) == 1
        await port.close()


async def test_numbers_nobody_knows_are_kept_and_end_nothing(office: Office) -> None:
    async with SmsAero(advance_after=None) as gateway:
        await _told(office, gateway, "+79161234567")
        (sms,) = gateway.messages
        for status in (5, 7, 41, 1000):
            assert await receipts.receive(office.pool, office.clock, str(sms.id), status)
            assert await office.pool.fetchval("SELECT said FROM dispatch.sms_attempt") == status
        assert await office.statuses() == [("sms", "accepted")]


async def test_a_silent_gateway_is_left_alone_for_a_minute(office: Office) -> None:
    async with SmsAero(advance_after=None) as gateway:
        await _told(office, gateway, "+79161234567", "+79161234568")
        port = sms_port(gateway)
        poller = Poller(office.pool, office.clock, statuses=port)
        for fault in (Refuse(503), Garbage(), Refuse(401), Refuse(429)):
            rule = gateway.faults.add(fault, on="status", times=5)
            await _ripen(office)
            await poller.round()
            assert rule.times == 4  # asked once, not once for each SMS
            wait = await _wait(office)
            assert wait is not None
            assert timedelta(seconds=50) < wait <= timedelta(minutes=1)
            gateway.faults.clear()
        assert await office.statuses() == [("sms", "accepted")] * 2
        await port.close()


async def test_one_sms_the_gateway_has_forgotten_holds_up_nobody(office: Office) -> None:
    async with SmsAero(advance_after=None) as gateway:
        await _told(office, gateway, "+79161234567", "+79161234568")
        forgotten, other = gateway.messages
        gateway.advance(other.id, SmsStatus.DELIVERED)
        del gateway.shelf.by_id[forgotten.id]
        await _ripen(office)
        port = sms_port(gateway)
        await Poller(office.pool, office.clock, statuses=port).round()
        await port.close()
    assert sorted(status for _, status in await office.statuses()) == ["accepted", "delivered"]


async def test_after_three_days_it_stays_accepted_and_is_noted(office: Office) -> None:
    async with SmsAero(advance_after=None) as gateway:
        await _told(office, gateway, "+79161234567")
        port = sms_port(gateway)
        poller = Poller(office.pool, office.clock, statuses=port)
        for age in POLLS[:-1]:
            await _ripen(office, age)
            await poller.round()
            wait = await _wait(office)
            assert wait is not None
            assert wait <= POLLS[-1]
        await _ripen(office, POLLS[-1])
        await poller.round()
        assert await _wait(office) is None
        (message,) = await office.messages()
        assert (message["status"], message["reason"]) == ("accepted", "no_receipt")
        # Late word is still taken.
        assert await receipts.receive(office.pool, office.clock, message["provider_id"], 1)
        assert await office.statuses() == [("sms", "delivered")]
        await port.close()


async def test_two_replicas_ask_about_each_once(office: Office) -> None:
    async with SmsAero(advance_after=None) as gateway:
        count = AT_ONCE + 5
        await _told(office, gateway, *(f"+791612345{n:02}" for n in range(count)))
        rule = gateway.faults.add(Refuse(404, "Message not found."), on="status", times=1000)
        await _ripen(office)
        ports = [sms_port(gateway), sms_port(gateway)]
        pollers = [Poller(office.pool, office.clock, statuses=port) for port in ports]
        await asyncio.gather(*(poller.round() for poller in pollers))
        assert rule.times == 1000 - count
        for port in ports:
            await port.close()
