"""Operators' levers on real messages (R-D2, R-D5): replay, cancel, another channel."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from integration.sending.office import EVERYTHING, Office, ScriptedPort

from dispatcher import ledger
from dispatcher.messages import Move, Status, move
from dispatcher.operating import cancel, replay
from dispatcher.operating.reroute import ChannelClosed, Kept, Rerouting
from dispatcher.reconcile import check
from dispatcher.sending.claims import claim
from shared.categories import Channel
from shared.deed import Deed, ReasonMissing

from .conftest import Lines

OPERATOR = Deed("s/op", "семья просила", "s")
NEIGHBOUR = Deed("z/op", "не моё", "z")


async def failed(office: Office) -> UUID:
    """A letter that failed, and for which no other way was looked for."""
    await office.family("1", email="a@example.org", phone="79160000001")
    await office.tell("1", mode="immediate")
    await office.compose()
    async with office.pool.acquire() as connection:
        (held,) = await claim(
            connection, channel=Channel.EMAIL, school_now=office.clock.at, limit=1, lease=uuid4(), actor="x"
        )
        await move(connection, [Move(held.message, Status.FAILED, reason="smtp: 554")], actor="x")
    (message,) = await office.messages()
    assert message["status"] == "failed"
    found: UUID = message["id"]
    return found


async def test_what_failed_is_sent_again_and_the_reason_is_kept(office: Office, audit: Lines) -> None:
    message = await failed(office)
    async with office.pool.acquire() as connection:
        done = await replay.replay(connection, [message], OPERATOR, now=office.clock.at)
    assert done.replayed == (message,)
    port = ScriptedPort(Channel.EMAIL)
    await office.work(port)
    assert await office.statuses() == [("email", "accepted")]
    assert len(port.parcels) == 1
    ((actor, action, details),) = await audit()
    assert (actor, action, details["reason"]) == ("s/op", "message.replayed", "семья просила")


async def test_replay_checks_the_papers_again(office: Office) -> None:
    """R-C5: a consent withdrawn meanwhile stops it."""
    message = await failed(office)
    await office.withdraw("1")
    async with office.pool.acquire() as connection:
        await replay.replay(connection, [message], OPERATOR, now=office.clock.at)
    port = ScriptedPort(Channel.EMAIL)
    await office.work(port, ScriptedPort(Channel.SMS))
    assert port.parcels == []
    assert await office.statuses() == [("email", "cancelled")]


async def test_what_lost_its_sense_does_not_come_back(office: Office) -> None:
    message = await failed(office)
    async with office.pool.acquire() as connection:
        done = await replay.replay(connection, [message], OPERATOR, now=office.clock.at + timedelta(days=8))
        assert (done.replayed, done.too_late) == ((), (message,))
        assert (await replay.replay(connection, [uuid4()], OPERATOR, now=office.clock.at)).replayed == ()
    assert await office.statuses() == [("email", "failed")]


async def test_a_lever_without_a_reason_does_nothing() -> None:
    for reason in ("", "  ", "да", "я" * 501):
        with pytest.raises(ReasonMissing):
            Deed("s/op", reason)


async def test_a_neighbour_school_cannot_touch_it(office: Office, audit: Lines) -> None:
    """R-D1: an operator's levers end at the school's fence."""
    message = await failed(office)
    change = await office.pool.fetchval("SELECT change FROM dispatch.change")
    async with office.pool.acquire() as connection:
        done = await replay.replay(connection, [message], NEIGHBOUR, now=office.clock.at)
        assert done.not_failed == (message,)
        gone = await cancel.cancel_messages(connection, [message], NEIGHBOUR, now=office.clock.at)
        assert gone.ended == (message,)
        with pytest.raises(cancel.NoSuchChange):
            await cancel.stop_change(connection, change, NEIGHBOUR, now=office.clock.at)
    assert await office.statuses() == [("email", "failed")]
    assert await audit() == []


async def test_a_cancelled_message_is_not_sent(office: Office, audit: Lines) -> None:
    await office.family("1", email="a@example.org")
    await office.tell("1", mode="immediate")
    await office.compose()
    (message,) = await office.messages()
    async with office.pool.acquire() as connection:
        done = await cancel.cancel_messages(connection, [message["id"]], OPERATOR, now=office.clock.at)
        assert done.cancelled == (message["id"],)
        again = await cancel.cancel_messages(connection, [message["id"]], OPERATOR, now=office.clock.at)
        assert again.ended == (message["id"],)
    port = ScriptedPort(Channel.EMAIL)
    await office.work(port)
    assert port.parcels == []
    async with office.pool.acquire() as connection:
        assert (await ledger.add_up(connection)).cancelled == 1
        assert await check(connection) == []
    assert [one["status"] for one in await office.outcomes()] == ["cancelled"]
    assert [line[1] for line in await audit()] == ["message.cancelled"]


async def test_an_announcement_is_stopped_and_the_digest_goes_on(office: Office, audit: Lines) -> None:
    """R-D5: composed, not composed yet and failed alike; who has it is counted; the rest is told."""
    for name in "1234":
        await office.family(name, email=f"a{name}@example.org")
    news = await office.tell("1", value="2")
    mark = await office.tell("1", value="5")
    for name in "234":
        await office.pool.execute(
            """INSERT INTO dispatch.decision (change, school, guardian, pupils, category, verdict, channel,
                   mode, due_at, deadline, expires_at)
               SELECT change, school, 'g-' || $2::text, ARRAY['p-' || $2::text], category, verdict, channel,
                   mode, due_at, deadline, expires_at FROM dispatch.decision
               WHERE change = $1 AND guardian = 'g-1'""",
            news,
            name,
        )
    await office.pool.execute(
        "UPDATE dispatch.decision SET due_at = due_at + interval '1 day' WHERE guardian = 'g-3'"
    )
    await office.compose()
    await office.pool.execute(
        """UPDATE dispatch.message SET next_attempt_at = now() + interval '1 hour'
           WHERE guardian IN ('g-1', 'g-2')"""
    )
    await office.work(ScriptedPort(Channel.EMAIL))  # only the fourth family is told
    async with office.pool.acquire() as connection:
        done = await cancel.stop_change(connection, news, OPERATOR, now=office.clock.at)
    assert (done.stopped, done.told, done.on_paper) == (3, 1, 0)
    await office.pool.execute("UPDATE dispatch.message SET next_attempt_at = now() WHERE status = 'composed'")
    office.clock.at += timedelta(days=2)
    port = ScriptedPort(Channel.EMAIL)
    await office.work(port)
    assert [parcel.addresses for parcel in port.parcels] == [("a1@example.org",)]
    assert (await office.outcomes())[-1]["changes"] == [str(mark)]
    async with office.pool.acquire() as connection:
        total = await ledger.add_up(connection)
        assert (total.cancelled, total.accepted, total.pending) == (3, 2, 0)
        assert await check(connection) == []
    ((_, action, details),) = await audit()
    assert (action, details["guardians"], details["told"]) == ("change.stopped", 3, 1)


async def test_a_stopped_alert_leaves_the_day_free(office: Office) -> None:
    """R-B2: an alert nobody got was not given; the next absence of the day may alert."""
    await office.family("1", email="a@example.org")
    change = await office.tell("1", mode="immediate", type="journal.attendance.set")
    await office.pool.execute(
        """INSERT INTO dispatch.absence_alert (school, guardian, pupil, day, kind, change)
           VALUES ('s', 'g-1', 'p-1', '2026-11-24', 'absence', $1)""",
        change,
    )
    async with office.pool.acquire() as connection:
        await cancel.stop_change(connection, change, OPERATOR, now=office.clock.at)
    assert await office.pool.fetchval("SELECT count(*) FROM dispatch.absence_alert") == 0


def rerouting(office: Office) -> Rerouting:
    on = frozenset({Channel.EMAIL, Channel.SMS})
    return Rerouting(office.clock, profile_of=office.profile_of, budget=office.budget, on=on)


async def reroute(office: Office, to: Channel = Channel.SMS, deed: Deed = OPERATOR) -> tuple[int, object]:
    async with office.pool.acquire() as connection:
        done = await rerouting(office).reroute(connection, school="s", guardian="g-1", to=to, deed=deed)
    return done.moved, dict(done.kept)


async def test_a_family_is_told_another_way_now(office: Office, audit: Lines) -> None:
    """What failed, what waits and what is not composed yet leaves over SMS; the wish of later stays."""
    await failed(office)
    await office.tell("1", mode="immediate")
    await office.compose()
    await office.tell("1", mode="immediate")
    assert await reroute(office) == (3, {})
    sms, email = ScriptedPort(Channel.SMS), ScriptedPort(Channel.EMAIL)
    await office.work(sms, email)
    assert email.parcels == []
    assert len(sms.parcels) == 1
    assert sorted(await office.statuses()) == [
        ("email", "cancelled"),
        ("email", "failed"),
        ("sms", "accepted"),
    ]
    told = await office.pool.fetch(
        "SELECT m.status FROM dispatch.decision d JOIN dispatch.message m ON m.id = d.message"
    )
    assert [row["status"] for row in told] == ["accepted"] * 3
    assert await office.pool.fetchval("SELECT count(*) FROM consent.preference") == 0
    async with office.pool.acquire() as connection:
        assert await check(connection) == []
    ((_, action, details),) = await audit()
    assert (action, details["to"], len(details["changes"])) == ("family.rerouted", "sms", 3)


async def test_papers_that_do_not_open_the_channel_keep_it_shut(office: Office) -> None:
    """R-C4: without item 6.8 nothing goes by SMS, whoever asks."""
    await office.family("1", email="a@example.org", phone="79160000001", items=EVERYTHING.replace("6.8 ", ""))
    await office.tell("1", mode="immediate")
    assert await reroute(office) == (0, {Kept.NOT_ALLOWED: 1})
    await office.work(ScriptedPort(Channel.EMAIL), ScriptedPort(Channel.SMS))
    assert await office.statuses() == [("email", "accepted")]


async def test_a_channel_without_an_address_is_refused(office: Office) -> None:
    await office.family("1", email="a@example.org")
    await office.tell("1", mode="immediate")
    with pytest.raises(ChannelClosed):
        await reroute(office)
    with pytest.raises(ChannelClosed):
        await reroute(office, Channel.PUSH)


async def test_quiet_hours_hold_an_sms_that_was_a_letter(office: Office) -> None:
    await office.family("1", email="a@example.org", phone="79160000001")
    change = await office.tell("1", mode="immediate")
    office.clock.at += timedelta(hours=11)  # 23:00 in Moscow
    await reroute(office)
    assert (await office.decision(change))["due_at"] == office.clock.at + timedelta(hours=9)


async def test_two_operators_at_once_do_it_once(office: Office, audit: Lines) -> None:
    """Replaying and cancelling together, twice each: one of them wins, and the audit says who."""
    message = await failed(office)
    change = await office.pool.fetchval("SELECT change FROM dispatch.change")

    async def pull(who: str) -> None:
        deed = Deed(who, "вдвоём", "s")
        async with office.pool.acquire() as connection:
            await replay.replay(connection, [message], deed, now=office.clock.at)
        async with office.pool.acquire() as connection:
            await cancel.cancel_messages(connection, [message], deed, now=office.clock.at)
        await reroute(office, deed=deed)
        async with office.pool.acquire() as connection:
            await cancel.stop_change(connection, change, deed, now=office.clock.at)

    async with asyncio.timeout(20):
        await asyncio.gather(pull("s/one"), pull("s/two"))
    actions = [action for _, action, _ in await audit()]
    assert actions.count("message.replayed") == 1
    assert actions.count("message.cancelled") == 1
    async with office.pool.acquire() as connection:
        assert await check(connection) == []
        assert (await ledger.add_up(connection)).cancelled == 1
