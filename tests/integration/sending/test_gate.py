"""Senders that share a provider: its limits, its breaker, a pause; over sandbox servers and scripted ones."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from integration.sending.office import Office, ScriptedPort
from support.buses import eventually

from dispatcher.channels.base import Accepted, Blame, Misconfigured, Outcome, Parcel, Retry
from dispatcher.channels.sms import SmsChannel
from dispatcher.sending import pauses, provider_row
from dispatcher.sending.breaker import Report
from dispatcher.sending.gate import Gate, Gated, Permit, Shut
from dispatcher.sending.limits import Limits
from sandbox.faults import Refuse
from sandbox.smsaero import SmsAero
from shared.categories import Channel


class Watched(ScriptedPort):
    """Notes when each call began, in real time."""

    def __init__(self, log: list[float]) -> None:
        super().__init__(Channel.EMAIL)
        self._log = log

    async def send(self, parcel: Parcel) -> Outcome:
        self._log.append(asyncio.get_running_loop().time())
        return await super().send(parcel)


async def _composed(office: Office, letters: int) -> None:
    for number in range(letters):
        await office.family(str(number), email=f"a{number}@example.org")
        await office.tell(str(number))
    await office.compose()


async def _count(office: Office, status: str) -> int:
    found: int = await office.pool.fetchval("SELECT count(*) FROM dispatch.message WHERE status = $1", status)
    return found


def _all(office: Office, status: str, letters: int) -> Callable[[], Any]:
    async def reached() -> bool:
        return await _count(office, status) == letters

    return reached


async def _provider(office: Office, channel: Channel = Channel.EMAIL) -> asyncpg.Record:
    row = await office.pool.fetchrow("SELECT * FROM dispatch.provider WHERE channel = $1", channel.value)
    assert row is not None
    return row


async def test_two_senders_keep_one_limit_and_lose_nothing(office: Office) -> None:
    """Rate limits are shared by replicas; what is over the limit waits and is no attempt."""
    await _composed(office, 30)
    calls: list[float] = []
    one, other = Watched(calls), Watched(calls)
    ten = Limits(per_second=10, per_hour=1000)
    async with office.sending(one, limits=ten), office.sending(other, limits=ten):
        await eventually(_all(office, "accepted", 30))
    calls.sort()
    # What the database granted is held to by a property test; here the clock is this loop's, some ms off.
    assert all(last - first > 0.8 for first, last in zip(calls, calls[10:], strict=False))
    assert len(calls) == 30
    assert {row["attempts"] for row in await office.messages()} == {1}


async def test_an_hour_that_is_used_up_holds_everything_and_says_until_when(office: Office) -> None:
    await _composed(office, 6)
    port = ScriptedPort(Channel.EMAIL)
    async with office.sending(port, limits=Limits(per_second=100, per_hour=4)):
        await eventually(_all(office, "accepted", 4))
        await eventually(_all(office, "composed", 2))
    assert len(port.parcels) == 4
    waiting = [row for row in await office.messages() if row["status"] == "composed"]
    assert [row["attempts"] for row in waiting] == [0, 0]
    await office.pool.execute("UPDATE dispatch.provider SET hour_at = hour_at - 62")
    await office.pool.execute("UPDATE dispatch.message SET next_attempt_at = now()")
    async with office.sending(port, limits=Limits(per_second=100, per_hour=4)):
        await eventually(_all(office, "accepted", 6))


async def test_a_provider_that_is_away_is_left_alone_then_probed_with_one(office: Office) -> None:
    """While the breaker is open messages stay composed and burn no attempts."""
    await _composed(office, 12)
    away = Retry("smtp: no answer", blame=Blame.PROVIDER)
    port = ScriptedPort(Channel.EMAIL, [away] * 40)
    async with office.sending(port):
        await eventually(lambda: _is(office, "open"))
        before = len(port.parcels)
        assert before <= 12
        assert (await _provider(office))["reason"] == "smtp: no answer"
        await eventually(_all(office, "composed", 12))
        untried = [row for row in await office.messages() if row["reason"] != "smtp: no answer"]
        assert {row["attempts"] for row in untried} <= {0}
        # The time of the probe has come; it fails, so nobody else is sent.
        await _now(office)
        await eventually(lambda: _opened_again(office, 2))
        assert len(port.parcels) == before + 1
        port.script.clear()
        await _now(office)
        await eventually(lambda: _is(office, "closed"))
        await _now(office)
        await eventually(_all(office, "accepted", 12))


async def test_a_probe_that_called_nobody_is_handed_to_the_next(office: Office) -> None:
    """Its papers had changed at the last look: nobody waits a minute for it."""
    gate = Gate(office.pool, Channel.EMAIL, Limits(100, 1000))
    for _ in range(5):
        gate.heard(Retry("smtp: no answer", blame=Blame.PROVIDER), 0.01, probe=False)
    await gate.report()
    await _now(office)
    port = ScriptedPort(Channel.EMAIL, [Retry("papers_changed", blame=Blame.GATE)])
    gated = Gated(port, gate)
    parcel = Parcel(UUID(int=1), "a", ("a@example.org",), b"x")
    assert isinstance(await gated.send(parcel), Retry)
    await gate.report()
    assert isinstance(await gated.send(parcel), Accepted)
    await gate.report()
    assert await _is(office, "closed")


async def _is(office: Office, state: str) -> bool:
    return bool((await _provider(office))["state"] == state)


async def _opened_again(office: Office, times: int) -> bool:
    row = await _provider(office)
    return bool(row["openings"] == times and row["state"] == "open")


async def _now(office: Office) -> None:
    """As if the waits were over."""
    await office.pool.execute(
        "UPDATE dispatch.provider SET until = clock_timestamp() WHERE channel = 'email' AND state <> 'closed'"
    )
    await office.pool.execute("UPDATE dispatch.message SET next_attempt_at = now() WHERE status = 'composed'")


async def test_too_fast_slows_the_whole_provider(office: Office) -> None:
    """429 or 421: nobody calls until the provider's time is over, in any replica."""
    await _composed(office, 8)
    port = ScriptedPort(Channel.EMAIL, [Retry("smtp: 421", timedelta(minutes=2), blame=Blame.PACE)])
    narrow = Limits(per_second=1, per_hour=1000)
    async with office.sending(port, limits=narrow):
        await eventually(lambda: _held(office))
        until = (await _provider(office))["held_until"]
        assert timedelta(seconds=110) < until - datetime.now(UTC) <= timedelta(minutes=2)
        other = ScriptedPort(Channel.EMAIL)
        async with office.sending(other, limits=narrow):
            await eventually(_all(office, "composed", 8))
        assert len(port.parcels) + len(other.parcels) == 1


