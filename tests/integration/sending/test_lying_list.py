"""A gateway whose list hides what it accepted: unknown stays unknown, operators are told, nobody gets two."""

from datetime import timedelta

import orjson
import pytest
from integration.sending.office import Office
from integration.sending.test_polling import sms_port

from dispatcher.sending import attempts
from dispatcher.sending.list_trust import Trust, Truth
from dispatcher.sending.sweeper import Sweeper
from sandbox.faults import BreakAfterAccepting, BreakBeforeAccepting, Misbehaviour, Refuse
from sandbox.smsaero import SmsAero
from shared.categories import Channel

MAMA, PAPA = "+79161234567", "+79161234568"


async def _tell(office: Office, name: str, phone: str) -> None:
    await office.family(name, phone=phone)
    await office.tell(name, channel=Channel.SMS, mode="immediate", type="journal.attendance.set")


async def _ages(office: Office, seconds: int) -> None:
    """As if this much real time had passed."""
    await office.pool.execute(
        """UPDATE dispatch.sms_attempt SET started_at = started_at - $1::interval,
               settled_at = settled_at - $1::interval""",
        timedelta(seconds=seconds),
    )
    await office.pool.execute(
        "UPDATE dispatch.message SET next_attempt_at = clock_timestamp() WHERE status = 'unknown'"
    )


async def _notices(office: Office) -> list[str]:
    rows = await office.pool.fetch(
        "SELECT value FROM dispatch.outbox WHERE topic = 'staff.notices' ORDER BY xid, id"
    )
    return [orjson.loads(row["value"])["kind"] for row in rows]


async def _settle(office: Office, gateway: SmsAero, *, rounds: int = 4) -> None:
    port = sms_port(gateway)
    sweeper = Sweeper(office.pool, office.clock, budget=office.budget, lists=port, purse=port)
    for _ in range(rounds):
        await _ages(office, 30)
        await sweeper.round()
    await port.close()
    await office.work(sms_port(gateway))


@pytest.mark.parametrize("fault", [BreakAfterAccepting(), BreakBeforeAccepting()])
@pytest.mark.parametrize("listed", [True, False], ids=["lists", "lies"])
async def test_sms_twice_is_zero(office: Office, fault: Misbehaviour, *, listed: bool) -> None:
    """DESIGN §7: whether or not the gateway took it, with a list that tells the truth and one that lies."""
    async with SmsAero(advance_after=None, list_after=0.0 if listed else None) as gateway:
        await _tell(office, "1", MAMA)
        await office.work(sms_port(gateway))
        gateway.faults.add(fault, times=1)
        await _tell(office, "2", PAPA)
        await office.work(sms_port(gateway))
        await _settle(office, gateway)
        statuses = [status for _, status in await office.statuses()]
        accepted = isinstance(fault, BreakAfterAccepting)
        if listed:
            assert statuses == ["accepted", "accepted"]
            assert [f"+{sms.number}" for sms in gateway.messages] == [MAMA, PAPA]
            assert await _notices(office) == []
        else:
            assert statuses == ["accepted", "unknown"]
            assert len(gateway.messages) == 1 + accepted
            assert await _notices(office) == ["sms_list_lies"]  # once, however often it was asked


@pytest.mark.parametrize("listed", [True, False], ids=["lists", "lies"])
async def test_a_list_that_begins_to_lie_is_held_against_what_came_later(
    office: Office, *, listed: bool
) -> None:
    """What was accepted before the lie is still shown; what was accepted after the lost one is not."""
    async with SmsAero(advance_after=None, list_after=0.0) as gateway:
        await _tell(office, "1", MAMA)
        await office.work(sms_port(gateway))
        gateway.list_after = 0.0 if listed else None
        gateway.faults.add(BreakAfterAccepting() if not listed else BreakBeforeAccepting(), times=1)
        await _tell(office, "2", PAPA)
        await office.work(sms_port(gateway))
        await _settle(office, gateway, rounds=1)
        await _tell(office, "3", "+79161234569")  # a moment before the last ask
        await office.work(sms_port(gateway))
        await _settle(office, gateway)
        statuses = sorted(status for _, status in await office.statuses())
        assert statuses == ["accepted", "accepted", "accepted" if listed else "unknown"]
        assert len(gateway.messages) == 3
        assert await _notices(office) == ([] if listed else ["sms_list_lies"])


async def test_once_the_list_tells_the_truth_again_the_unknown_is_settled(office: Office) -> None:
    async with SmsAero(advance_after=None, list_after=None) as gateway:
        await _tell(office, "1", MAMA)
        await office.work(sms_port(gateway))
        gateway.faults.add(BreakAfterAccepting(), times=1)
        await _tell(office, "2", PAPA)
        await office.work(sms_port(gateway))
        await _settle(office, gateway)
        for sms in gateway.messages:
            sms.listed_at = 0.0
        await _settle(office, gateway, rounds=1)
        assert [status for _, status in await office.statuses()] == ["accepted", "accepted"]
        assert len(gateway.messages) == 2
        budget = await office.pool.fetchrow("SELECT segments, cost FROM dispatch.sms_budget")
        assert budget is not None
        assert budget["segments"] == sum(sms.segments for sms in gateway.messages)
        assert float(budget["cost"]) == pytest.approx(sum(sms.cost for sms in gateway.messages))


@pytest.mark.parametrize(
    ("fault", "trust"), [(BreakAfterAccepting(), Trust.LIES), (BreakBeforeAccepting(), Trust.BELIEVED)]
)
async def test_the_very_first_sms_and_a_list_that_lies(
    office: Office, fault: Misbehaviour, trust: Trust
) -> None:
    """Nothing to hold the list against but the money that went."""
    async with SmsAero(advance_after=None, list_after=None) as gateway:
        port = sms_port(gateway)
        truth = Truth(port, port)
        async with office.pool.acquire() as connection:
            await truth.begin(connection)
            gateway.faults.add(fault, times=1)
            await _tell(office, "1", MAMA)
            await office.work(sms_port(gateway))
            (message,) = await office.messages()
            attempt = (await attempts.newest(connection, [message["id"]]))[message["id"]]
            assert await attempts.control(connection) is None
            assert await truth.trust(None, attempt) is trust
            # Who looks into the purse only afterwards has learned nothing.
            late = Truth(port, port)
            await late.begin(connection)
            assert await late.trust(None, attempt) is Trust.BELIEVED
        await port.close()


async def test_a_list_that_cannot_be_read_is_another_matter(office: Office) -> None:
    async with SmsAero(advance_after=None) as gateway:
        await _tell(office, "1", MAMA)
        await office.work(sms_port(gateway))
        gateway.faults.add(BreakBeforeAccepting(), times=1)
        gateway.faults.add(Refuse(503), on="list")
        await _tell(office, "2", PAPA)
        await office.work(sms_port(gateway))
        await _settle(office, gateway)
        assert [status for _, status in await office.statuses()] == ["accepted", "unknown"]
        assert await _notices(office) == ["sms_list_unreachable"]
