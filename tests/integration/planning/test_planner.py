"""Planning on a real database, through the bus's handler."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest
from support.families import (
    MOSCOW,
    NOW,
    SCHOOL,
    Registry,
    application,
    change_id,
    contact,
    guardian,
    pupil,
    record,
    sheet,
    tie,
)

from dispatcher.planning.planner import Planner
from shared.bus.base import Record, Rejected
from shared.categories import Category, Channel, Mode
from shared.consent import Form
from shared.db import connect
from shared.families import Preference, SchoolClass
from shared.settings import Profile, Settings
from shared.topics import Service, Topic

EVERY = frozenset({Channel.EMAIL, Channel.PUSH, Channel.SMS})


@dataclass
class Stopped:
    """A clock a test sets."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def real_seconds_until(self, instant: datetime) -> float:
        return max(0.0, (instant - self.at).total_seconds())


class Desk:
    """A planner on a database, and what it wrote there."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clock = Stopped()
        self.planner = Planner(Settings(), self.clock, on=EVERY)
        self.connection: asyncpg.Connection
        self.admin: asyncpg.Connection

    async def plan(self, *records: Record) -> list[Rejected]:
        async with self.connection.transaction():
            return list(await self.planner.handle(self.connection, records))

    async def decisions(self) -> dict[tuple[UUID, str], asyncpg.Record]:
        rows = await self.connection.fetch("SELECT * FROM dispatch.decision")
        return {(row["change"], row["guardian"]): row for row in rows}

    async def decision(self, seed: str, who: str = "g1") -> asyncpg.Record:
        return (await self.decisions())[change_id(seed), who]

    async def compose(self, seed: str, status: str, who: str = "g1") -> UUID:
        """Put a decision into a message, as composing does, and take it to a status."""
        lease = change_id("lease") if status == "sending" else None
        message = await self.admin.fetchval(
            """INSERT INTO dispatch.message
                   (school, guardian, channel, kind, status, due_at, lease, lease_until)
               VALUES ($1, $2, 'email', 'immediate', $3, now(), $4::uuid,
                       CASE WHEN $4::uuid IS NOT NULL THEN now() END) RETURNING id""",
            SCHOOL,
            who,
            status,
            lease,
        )
        await self.admin.execute(
            "UPDATE dispatch.decision SET message = $1 WHERE change = $2 AND guardian = $3",
            message,
            change_id(seed),
            who,
        )
        assert isinstance(message, UUID)
        return message


@pytest.fixture
async def desk(database: str) -> AsyncIterator[Desk]:
    made = Desk(database)
    made.connection = await connect(database, Service.DISPATCHER)
    made.admin = await connect(database)
    yield made
    await made.connection.close()
    await made.admin.close()


async def test_a_mark_reaches_the_evening_digest_and_names_the_sheet(desk: Desk) -> None:
    """R-C4, R-C7: told over the agreed channel, relying on a sheet that is named."""
    await Registry([pupil()]).write(desk.admin)
    assert await desk.plan(record()) == []
    row = await desk.decision("mark/1/1")
    assert (row["verdict"], row["channel"], row["mode"]) == ("tell", "email", "daily")
    assert (row["pupils"], row["sheets"], row["corrects"]) == (["p1"], ["С-1"], None)
    assert row["due_at"] == datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
    assert row["deadline"] == datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


async def test_the_same_record_twice_changes_nothing(desk: Desk) -> None:
    await Registry([pupil()]).write(desk.admin)
    twice = [record(), record(), record(entity="mark/2")]
    await desk.plan(*twice)
    before = await desk.decisions()
    await desk.plan(*twice)
    assert await desk.decisions() == before
    assert len(before) == 2


async def test_two_planners_on_the_same_batch_decide_once(desk: Desk) -> None:
    """R-B2: and give one absence alert between them."""
    await Registry([pupil()]).write(desk.admin)
    batch = [record(entity=f"mark/{n}") for n in range(20)]
    lessons = [record(Category.ATTENDANCE, entity=f"absence/{n}") for n in range(6)]

    async def run(records: list[Record]) -> None:
        own = await connect(desk.url, Service.DISPATCHER)
        async with own.transaction():
            await Planner(Settings(), desk.clock, on=EVERY).handle(own, records)
        await own.close()

    await asyncio.gather(
        run(batch + lessons[:3]), run(batch[::-1] + lessons[3:]), run(lessons[::-1]), run(batch)
    )
    rows = (await desk.decisions()).values()
    assert len(rows) == 26
    absences = [row["mode"] for row in rows if row["category"] == "attendance"]
    assert sorted(absences) == ["daily"] * 5 + ["immediate"]


async def test_a_bad_record_is_set_aside_and_the_rest_goes_on(desk: Desk) -> None:
    await Registry([pupil()]).write(desk.admin)
    bad = [
        Record(Topic.JOURNAL_CHANGES, "k", b"not json", "1"),
        record(Category.ATTENDANCE, entity="a", data={"attendance": "asleep"}),
        record(entity="b", pupil="nobody"),
        record(Category.ANNOUNCEMENT, entity="c", pupil=None, data={"class": "9Я"}),
        record(entity="d", data={"lesson": {"date": "31.12.2026"}}),
    ]
    rejected = await desk.plan(*bad[:2], record(), *bad[2:])
    assert {one.record.position for one in rejected} == {one.position for one in bad}
    assert all(one.reason for one in rejected)
    assert list(await desk.decisions()) == [(change_id("mark/1/1"), "g1")]


async def test_each_guardian_of_a_child_separately(desk: Desk) -> None:
    """R-C7, R-C12, R-D4: mother by SMS at once, the pupil by e-mail, the restricted father nothing."""
    mother = guardian("mother", preferences={"mark": Preference(Channel.SMS, Mode.IMMEDIATE)})
    father = tie("father", relation="father", restricted_from=date(2026, 11, 24))
    await Registry([pupil(ties=[tie(mother), father, tie("p1", relation="self")])]).write(desk.admin)
    await desk.plan(record())
    found = {who: row for (_, who), row in (await desk.decisions()).items()}
    assert (found["mother"]["channel"], found["mother"]["mode"], found["mother"]["chosen"]) == (
        "sms",
        "immediate",
        True,
    )
    assert found["p1"]["channel"] == "email"
    assert (found["father"]["verdict"], found["father"]["reason"]) == ("suppress", "rights")


async def test_at_eighteen_the_pupil_decides(desk: Desk) -> None:
    """R-C8."""
    adult = pupil(ties=[tie("mother"), tie("p1", relation="self")], birth_date=date(2008, 11, 24))
    await Registry([adult]).write(desk.admin)
    await desk.plan(record())
    found = {who: row["verdict"] for (_, who), row in (await desk.decisions()).items()}
    assert found == {"mother": "suppress", "p1": "tell"}


async def test_nothing_later_than_the_last_day_is_told(desk: Desk) -> None:
    """R-B7: what happened while the pupil was here is told even later; nothing after."""
    await Registry([pupil(left_on=date(2026, 11, 23))]).write(desk.admin)
    await desk.plan(
        record(entity="before", data={"lesson": {"date": "2026-11-23", "number": 1}}),
        record(entity="after"),
        record(Category.REMARK, entity="remark"),
    )
    assert (await desk.decision("before/1"))["verdict"] == "tell"
    assert (await desk.decision("after/1"))["reason"] == "rights"
    assert (await desk.decision("remark/1"))["reason"] == "rights"


async def test_a_class_without_marks_hears_of_attendance_only(desk: Desk) -> None:
    """R-A10."""
    first = [SchoolClass("1А", "1", unmarked=True)]
    await Registry([pupil(class_name="1А")], first).write(desk.admin)
    await desk.plan(
        *(
            record(
                category,
                entity=category,
                pupil="p1" if category != "assessment" else None,
                data={"class": "1А"},
            )
            for category in Category
        )
    )
    found = {row["category"]: row["reason"] for row in (await desk.decisions()).values()}
    unmarked = {"mark", "final_mark", "forecast", "homework", "assessment"}
    assert {category for category, reason in found.items() if reason == "unmarked_class"} == unmarked
    assert {category for category, reason in found.items() if reason is None} == set(Category) - unmarked


async def test_no_consent_is_recorded_with_what_is_missing(desk: Desk) -> None:
    """R-C4: nothing without the items, every refusal with its reason; a withdrawn sheet allows nothing."""
    await Registry(
        [
            pupil("p1", [tie("g1", [sheet({"1.3", "6.9"})])]),
            pupil("p2", [tie("g2", [sheet(withdrawn_on=date(2026, 11, 24))], [application(Form.PAPER)])]),
        ]
    ).write(desk.admin)
    await desk.plan(record(), record(entity="mark/2", pupil="p2"))
    row = await desk.decision("mark/1/1")
    assert (row["reason"], row["missing"], row["sheets"]) == ("no_consent", ["4.3"], ["С-1"])
    assert (await desk.decision("mark/2/1", "g2"))["missing"] == ["withdrawn"]


async def test_a_new_revision_replaces_what_is_untold(desk: Desk) -> None:
    """R-A11: and one that was told is corrected; an older one changes nothing."""
    await Registry([pupil()]).write(desk.admin)
    await desk.plan(record())
    await desk.plan(record(revision=2, data={"mark": {"value": "4"}}))
    first, second = await desk.decision("mark/1/1"), await desk.decision("mark/1/2")
    assert first["cancelled_by"] == change_id("mark/1/2")
    assert (second["verdict"], second["corrects"]) == ("tell", None)
    await desk.compose("mark/1/2", "accepted")
    await desk.plan(record(revision=3, data={"mark": {"value": "3"}}), record(revision=1, seed="again"))
    third = await desk.decision("mark/1/3")
    assert (third["verdict"], third["corrects"]) == ("tell", change_id("mark/1/2"))
    assert (await desk.decision("again"))["reason"] == "stale"
    assert (await desk.decision("mark/1/2"))["cancelled_by"] is None


async def test_removal_cancels_the_untold_and_corrects_the_told(desk: Desk) -> None:
    """R-A11."""
    await Registry([pupil()]).write(desk.admin)
    await desk.plan(record(), record(entity="mark/2"))
    await desk.compose("mark/2/1", "delivered")
    await desk.plan(record(revision=2, removed=True), record(entity="mark/2", revision=2, removed=True))
    assert (await desk.decision("mark/1/1"))["cancelled_by"] == change_id("mark/1/2")
    assert (await desk.decision("mark/1/2"))["reason"] == "nothing_told"
    told = await desk.decision("mark/2/2")
    assert (told["verdict"], told["corrects"]) == ("tell", change_id("mark/2/1"))


async def test_one_digest_for_children_of_both_shifts(desk: Desk) -> None:
    """R-B3: when the last of the guardian's children is home, whichever child it is about; one who has
    left counts no more."""
    by_shift = Settings(profile=Profile(daily_digest_at=(time(18, 30), time(20))))
    classes = [SchoolClass("5А", "5"), SchoolClass("6А", "6", shift=2)]
    left = {"left_on": date(2026, 11, 20)}
    await Registry(
        [
            pupil("early", [tie("both"), tie("one")]),
            pupil("late", [tie("both")], "6А"),
            pupil("gone", [tie("one")], "6А", **left),
        ],
        classes,
    ).write(desk.admin)
    desk.planner = Planner(by_shift, desk.clock, on=EVERY)
    await desk.plan(record(entity="m", pupil="early"), record(entity="n", pupil="late"))
    found = {
        (seed, who): (await desk.decision(f"{seed}/1", who))["due_at"].astimezone(MOSCOW).time()
        for seed, who in (("m", "both"), ("m", "one"), ("n", "both"))
    }
    assert found == {("m", "both"): time(20), ("m", "one"): time(18, 30), ("n", "both"): time(20)}


async def test_a_late_mark_is_news(desk: Desk) -> None:
    """R-A12: it belongs to the digest of the time it appeared."""
    await Registry([pupil()]).write(desk.admin)
    await desk.plan(record())
    await desk.compose("mark/1/1", "delivered")
    await desk.plan(record(entity="mark/2", data={"lesson": {"date": "2026-11-18", "number": 2}}))
    late = await desk.decision("mark/2/1")
    assert (late["corrects"], late["due_at"]) == (None, datetime(2026, 11, 24, 15, 30, tzinfo=UTC))


async def test_a_subgroup_tells_its_own_families_only(desk: Desk) -> None:
    """R-A13."""
    await Registry([pupil(f"p{n}", [tie(f"g{n}")]) for n in range(4)]).write(desk.admin)
    await desk.plan(
        record(
            Category.HOMEWORK,
            pupil=None,
            data={"class": "5А", "group": "Английский 1", "pupils": ["p1", "p3"]},
        )
    )
    assert {who for _, who in await desk.decisions()} == {"g1", "g3"}


async def test_class_grade_and_school_reach_everybody_once(desk: Desk) -> None:
    classes = [SchoolClass("5А", "5"), SchoolClass("5Б", "5"), SchoolClass("6А", "6")]
    shared = tie("both")
    children = [
        pupil("a", [shared, tie("ga")], "5А"),
        pupil("b", [shared], "5Б"),
        pupil("c", [tie("gc")], "6А"),
        pupil("orphan", [], "5А"),
    ]
    await Registry(children, classes).write(desk.admin)
    for scope in ({"class": "5А"}, {"grade": "5"}, {}):
        await desk.plan(record(Category.ANNOUNCEMENT, entity=str(scope), pupil=None, data=scope))
    found = {
        (key, who): row["pupils"]
        for key in ("{'class': '5А'}", "{'grade': '5'}", "{}")
        for (number, who), row in (await desk.decisions()).items()
        if number == change_id(f"{key}/1")
    }
    assert found == {
        ("{'class': '5А'}", "both"): ["a"],
        ("{'class': '5А'}", "ga"): ["a"],
        ("{'grade': '5'}", "both"): ["a", "b"],
        ("{'grade': '5'}", "ga"): ["a"],
        ("{}", "both"): ["a", "b"],
        ("{}", "ga"): ["a"],
        ("{}", "gc"): ["c"],
    }


async def test_one_absence_alert_per_child_and_day(desk: Desk) -> None:
    """R-B2: within a batch, between batches, and for each child its own."""
    await Registry([pupil("p1"), pupil("p2")]).write(desk.admin)

    def lesson(number: int, child: str = "p1", day: str = "2026-11-24", status: str = "absent") -> Record:
        data: dict[str, Any] = {"lesson": {"date": day, "number": number}, "attendance": status}
        return record(Category.ATTENDANCE, entity=f"{child}/{day}/{number}", pupil=child, data=data)

    await desk.plan(lesson(1), lesson(2), lesson(1, "p2"), lesson(1, day="2026-11-23"))
    await desk.plan(lesson(3), lesson(2, "p2", status="late"))
    found = {row["change"]: row["mode"] for row in (await desk.decisions()).values()}
    immediate = {number for number, mode in found.items() if mode == "immediate"}
    assert immediate == {
        change_id(f"{name}/1") for name in ("p1/2026-11-24/1", "p2/2026-11-24/1", "p1/2026-11-23/1")
    }
    first = await desk.decision("p1/2026-11-24/1/1")
    assert (first["due_at"], first["deadline"]) == (NOW, datetime(2026, 11, 24, 21, tzinfo=UTC))


async def test_an_alert_cancelled_untold_was_not_given(desk: Desk) -> None:
    """R-B2: the child turned out to be present; a later absence alerts."""
    await Registry([pupil()]).write(desk.admin)
    early = NOW - timedelta(hours=3)
    await desk.plan(record(Category.ATTENDANCE, entity="a", accepted_at=early))
    assert (await desk.decision("a/1"))["due_at"] == datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
    await desk.plan(record(Category.ATTENDANCE, entity="a", revision=2, data={"attendance": "present"}))
    assert (await desk.decision("a/2"))["reason"] == "nothing_to_tell"
    await desk.plan(record(Category.ATTENDANCE, entity="b"))
    assert (await desk.decision("b/1"))["mode"] == "immediate"


async def test_present_corrects_an_absence_that_was_told_at_once(desk: Desk) -> None:
    """R-A11."""
    await Registry([pupil()]).write(desk.admin)
    await desk.plan(record(Category.ATTENDANCE, entity="a"))
    await desk.compose("a/1", "accepted")
    await desk.plan(record(Category.ATTENDANCE, entity="a", revision=2, data={"attendance": "present"}))
    row = await desk.decision("a/2")
    assert (row["verdict"], row["mode"], row["corrects"]) == ("tell", "immediate", change_id("a/1"))


async def test_an_absence_told_that_was_a_lateness_is_put_right_at_once(desk: Desk) -> None:
    """R-A11, R-B2: the alert of the day is used up, and still nobody worries until the evening."""
    await Registry([pupil()]).write(desk.admin)
    await desk.plan(record(Category.ATTENDANCE, entity="a"))
    await desk.compose("a/1", "accepted")
    await desk.plan(record(Category.ATTENDANCE, entity="a", revision=2, data={"attendance": "late"}))
    row = await desk.decision("a/2")
    assert (row["mode"], row["due_at"], row["corrects"]) == ("immediate", NOW, change_id("a/1"))


async def test_an_old_revision_never_turns_an_entity_back(desk: Desk) -> None:
    """R-A11: the newest stays known after something older came late."""
    await Registry([pupil()]).write(desk.admin)
    for revision in (3, 1, 2):
        await desk.plan(record(revision=revision, data={"mark": {"value": str(revision)}}))
    found = {row["change"]: row["reason"] for row in (await desk.decisions()).values()}
    assert found == {
        change_id("mark/1/3"): None,
        change_id("mark/1/1"): "stale",
        change_id("mark/1/2"): "stale",
    }


async def test_planners_take_turns_at_a_child_s_day(desk: Desk) -> None:
    """R-B2: the second sees the alert of the first, however their transactions overlap."""
    await Registry([pupil()]).write(desk.admin)
    other = await connect(desk.url, Service.DISPATCHER)
    first = desk.connection.transaction()
    await first.start()
    await desk.planner.handle(desk.connection, [record(Category.ATTENDANCE, entity="a")])

    async def second() -> None:
        async with other.transaction():
            planner = Planner(Settings(), desk.clock, on=EVERY)
            await planner.handle(other, [record(Category.ATTENDANCE, entity="b")])

    planning = asyncio.create_task(second())
    while not await desk.admin.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
        assert not planning.done(), "it did not wait"
        await asyncio.sleep(0.01)
    await first.commit()
    await planning
    await other.close()
    assert (await desk.decision("a/1"))["mode"] == "immediate"
    assert (await desk.decision("b/1"))["mode"] == "daily"


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("composed", False),
        ("sending", True),
        ("unknown", True),
        ("accepted", True),
        ("delivered", True),
        ("failed", False),
    ],
)
async def test_told_is_what_a_sender_took_up(desk: Desk, status: str, *, told: bool) -> None:
    """R-A11: a message nobody took up loses the decision; one taken up is followed by a correction."""
    await Registry([pupil()]).write(desk.admin)
    await desk.plan(record())
    await desk.compose("mark/1/1", status)
    await desk.plan(record(revision=2, data={"mark": {"value": "2"}}))
    first, second = await desk.decision("mark/1/1"), await desk.decision("mark/1/2")
    assert (first["cancelled_by"] is None, second["corrects"] is not None) == (told, told)


@pytest.mark.parametrize("sender_first", [True, False])
async def test_a_claim_and_a_cancellation_never_both_win(desk: Desk, *, sender_first: bool) -> None:
    """R-A11: whoever comes second sees what the first did."""
    await Registry([pupil()]).write(desk.admin)
    await desk.plan(record())
    message = await desk.compose("mark/1/1", "composed")
    sender = await connect(desk.url, Service.DISPATCHER)
    claim = """UPDATE dispatch.message SET status = 'sending', lease = uuidv7(), lease_until = now()
               WHERE id IN (SELECT id FROM dispatch.message WHERE status = 'composed'
                            FOR UPDATE SKIP LOCKED) RETURNING id"""
    newer = record(revision=2, data={"mark": {"value": "2"}})
    if sender_first:
        claiming = sender.transaction()
        await claiming.start()
        assert [row["id"] for row in await sender.fetch(claim)] == [message]
        planning = asyncio.create_task(desk.plan(newer))
        while not await desk.admin.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            assert not planning.done()
            await asyncio.sleep(0.01)
        await claiming.commit()
        await planning
    else:
        async with desk.connection.transaction():
            await desk.planner.handle(desk.connection, [newer])
            assert await sender.fetch(claim) == []
        assert len(await sender.fetch(claim)) == 1
    await sender.close()
    first, second = await desk.decision("mark/1/1"), await desk.decision("mark/1/2")
    assert (first["cancelled_by"] is None) == sender_first
    assert (second["corrects"] is not None) == sender_first


async def test_unreachable_families_go_to_paper_and_the_print_queue_hears(desk: Desk) -> None:
    """R-C7, R-E5: no confirmed address, or one on the suppression list."""
    silent = guardian("g2", [contact(Channel.EMAIL, "bounced@example.org")])
    await Registry(
        [
            pupil("p1", [tie(guardian("g1", [contact(Channel.EMAIL, confirmed=False)]))]),
            pupil("p2", [tie(silent)]),
        ]
    ).write(desk.admin)
    await desk.admin.execute(
        """INSERT INTO dispatch.suppression (school, channel, address, reason)
           VALUES ($1, 'email', $2, 'bounced')""",
        SCHOOL,
        "bounced@example.org",
    )
    await desk.plan(record(), record(entity="mark/2", pupil="p2"))
    assert {row["reason"] for row in (await desk.decisions()).values()} == {"unreachable"}
    rows = await desk.connection.fetch("SELECT topic, key, value FROM dispatch.outbox ORDER BY id")
    assert {(row["topic"], row["key"]) for row in rows} == {("delivery.outcomes", f"{SCHOOL}/5А")}
    assert orjson.loads(rows[0]["value"]) == {
        "kind": "paper",
        "school": SCHOOL,
        "guardian": "g1",
        "pupils": ["p1"],
        "change": str(change_id("mark/1/1")),
        "reason": "unreachable",
        "at": NOW.isoformat(),
    }
    await desk.admin.execute("UPDATE dispatch.suppression SET lifted_at = now()")
    await desk.plan(record(entity="mark/3", pupil="p2"))
    assert (await desk.decision("mark/3/1", "g2"))["channel"] == "email"


async def test_a_spent_sms_budget_takes_the_next_way(desk: Desk) -> None:
    """R-C9."""

    class Spent:
        async def spent(self, _: asyncpg.Connection, schools: Any) -> frozenset[str]:
            return frozenset(schools)

    desk.planner = Planner(Settings(), desk.clock, on=EVERY, budget=Spent())
    wish = {"mark": Preference(Channel.SMS, Mode.IMMEDIATE)}
    await Registry([pupil(ties=[tie(guardian(preferences=wish))])]).write(desk.admin)
    await desk.plan(record())
    row = await desk.decision("mark/1/1")
    assert (row["channel"], row["mode"], row["chosen"]) == ("email", "immediate", False)


async def test_new_papers_count_from_the_next_batch(desk: Desk) -> None:
    """R-C4: the cache follows the registry's epoch."""
    await Registry([pupil()]).write(desk.admin)
    await desk.plan(record())
    await desk.admin.execute("UPDATE consent.sheet SET withdrawn_on = $1", date(2026, 11, 24))
    await desk.admin.execute("UPDATE consent.epoch SET value = value + 1")
    await desk.plan(record(entity="mark/2"))
    assert (await desk.decision("mark/2/1"))["reason"] == "no_consent"


