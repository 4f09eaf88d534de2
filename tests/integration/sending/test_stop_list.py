"""STOP by SMS: whoever is on the gateway's black list is stopped by their own word (ADR 9)."""

from integration.sending.office import Office, ScriptedPort
from integration.sending.test_polling import sms_port

from dispatcher.sending.stop_list import StopReader
from dispatcher.sending.unsubscribe import read, stop
from dispatcher.texts.links import Purpose
from sandbox.faults import Garbage, Refuse
from sandbox.smsaero import SmsAero
from shared.categories import Channel

MAMA, PAPA = "+79161234567", "+79161234568"


async def _stopped(office: Office) -> list[tuple[str, str]]:
    rows = await office.pool.fetch(
        "SELECT address, stopped_because FROM consent.contact WHERE stopped_at IS NOT NULL ORDER BY 1"
    )
    return [(row["address"], row["stopped_because"]) for row in rows]


async def test_who_asked_the_gateway_for_silence_is_told_another_way(office: Office) -> None:
    await office.family("1", phone=MAMA, email="anna@example.org")
    await office.family("2", phone=PAPA)
    async with SmsAero(advance_after=None) as gateway:
        gateway.page_size = 1
        gateway.blacklist = ["79990000000", "79161234567", "79990000001"]
        port = sms_port(gateway)
        reader = StopReader(port)
        async with office.pool.acquire() as connection:
            for _ in range(2):
                assert await reader.round(connection)
        assert await _stopped(office) == [(MAMA, "stop")]
        assert await office.pool.fetchval("SELECT value FROM consent.epoch WHERE school = 's'") == 1
        assert await office.pool.fetch("SELECT address, source FROM dispatch.suppression") == [(MAMA, "stop")]
        for name in ("1", "2"):
            await office.tell(name, channel=Channel.SMS, mode="immediate", type="journal.attendance.set")
        email = ScriptedPort(Channel.EMAIL)
        await office.work(sms_port(gateway), email)
        assert [f"+{sms.number}" for sms in gateway.messages] == [PAPA]
        assert len(email.parcels) == 1
        await port.close()


async def test_a_list_that_cannot_be_read_stops_nobody(office: Office) -> None:
    await office.family("1", phone=MAMA)
    async with SmsAero() as gateway:
        gateway.blacklist = ["79161234567", "79990000000"]
        gateway.page_size = 1
        port = sms_port(gateway)
        async with office.pool.acquire() as connection:
            for fault in (Refuse(401), Refuse(503), Garbage()):
                gateway.faults.add(fault, on="blacklist/list")
                assert not await StopReader(port).round(connection)
                gateway.faults.clear()
        assert await _stopped(office) == []
        await port.close()


async def test_a_signed_link_stops_whatever_address_it_was_made_for(office: Office) -> None:
    await office.family("1", phone=MAMA, email="anna@example.org")
    links = office.renderer.links
    claim = read(links, links.token(Purpose.UNSUBSCRIBE, "s", "g-1", MAMA), Purpose.UNSUBSCRIBE)
    assert claim is not None
    async with office.pool.acquire() as connection, connection.transaction():
        assert await stop(connection, links, claim)
        assert not await stop(connection, links, claim)
    assert await _stopped(office) == [(MAMA, "unsubscribed")]
    rows = await office.pool.fetch("SELECT channel, address, source FROM dispatch.suppression")
    assert [tuple(row) for row in rows] == [("sms", MAMA, "unsubscribed")]