async def _held(office: Office) -> bool:
    return (await _provider(office))["held_until"] is not None


async def test_the_gateways_429_slows_everybody(office: Office) -> None:
    """SMS Aero's own 429 through the whole chain."""
    for number in range(3):
        await office.family(str(number), phone=f"+7916123456{number}")
        await office.tell(str(number), channel=Channel.SMS, mode="immediate", type="journal.attendance.set")
    await office.compose()
    async with SmsAero(advance_after=None) as gateway:
        gateway.faults.add(Refuse(429, "Too many requests"), on="send")
        port = SmsChannel(
            email=gateway.email, api_key=gateway.api_key, sign="Vestnik", url=gateway.url, timeout=3
        )
        async with office.sending(port, limits=Limits(1, 100)):
            await eventually(lambda: _sms_held(office))
            await eventually(_all(office, "composed", 3))
    assert gateway.messages == []


async def _sms_held(office: Office) -> bool:
    return (await _provider(office, Channel.SMS))["strikes"] == 1


async def test_pause_and_resume_are_audited_and_the_backlog_leaves_by_itself(office: Office) -> None:
    await _composed(office, 20)
    port = ScriptedPort(Channel.EMAIL)
    async with office.pool.acquire() as connection:
        assert await pauses.pause(connection, Channel.EMAIL, "moving the server", by="anna")
        assert not await pauses.pause(connection, Channel.EMAIL, "again", by="anna")
    async with office.sending(port):
        await asyncio.sleep(0.2)
        assert port.parcels == []
        async with office.pool.acquire() as connection, connection.transaction():
            assert await pauses.resume(connection, Channel.EMAIL, "moved", by="boris")
            assert not await pauses.resume(connection, Channel.EMAIL, "again", by="boris")
        await eventually(_all(office, "accepted", 20))
    said = await office.pool.fetch("SELECT actor, action, about, details FROM dispatch.audit ORDER BY id")
    assert [tuple(row.values()) for row in said] == [
        ("anna", "channel_paused", "email", {"reason": "moving the server"}),
        ("boris", "channel_resumed", "email", {"reason": "moved"}),
    ]


