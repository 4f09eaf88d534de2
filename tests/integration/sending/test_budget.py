"""A school's month of SMS: never overspent by replicas together, warned of twice, followed by another way."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import orjson
from integration.sending.office import Office, ScriptedPort
from support.buses import eventually

from dispatcher.channels.base import Unknown
from dispatcher.providers import Month, spendings
from dispatcher.sending import attempts
from dispatcher.sending.phones import Planned, Wait
from shared.categories import Channel
from shared.settings import Profile


def _limit(office: Office, segments: int) -> None:
    office.profile = Profile(quiet_hours=("00:00", "00:00"), sms_segments_per_month=segments)  # type: ignore[arg-type]


async def _alert(office: Office, number: int, *, email: bool = False) -> UUID:
    address = f"a{number}@example.org" if email else None
    await office.family(str(number), phone=f"+7916{number:07}", email=address)
    return await office.tell(
        str(number), channel=Channel.SMS, mode="immediate", type="journal.attendance.set"
    )


async def _notices(office: Office) -> list[tuple[str, str, str]]:
    rows = await office.pool.fetch(
        "SELECT value FROM dispatch.outbox WHERE topic = 'staff.notices' ORDER BY xid, id"
    )
    said = [orjson.loads(row["value"]) for row in rows]
    return [(one["kind"], one["school"], one["segments"]) for one in said]


async def test_the_month_is_spent_warned_of_and_followed_by_email(office: Office) -> None:
    """R-C9; DESIGN §6.6: budget left, else the first usable and allowed channel; a new month restores."""
    _limit(office, 10)
    sms, email = ScriptedPort(Channel.SMS), ScriptedPort(Channel.EMAIL)
    per = 1
    for number in range(14):
        await _alert(office, number, email=True)
        await office.work(sms, email)
    used = await office.pool.fetchval("SELECT segments FROM dispatch.sms_budget")
    assert 10 - 2 < used <= 10
    assert len(sms.parcels) + len(email.parcels) == 14
    assert len(email.parcels) >= 14 - 10 // per
    assert [kind for kind, _, _ in await _notices(office)] == ["sms_budget_low", "sms_budget_spent"]
    (month,) = await _spendings(office)
    assert (month.segments, month.limit, month.in_flight) == (used, 10, 0)
    assert month.cost > 5
    before = len(sms.parcels)
    office.clock.at += timedelta(days=8)  # December
    await _alert(office, 99, email=True)
    await office.work(sms, email)
    assert len(sms.parcels) == before + 1


async def _spendings(office: Office) -> list[Month]:
    async with office.pool.acquire() as connection:
        return await spendings(connection, office.clock, office.profile_of)


async def test_two_senders_never_spend_more_than_is_left(office: Office) -> None:
    _limit(office, 12)
    for number in range(30):
        await _alert(office, number, email=True)
    await office.compose()
    one, other, mail = (ScriptedPort(Channel.SMS), ScriptedPort(Channel.SMS), ScriptedPort(Channel.EMAIL))

    async def settled() -> bool:
        await office.compose()
        await office.pool.execute(
            "UPDATE dispatch.message SET next_attempt_at = now() WHERE status = 'composed'"
        )
        return bool(
            await office.pool.fetchval(
                """SELECT count(*) FILTER (WHERE status = 'accepted') = 30
                   FROM dispatch.message WHERE status <> 'cancelled'"""
            )
        )

    async with office.sending(one, mail), office.sending(other, on=[Channel.EMAIL]):
        await eventually(settled)
    used = await office.pool.fetchval("SELECT segments FROM dispatch.sms_budget")
    assert 10 < used <= 12
    assert len(one.parcels) + len(other.parcels) + len(mail.parcels) == 30


async def test_what_nobody_knows_the_outcome_of_holds_its_segments(office: Office) -> None:
    _limit(office, 3)
    sms = ScriptedPort(Channel.SMS, [Unknown("cut")])
    first = await _alert(office, 1)
    await office.work(sms)
    assert (await office.statuses()) == [("sms", "unknown")]
    second = await _alert(office, 2, email=True)
    email = ScriptedPort(Channel.EMAIL)
    await office.work(sms, email)
    held = await office.pool.fetchval("SELECT sum(segments) FROM dispatch.sms_attempt")
    assert held >= 2
    assert (await office.decision(second))["channel"] == "email"
    assert (await office.decision(first))["channel"] == "sms"


def _planned(number: str, text: str) -> Planned:
    return Planned(uuid4(), "s", number, text, attempts.text_hash(text), 1)


async def _begin(office: Office, planned: list[Planned]) -> dict[UUID, Wait]:
    async with office.pool.acquire() as connection, connection.transaction():
        return await attempts.begin(connection, planned, budget=office.budget)


async def test_replicas_together_keep_to_a_hundred_an_hour_for_one_number(office: Office) -> None:
    """Whatever they say, unknown outcomes included; another number is another matter."""
    number = "+79160000001"
    batches = [[_planned(number, f"{batch} {n}") for n in range(10)] for batch in range(12)]
    answers = await asyncio.gather(*(_begin(office, batch) for batch in batches))
    assert sum(10 - len(waits) for waits in answers) == 100
    late = [wait for waits in answers for wait in waits.values()]
    assert {wait.reason for wait in late} == {"number_limit"}
    assert all(timedelta(minutes=55) < wait.again_in <= timedelta(hours=1) for wait in late)
    assert await _begin(office, [_planned("+79160000002", "x")]) == {}


async def test_the_twenty_first_of_one_text_waits_and_a_refused_one_does_not_count(office: Office) -> None:
    number = "+79160000001"
    for _ in range(21):
        sms = _planned(number, "same")
        assert await _begin(office, [sms]) == {}
        refused = attempts.AttemptEnd.REFUSED if _ == 0 else attempts.AttemptEnd.ACCEPTED
        async with office.pool.acquire() as connection:
            await attempts.end(connection, [(sms.message, refused, None)])
    (wait,) = (await _begin(office, [_planned(number, "same")])).values()
    assert wait.reason == "number_limit"
    assert await _begin(office, [_planned(number, "other")]) == {}
