"""No SMS is sent twice, and none is lost, whatever the gateway does (DESIGN §7)."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from integration.sending.office import Office, ScriptedPort

from dispatcher.channels.base import Unknown
from dispatcher.channels.sms import SmsChannel
from dispatcher.channels.smsaero_client import Found, ListUnavailable
from dispatcher.messages import Status
from dispatcher.sending import receipts
from sandbox.faults import BreakAfterAccepting, BreakBeforeAccepting
from sandbox.smsaero import SmsAero
from shared.categories import Channel

PHONE = "+79161234567"


def _sms(gateway: SmsAero) -> SmsChannel:
    return SmsChannel(
        email=gateway.email, api_key=gateway.api_key, sign="Vestnik", url=gateway.url, timeout=3
    )


async def _alert(office: Office, name: str = "1") -> UUID:
    await office.family(name, phone=PHONE)
    return await office.tell(name, channel=Channel.SMS, mode="immediate", type="journal.attendance.set")


async def _age(office: Office, seconds: int) -> None:
    """As if this much real time had passed for what is unknown."""
    await office.pool.execute(
        "UPDATE dispatch.sms_attempt SET started_at = started_at - $1::interval WHERE settled_at IS NULL",
        timedelta(seconds=seconds),
    )
    await office.pool.execute(
        "UPDATE dispatch.message SET next_attempt_at = clock_timestamp() WHERE status = 'unknown'"
    )


class Listing:
    """The gateway's list as the test says it, or unreachable when None."""

    def __init__(self, rows: list[Found] | None) -> None:
        self.rows = rows
        self.asked = 0

    async def find(self, number: str, text: str, since: datetime) -> list[Found]:  # noqa: ARG002
        self.asked += 1
        if self.rows is None:
            raise ListUnavailable("down")
        return [row for row in self.rows if row.created_at >= since]


def _row(provider_id: str, *, ago: float = 0.0) -> Found:
    return Found(provider_id, 0, 5.49, datetime.now(UTC) - timedelta(seconds=ago))


async def test_accepted_then_delivered_by_a_receipt_that_may_come_twice(office: Office) -> None:
    await _alert(office)
    async with SmsAero(advance_after=None) as gateway:
        await office.work(_sms(gateway))
        (sms,) = gateway.messages
    (message,) = await office.messages()
    assert (message["status"], message["provider_id"]) == ("accepted", str(sms.id))
    assert await office.outcomes() == []
    budget = await office.pool.fetchrow("SELECT * FROM dispatch.sms_budget")
    assert (budget["segments"], float(budget["cost"])) == (sms.segments, sms.cost)
    for status in (1, 1, 2, 6, 3):
        assert await receipts.receive(office.pool, office.clock, str(sms.id), status)
    assert [status for _, status in await office.statuses()] == ["delivered"]
    assert [one["status"] for one in await office.outcomes()] == ["delivered"]


async def test_lost_answer_is_found_in_the_list_and_not_sent_again(office: Office) -> None:
    await _alert(office)
    async with SmsAero() as gateway:
        gateway.faults.add(BreakAfterAccepting(), times=1)
        channel = _sms(gateway)
        await office.work(channel)
        assert await office.statuses() == [("sms", "unknown")]
        channel = _sms(gateway)
        await _age(office, 5)
        await office.sweeper(channel).round()
        await channel.close()
        assert len(gateway.messages) == 1
        (message,) = await office.messages()
        assert (message["status"], message["provider_id"]) == ("accepted", str(gateway.messages[0].id))


async def test_what_the_gateway_never_took_is_sent_after_the_last_ask(office: Office) -> None:
    await _alert(office)
    async with SmsAero() as gateway:
        gateway.faults.add(BreakBeforeAccepting(), times=1)
        await office.work(_sms(gateway))
        lists = _sms(gateway)
        for _ in range(2):
            await _age(office, 10)
            await office.sweeper(lists).round()
            assert await office.statuses() == [("sms", "unknown")]
        await _age(office, 60)
        await office.sweeper(lists).round()
        assert await office.statuses() == [("sms", "composed")]
        await lists.close()
        await office.work(_sms(gateway))
        assert len(gateway.messages) == 1
    assert await office.statuses() == [("sms", "accepted")]


