"""What is late or about to be, as operators see it (R-B10)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from integration.sending.office import Office, ScriptedPort
from prometheus_client import REGISTRY

from dispatcher import deadlines, ledger
from dispatcher.channels.base import Misconfigured, Outcome, Retry, Unknown
from dispatcher.deadlines import Deadlines, State, Why
from dispatcher.messages import Move, Status, move
from dispatcher.sending.claims import claim
from dispatcher.watch import Watch
from shared.bus.lead import Bell, Pulse
from shared.categories import Category, Channel

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def page(office: Office, **more: Any) -> list[deadlines.Open]:
    async with office.pool.acquire() as connection:
        return await deadlines.page(connection, office.clock.now(), **more)


async def count(office: Office, school: str | None = None) -> Deadlines:
    async with office.pool.acquire() as connection:
        return await deadlines.count(connection, office.clock.now(), school=school)


async def whys(office: Office) -> dict[UUID, tuple[State, Why, str | None]]:
    return {row.change: (row.state, row.why, row.detail) for row in await page(office)}


async def test_nothing_is_late_until_it_is(office: Office) -> None:
    """A decision is at risk in its last hour, late afterwards, and off the list once told."""
    await office.family("1", email="a@b.c")
    made = await office.tell("1", due_in=timedelta(0))
    port = ScriptedPort(Channel.EMAIL)
    assert await count(office) == Deadlines(0, 0)
    office.clock.at += DAY - HOUR + timedelta(minutes=1)
    assert await count(office) == Deadlines(0, 1)
    assert await whys(office) == {made: (State.AT_RISK, Why.NOT_COMPOSED, None)}
    office.clock.at += HOUR
    assert await count(office) == Deadlines(1, 0)
    await office.compose()
    assert await whys(office) == {made: (State.LATE, Why.QUEUE, None)}
    await office.work(port)
    assert (len(port.parcels), await count(office), await page(office)) == (1, Deadlines(0, 0), [])


async def test_it_is_known_from_planning_what_leaves_too_late(office: Office) -> None:
    """Due only after its deadline: at risk at once, with what it waits for."""
    await office.family("1", email="a@b.c")
    held = await office.tell("1", mode="immediate", due_in=3 * DAY)
    digest = await office.tell("1", mode="weekly", due_in=3 * DAY)
    await office.tell("1", mode="weekly", due_in=DAY)
    assert await whys(office) == {
        held: (State.AT_RISK, Why.HELD, None),
        digest: (State.AT_RISK, Why.DIGEST, None),
    }


@pytest.mark.parametrize(
    ("answer", "why", "detail"),
    [
        (Retry("smtp: 451", timedelta(hours=2)), Why.RETRYING, "smtp: 451"),
        (Misconfigured("smtp: 535"), Why.PAUSED, "smtp: 535"),
        (Unknown("smtp: timeout"), Why.UNKNOWN, "smtp: timeout"),
    ],
)
async def test_why_it_waits(office: Office, answer: Outcome, why: Why, detail: str) -> None:
    await office.family("1", email="a@b.c")
    made = await office.tell("1")
    await office.work(ScriptedPort(Channel.EMAIL, [answer]))
    office.clock.at += 2 * DAY
    assert await whys(office) == {made: (State.LATE, why, detail)}
    (row,) = await page(office)
    assert (row.again_at is not None) == (why in {Why.RETRYING, Why.UNKNOWN})
    assert (row.attempts, row.school, row.guardian) == (1, "s", "g-1")
    assert (row.category, row.channel) == (Category.MARK, Channel.EMAIL)


async def test_a_provider_that_is_away_and_a_month_that_is_spent_are_named(office: Office) -> None:
    await office.family("1", email="a@b.c")
    made = await office.tell("1")
    await office.compose()
    office.clock.at += 2 * DAY
    await office.pool.execute(
        "UPDATE dispatch.message SET reason = 'budget_in_flight', next_attempt_at = now() + interval '1 hour'"
    )
    assert await whys(office) == {made: (State.LATE, Why.BUDGET, "budget_in_flight")}
    await office.pool.execute(
        """UPDATE dispatch.provider SET state = 'open', until = now(), reason = 'smtp: connect'
           WHERE channel = 'email'"""
    )
    assert await whys(office) == {made: (State.LATE, Why.AWAY, "smtp: connect")}


async def test_quiet_hours_at_the_moment_of_sending_are_named(office: Office) -> None:
    await office.family("1", phone="79160000001")
    made = await office.tell("1", channel=Channel.SMS)
    office.clock.at += timedelta(hours=10)  # 22:00
    await office.work(ScriptedPort(Channel.SMS))
    office.clock.at += timedelta(hours=9)
    assert await whys(office) == {}
    await office.pool.execute("UPDATE dispatch.decision SET deadline = $1", office.clock.at)
    await office.pool.execute("UPDATE dispatch.message SET deadline = $1", office.clock.at)
    office.clock.at += timedelta(minutes=10)
    assert await whys(office) == {made: (State.LATE, Why.HELD, "quiet_hours")}


async def test_pages_by_deadline_and_by_school(office: Office) -> None:
    await office.family("1", email="a@b.c")
    made = [await office.tell("1") for _ in range(5)]
    for n, change in enumerate(made):
        await office.pool.execute(
            "UPDATE dispatch.decision SET deadline = deadline - $2::interval WHERE change = $1",
            change,
            timedelta(minutes=n),
        )
    await office.compose()
    late = await office.tell("1")
    await office.pool.execute(
        "UPDATE dispatch.decision SET deadline = deadline + interval '80 minutes' WHERE change = $1", late
    )
    office.clock.at += DAY + timedelta(minutes=30)
    await office.pool.execute("UPDATE dispatch.message SET deadline = deadline - interval '4 minutes'")
    first = await page(office, limit=4)
    rest = await page(office, limit=4, after=first[-1].key)
    assert [row.change for row in first + rest] == [*made[::-1], late]
    assert [row.state for row in rest] == [State.LATE, State.AT_RISK]
    assert [row.change for row in await page(office, state=State.AT_RISK)] == [late]
    assert len(await page(office, state=State.LATE, school="s")) == 5
    assert await page(office, school="elsewhere") == []
    assert (await count(office, "s"), await count(office, "elsewhere")) == (
        Deadlines(5, 1),
        Deadlines(0, 0),
    )


async def test_what_a_correction_cancelled_is_not_late(office: Office) -> None:
    """Its successor has a deadline of its own."""
    await office.family("1", email="a@b.c")
    old = await office.tell("1")
    await office.pool.execute("UPDATE dispatch.decision SET cancelled_by = $1", old)
    office.clock.at += 2 * DAY
    assert await count(office) == Deadlines(0, 0)


async def test_what_was_never_told_is_listed_with_its_reason(office: Office) -> None:
    """Late is never dropped silently: expired and failed ones stand in the ledger and in a list."""
    await office.family("1", email="a@b.c")
    await office.family("2", email="b@b.c")
    await office.family("3", email="c@b.c")
    expired = await office.tell("1", expires_in=2 * DAY)
    await office.work(ScriptedPort(Channel.EMAIL, [Retry("smtp: 451", timedelta(hours=2))]))
    never = await office.tell("2", expires_in=2 * DAY)
    await office.compose()
    office.clock.at += 3 * DAY
    await office.sweeper().round()
    refused = await office.tell("3")
    await office.compose()
    (waiting,) = [row["id"] for row in await office.messages() if row["status"] == "composed"]
    lease = uuid4()
    async with office.pool.acquire() as connection:
        await claim(
            connection,
            channel=Channel.EMAIL,
            school_now=office.clock.at,
            limit=1,
            lease=lease,
            actor="sender",
        )
        gave_up = Move(waiting, Status.FAILED, lease=lease, reason="gave_up: smtp: 550")
        await move(connection, [gave_up], actor="sender")
        since = await connection.fetchval("SELECT now() - interval '1 hour'")
        rows = await deadlines.lost(connection, since=since)
        total = await ledger.add_up(connection)
        lately = await deadlines.lost_lately(connection, HOUR)
        assert await deadlines.lost(connection, since=since, school="elsewhere") == []
        assert len(await deadlines.lost(connection, since=since, limit=1)) == 1
    assert {row.change: (row.status, row.because) for row in rows} == {
        expired: (Status.EXPIRED, "smtp: 451"),
        never: (Status.EXPIRED, None),
        refused: (Status.FAILED, "gave_up: smtp: 550"),
    }
    assert (total.expired, total.failed, total.adds_up) == (2, 1, True)
    assert lately == {
        (Category.MARK, Channel.EMAIL, Status.EXPIRED): 2,
        (Category.MARK, Channel.EMAIL, Status.FAILED): 1,
    }


def shown(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


async def notices(office: Office) -> Sequence[dict[str, Any]]:
    rows = await office.pool.fetch(
        "SELECT value FROM dispatch.outbox WHERE topic = 'staff.notices' ORDER BY xid, id"
    )
    return [orjson.loads(row["value"]) for row in rows]


async def watch(office: Office) -> None:
    async with office.pool.acquire() as connection:
        await Watch(office.clock).round(connection)


async def test_a_school_that_becomes_late_is_told_of_once(office: Office) -> None:
    """R-B10: one notice a school, again after a quiet hour or a day, whatever the number."""
    await office.family("1", email="a@b.c")
    for _ in range(3):
        await office.tell("1")
    await watch(office)
    assert await notices(office) == []
    office.clock.at += 2 * DAY
    for _ in range(3):
        await watch(office)
    (said,) = await notices(office)
    assert (said["kind"], said["school"], said["late"], said["channels"]) == (
        "deadline_late",
        "s",
        "3",
        "email",
    )
    assert datetime.fromisoformat(said["at"]) == office.clock.at
    for column, age, wanted in (("seen_at", 59, 1), ("seen_at", 61, 2), ("noticed_at", 25 * 60, 3)):
        await office.pool.execute(
            f"UPDATE dispatch.late_school SET {column} = now() - make_interval(mins => $1)", age
        )
        await watch(office)
        assert len(await notices(office)) == wanted


async def test_numbers_for_watchers(office: Office) -> None:
    """R-B10: one for every category and channel, 0 included; they go with whoever watched."""
    await office.family("1", email="a@b.c", phone="79160000001")
    await office.tell("1")
    await office.tell("1", channel=Channel.SMS, mode="immediate", due_in=2 * DAY)
    await office.compose()
    office.clock.at += DAY + timedelta(minutes=1)

    class Once(Bell):
        async def sleep(self, seconds: float) -> None:
            assert seconds >= 0
            seen["late"] = shown("vestnik_deadlines_late", category="mark", channel="email")
            seen["late sms"] = shown("vestnik_deadlines_late", category="mark", channel="sms")
            seen["risk"] = shown("vestnik_deadlines_at_risk", category="mark", channel="email")
            seen["push"] = shown("vestnik_deadlines_late", category="remark", channel="push")
            seen["queue"] = shown("vestnik_queue_messages", channel="email", status="composed")
            seen["oldest"] = shown("vestnik_queue_oldest_seconds", channel="email")
            self.stop()

    seen: dict[str, float | None] = {}
    async with office.pool.acquire() as connection:
        await Watch(office.clock).run(connection, Once(), Pulse())
    assert seen == {"late": 1, "late sms": 1, "risk": 0, "push": 0, "queue": 1, "oldest": 24 * 3600 + 60}
    assert shown("vestnik_deadlines_late", category="mark", channel="email") is None


async def test_looking_reads_only_what_is_open(office: Office) -> None:
    """A scrape costs nothing and a look costs by what is late: plans use the partial indexes."""
    async with office.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        plan = "\n".join(
            row[0]
            for row in await connection.fetch(
                f"EXPLAIN SELECT count(*) FROM ({deadlines._OPEN}) AS open WHERE deadline <> $1",
                office.clock.now(),
                office.clock.now() + HOUR,
                None,
            )
        )
    for index in ("decision_deadline", "decision_too_late", "message_deadline"):
        assert index in plan