async def test_a_large_school_in_one_batch(desk: Desk) -> None:
    """More decisions than one statement takes: written in slices, none lost, revisions in step."""
    children = [pupil(f"p{n}", [tie(f"g{n}")]) for n in range(700)]
    await Registry(children).write(desk.admin)
    batch = [
        record(Category.ANNOUNCEMENT, entity=f"news/{n}", pupil=None, data={"class": "5А"}) for n in range(8)
    ]
    again = record(
        Category.ANNOUNCEMENT,
        entity="news/0",
        revision=2,
        pupil=None,
        data={"class": "5А", "text": "В среду"},
    )
    await desk.plan(*batch, again)
    assert len(await desk.decisions()) == 9 * 700
    cancelled = await desk.connection.fetchval(
        "SELECT count(*) FROM dispatch.decision WHERE change = $1 AND cancelled_by = $2",
        change_id("news/0/1"),
        change_id("news/0/2"),
    )
    assert cancelled == 700


async def test_the_ledger_adds_up(desk: Desk) -> None:
    """Changes x guardians = told + paper + suppressed, whatever the papers say (DESIGN §7)."""
    children = [
        pupil("p1", [tie("g1"), tie("g2", [sheet(set())])]),
        pupil("p2", [tie("g1"), tie("g3", applications=[application(Form.PAPER)])]),
    ]
    await Registry(children).write(desk.admin)
    await desk.plan(
        *(record(entity=f"m/{child}", pupil=child) for child in ("p1", "p2")),
        record(Category.ANNOUNCEMENT, entity="n", pupil=None, data={"class": "5А"}),
        record(entity="m/p1", revision=2, removed=True),
    )
    rows = await desk.connection.fetch(
        "SELECT verdict, count(*) AS n FROM dispatch.decision GROUP BY verdict"
    )
    assert {row["verdict"]: row["n"] for row in rows} == {"tell": 3, "paper": 2, "suppress": 4}