async def test_no_conclusion_while_the_list_is_out_of_reach(office: Office) -> None:
    await _alert(office)
    await office.work(ScriptedPort(Channel.SMS, [Unknown("no answer")]))
    sweeper = office.sweeper(Listing(None))
    for _ in range(3):
        await _age(office, 100)
        await sweeper.round()
    assert await office.statuses() == [("sms", "unknown")]
    assert (
        await office.pool.fetchval("SELECT count(*) FROM dispatch.outbox WHERE topic = 'staff.notices'") == 1
    )


async def test_rows_of_others_and_older_ones_are_left_alone(office: Office) -> None:
    await _alert(office)
    port = ScriptedPort(Channel.SMS)
    await office.work(port)
    (first,) = await office.messages()
    await office.family("2", phone=PHONE)
    await office.tell("2", channel=Channel.SMS, mode="immediate", type="journal.attendance.set")
    port = ScriptedPort(Channel.SMS, [Unknown("no answer")])
    await office.work(port)
    lists = Listing([_row(first["provider_id"]), _row("ancient", ago=3600)])
    await _age(office, 30)
    await office.sweeper(lists).round()
    assert [status for _, status in await office.statuses()] == ["accepted", "unknown"]
    lists.rows.append(_row("mine"))
    await _age(office, 5)
    await office.sweeper(lists).round()
    assert [row["provider_id"] for row in await office.messages()] == [first["provider_id"], "mine"]


async def test_equal_sms_to_one_number_go_one_at_a_time(office: Office) -> None:
    """Parents of twins: the same words to the same number."""
    await _alert(office, "1")
    await office.family("2", phone=PHONE)
    await office.tell("2", channel=Channel.SMS, mode="immediate", type="journal.attendance.set")
    port = ScriptedPort(Channel.SMS, [Unknown("no answer")])
    await office.work(port)
    assert len(port.parcels) == 1
    assert sorted(status for _, status in await office.statuses()) == ["composed", "unknown"]


async def test_a_crash_before_the_request_sends_and_after_it_asks(office: Office) -> None:
    await _alert(office)
    await office.compose()
    await office.pool.execute(
        """UPDATE dispatch.message
           SET status = 'sending', lease = uuidv7(), lease_until = now() - interval '1 s'"""
    )
    lists = Listing([])
    await office.sweeper(lists).round()
    assert lists.asked == 0
    assert await office.statuses() == [("sms", "composed")]


async def test_a_crash_after_the_request_finds_it_in_the_list(office: Office) -> None:
    """The process dies while the gateway answers."""
    await _alert(office)
    port = ScriptedPort(Channel.SMS)
    await office.work(port)
    await office.pool.execute(
        """UPDATE dispatch.sms_attempt SET settled_at = NULL, outcome = NULL, provider_id = NULL;
           UPDATE dispatch.message SET status = 'sending', provider_id = NULL, lease = uuidv7(),
               lease_until = now() - interval '1 s'"""
    )
    await office.sweeper(Listing([_row("taken")])).round()
    (message,) = await office.messages()
    assert (message["status"], message["provider_id"]) == ("accepted", "taken")
    await office.work(port)
    assert len(port.parcels) == 1


async def test_money_spent_means_another_way(office: Office) -> None:
    """R-C9"""
    await office.family("1", phone=PHONE, email="anna@example.org")
    change = await office.tell("1", channel=Channel.SMS, mode="immediate", type="journal.attendance.set")
    await office.pool.execute("INSERT INTO dispatch.sms_budget VALUES ('s', '2026-11-01', 20000, 100000)")
    sms, email = ScriptedPort(Channel.SMS), ScriptedPort(Channel.EMAIL)
    await office.work(sms, email)
    assert (len(sms.parcels), len(email.parcels)) == (0, 1)
    assert (await office.decision(change))["channel"] == "email"


async def test_quiet_hours_hold_an_sms_that_was_late(office: Office) -> None:
    await _alert(office)
    office.clock.at = office.clock.at.replace(hour=19)  # 22:00 in Moscow
    port = ScriptedPort(Channel.SMS)
    await office.work(port)
    assert port.parcels == []
    (message,) = await office.messages()
    assert (message["status"], message["reason"]) == (Status.COMPOSED, "quiet_hours")
    assert message["due_at"] == office.clock.at + timedelta(hours=10)
    office.clock.at += timedelta(hours=10)
    await office.work(port)
    assert len(port.parcels) == 1, "in the morning, without anybody's help"
