"""School time that jumps: set right by hours, back or forth, with everything restarted at every jump.
Nothing is lost, told twice or early (DESIGN §5: leases, retries and settling use the database's time)."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from integration.sending.office import Office, ScriptedPort
from support.families import MOSCOW

from dispatcher import ledger
from dispatcher.channels.base import Accepted, Outcome, Parcel, Retry
from dispatcher.messages import Status
from dispatcher.sending.claims import claim
from shared.categories import Channel
from shared.db import open_pool
from shared.topics import Service

FRIDAY = datetime(2026, 11, 27, 13, 0, tzinfo=UTC)  # 16:00 in Moscow; the weekly letter leaves at 18:30
HOUR = timedelta(hours=1)
RESET = """
TRUNCATE dispatch.change, dispatch.decision, dispatch.message, dispatch.message_history, dispatch.outbox,
         dispatch.sms_attempt, dispatch.sms_budget
"""

jumps = st.lists(
    st.one_of(
        st.integers(-6 * 60, 6 * 60),  # set right
        st.sampled_from([0, 1, 30, 150]),  # or only gone on
    ).map(lambda minutes: timedelta(minutes=minutes)),
    max_size=8,
)
dues = st.lists(st.integers(0, 30 * 60).map(lambda minutes: timedelta(minutes=minutes)), max_size=4)


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(jumps=jumps, mail=dues, sms=dues, quarrels=st.integers(0, 2))
def test_jumps_neither_lose_nor_double_nor_hurry(
    *, database: str, jumps: list[timedelta], mail: list[timedelta], sms: list[timedelta], quarrels: int
) -> None:
    asyncio.run(_jump(database, jumps, mail, sms, quarrels))


async def _jump(
    database: str, jumps: list[timedelta], mail: list[timedelta], sms: list[timedelta], quarrels: int
) -> None:
    pool = await open_pool(database, Service.DISPATCHER, largest=6)
    admin = await open_pool(database, largest=2)
    try:
        office = Office(pool, admin)
        await admin.execute(RESET)
        if not await admin.fetchval("SELECT EXISTS (SELECT FROM roster.school)"):
            await office.found()
            await office.family("1", email="a@b.c")
            for n in range(4):  # each its own number: what is sent to one within an hour is limited
                await office.family(f"2{n}", phone=f"7916000000{n}")
            await office.family("3", email="weekly@b.c", form="weekly_email")
        office.clock.at = FRIDAY
        for due in mail:
            await office.tell("1", due_in=due)
        for n, due in enumerate(sms):
            await office.tell(f"2{n}", channel=Channel.SMS, mode="immediate", due_in=due)
        sent: list[tuple[Parcel, datetime]] = []

        async def answer(parcel: Parcel) -> Outcome:
            nonlocal quarrels
            if quarrels:
                quarrels -= 1
                return Retry("busy")
            sent.append((parcel, office.clock.at))
            return Accepted(provider_id=str(uuid4()))

        async def work() -> None:
            await admin.execute(
                "UPDATE dispatch.message SET next_attempt_at = now() WHERE status = 'composed'"
            )
            ports = [ScriptedPort(channel, [answer] * 50) for channel in (Channel.EMAIL, Channel.SMS)]
            await office.work(*ports)
            await office.sweeper().round()

        for step in [timedelta(0), *jumps]:
            office.clock.at += step
            await work()
        office.clock.at = max(office.clock.at, FRIDAY)
        for _ in range(8):
            office.clock.at += 5 * HOUR
            await work()
        await _nothing_lost(office, sent, len(mail) + len(sms))
    finally:
        await pool.close()
        await admin.close()


async def _nothing_lost(office: Office, sent: list[tuple[Parcel, datetime]], wanted: int) -> None:
    async with office.pool.acquire() as connection:
        found = await ledger.add_up(connection)
        rows = await connection.fetch(
            """SELECT m.id, m.channel, m.kind, m.due_at, array_agg(d.due_at) AS dues
               FROM dispatch.message m LEFT JOIN dispatch.decision d ON d.message = m.id GROUP BY m.id"""
        )
    assert (found.decisions, found.accepted, found.adds_up) == (wanted, wanted, True)
    at = {parcel.message: moment for parcel, moment in sent}
    assert len(at) == len(sent) == len(rows), "every message once"
    for row in rows:
        moment = at[row["id"]]
        assert all(due <= moment for due in [row["due_at"], *row["dues"]] if due is not None), "never early"
        if row["channel"] == Channel.SMS.value:
            assert 8 <= moment.astimezone(MOSCOW).hour < 21, "never in quiet hours"
    assert [row["kind"] for row in rows].count("weekly") == 1, "one weekly letter for the week"


async def test_a_retry_waits_real_minutes_whatever_the_school_s_clock_says(office: Office) -> None:
    await office.family("1", email="a@b.c")
    await office.tell("1")
    port = ScriptedPort(Channel.EMAIL, [Retry("busy", HOUR)])
    await office.work(port)
    for jump in (5 * HOUR, -7 * HOUR, 9 * HOUR):
        office.clock.at += jump
        await office.work(port)
    assert len(port.parcels) == 1
    await office.pool.execute("UPDATE dispatch.message SET next_attempt_at = now()")
    await office.work(port)
    assert len(port.parcels) == 2


async def test_a_lease_ends_by_the_database_s_clock(office: Office) -> None:
    """A jump of a day takes nothing out of a sender's hands."""
    await office.family("1", email="a@b.c")
    await office.tell("1")
    await office.compose()
    async with office.pool.acquire() as connection, connection.transaction():
        now = office.clock.now()
        (held,) = await claim(
            connection, channel=Channel.EMAIL, school_now=now, limit=1, lease=uuid4(), actor="test"
        )
    for jump in (timedelta(days=1), timedelta(days=-2)):
        office.clock.at += jump
        await office.sweeper().round()
        assert await office.statuses() == [("email", Status.SENDING)]
    await office.pool.execute("UPDATE dispatch.message SET lease_until = now() WHERE id = $1", held.message)
    await office.sweeper().round()
    assert await office.statuses() == [("email", Status.COMPOSED)]