async def test_after_a_resume_one_message_goes_first(office: Office) -> None:
    """A password that is still wrong costs one attempt, not a hundred."""
    await _composed(office, 10)
    async with office.pool.acquire() as connection, connection.transaction():
        await pauses.pause(connection, Channel.EMAIL, "login refused", by="sender")
        await pauses.resume(connection, Channel.EMAIL, "mended", by="anna")
    port = ScriptedPort(Channel.EMAIL, [Misconfigured("login refused")] * 10)
    async with office.sending(port):
        await eventually(lambda: _paused(office))
    assert len(port.parcels) == 1
    assert await office.pool.fetchval("SELECT count(*) FROM dispatch.suppression") == 0


async def _paused(office: Office) -> bool:
    return bool(await office.pool.fetchval("SELECT EXISTS (SELECT FROM dispatch.channel_pause)"))


async def test_a_pause_stops_what_is_in_hand(office: Office) -> None:
    """Between the claim and the call."""
    gate = Gate(office.pool, Channel.EMAIL, Limits(10, 10))
    assert await gate.enter() == Permit()
    async with office.pool.acquire() as connection:
        await pauses.pause(connection, Channel.EMAIL, "stop", by="anna")
    answer = await gate.enter()
    assert isinstance(answer, Shut)
    assert answer.why == provider_row.PAUSED
    assert gate.room == 0


async def test_latencies_of_late_calls_are_kept(office: Office) -> None:
    gate = Gate(office.pool, Channel.EMAIL, Limits(1000, 100_000))
    for number in range(200):
        gate.heard(Accepted(), number / 1000, probe=False)
        if number % 20 == 19:
            await gate.report()
    kept = (await _provider(office))["latencies"]
    assert len(kept) == provider_row.LATENCIES
    assert max(kept) > 0.19
    assert min(kept) > 0.03


async def test_replicas_that_ask_at_once_are_granted_the_limit_and_all_heard(office: Office) -> None:
    """Nobody holds a lock across a reply: whoever wrote first counts for the others."""
    allowed = Limits(per_second=1000, per_hour=25)

    async def ask() -> int:
        async with office.pool.acquire() as connection:
            told = provider_row.Told(Report(answered=1), latencies=(0.01,))
            return (await provider_row.exchange(connection, Channel.EMAIL, allowed, 2, told)).granted

    granted = await asyncio.gather(*(ask() for _ in range(40)))
    row = await _provider(office)
    assert sum(granted) == sum(row["hour_counts"]) == 25
    assert len(row["latencies"]) == 40


async def test_who_comes_while_permits_are_drawn_gets_one_of_the_next(office: Office) -> None:
    gate = Gate(office.pool, Channel.EMAIL, Limits(per_second=1000, per_hour=100_000))

    async def come(number: int) -> Permit | Shut:
        for _ in range(number):  # each at another moment of the rounds
            await asyncio.sleep(0)
        return await gate.enter()

    assert set(await asyncio.gather(*(come(number) for number in range(200)))) == {Permit()}
