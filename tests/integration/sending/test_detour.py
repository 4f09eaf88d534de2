"""A channel that stays down makes no family late if there is another way (R-B10)."""

from datetime import timedelta

import orjson
from integration.sending.office import Office, ScriptedPort

from dispatcher.sending import pauses
from dispatcher.sending.detour import DEADLINE_WITHIN, Detour
from dispatcher.sending.prepare import Preparer
from shared.categories import Channel

EVERY = frozenset({Channel.EMAIL, Channel.SMS, Channel.PUSH})
PHONE = "+79161234567"


def _detour(office: Office) -> Detour:
    return Detour(
        office.pool,
        office.clock,
        on=EVERY,
        make_preparer=lambda up: Preparer(
            office.clock, profile_of=office.profile_of, budget=office.budget, channels=up
        ),
    )


async def _down(office: Office, channel: Channel, minutes: int) -> None:
    async with office.pool.acquire() as connection:
        await pauses.pause(connection, channel, "the server moves", by="anna")
    await office.admin.execute(
        "UPDATE dispatch.channel_pause SET since = clock_timestamp() - $1::interval",
        timedelta(minutes=minutes),
    )


async def _aged(office: Office, minutes: int) -> None:
    await office.admin.execute(
        "UPDATE dispatch.message SET composed_at = clock_timestamp() - $1::interval",
        timedelta(minutes=minutes),
    )


async def _alert(office: Office, name: str, **addresses: str) -> None:
    await office.family(name, **addresses)
    await office.tell(name, channel=Channel.SMS, mode="immediate", type="journal.attendance.set")


async def test_an_alert_that_waited_an_hour_takes_the_next_channel(office: Office) -> None:
    """R-B2: wait for the wished channel first, then not for ever."""
    await _alert(office, "1", phone=PHONE, email="anna@example.org")
    await office.compose()
    await _down(office, Channel.SMS, minutes=70)
    await _aged(office, 50)
    assert await _detour(office).round() == 0
    await _aged(office, 61)
    assert await _detour(office).round() == 1
    port = ScriptedPort(Channel.EMAIL)
    await office.work(port, on=list(EVERY))
    assert len(port.parcels) == 1
    assert ("email", "accepted") in await office.statuses()


async def test_without_another_way_it_waits_and_is_not_given_up(office: Office) -> None:
    """An outage moves nobody to paper: that would come later still."""
    await _alert(office, "1", phone=PHONE)
    await office.compose()
    await _down(office, Channel.SMS, minutes=70)
    await _aged(office, 61)
    assert await _detour(office).round() == 0
    assert await office.statuses() == [("sms", "composed")]
    assert await office.pool.fetchval("SELECT count(*) FROM dispatch.message_history") == 0
    async with office.pool.acquire() as connection, connection.transaction():
        await pauses.resume(connection, Channel.SMS, "done", by="anna")
    port = ScriptedPort(Channel.SMS)
    await office.work(port)
    assert await office.statuses() == [("sms", "accepted")]


async def test_a_digest_goes_round_when_its_deadline_is_near(office: Office) -> None:
    await office.family("1", email="anna@example.org", phone=PHONE)
    await office.tell("1")  # the deadline is in a day
    await office.compose()
    await _down(office, Channel.EMAIL, minutes=70)
    await _aged(office, 60 * 20)
    assert await _detour(office).round() == 0
    office.clock.at += timedelta(days=1) - DEADLINE_WITHIN + timedelta(minutes=1)
    assert await _detour(office).round() == 1


async def test_a_short_pause_moves_nobody(office: Office) -> None:
    await _alert(office, "1", phone=PHONE, email="anna@example.org")
    await office.compose()
    await _aged(office, 61)
    await _down(office, Channel.SMS, minutes=9)
    assert await _detour(office).round() == 0


async def test_operators_hear_once_of_an_outage(office: Office) -> None:
    await office.admin.execute(
        """UPDATE dispatch.provider SET state = 'open', openings = 3, until = clock_timestamp(),
               reason = 'smtp: no answer', since = clock_timestamp() - interval '6 minutes'
           WHERE channel = 'email'"""
    )
    for _ in range(2):
        await _detour(office).round()
    rows = await office.pool.fetch("SELECT value FROM dispatch.outbox WHERE topic = 'staff.notices'")
    (said,) = [orjson.loads(row["value"]) for row in rows]
    assert (said["kind"], said["channel"], said["reason"]) == ("provider_away", "email", "smtp: no answer")
