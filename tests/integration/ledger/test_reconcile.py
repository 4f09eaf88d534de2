"""The count that can disagree (DESIGN §7, R-F2): silent while all is well, loud when a row is touched."""

from datetime import timedelta
from uuid import uuid4

import orjson
from support.families import change_id, record

from dispatcher import ledger
from dispatcher.ledger import Period
from dispatcher.ledger_watch import LedgerWatch
from dispatcher.reconcile import Fault, check, lag, unplanned
from shared.db import connect
from shared.topics import Service

from .conftest import Books, evening, work


async def test_a_healthy_evening_is_silent_at_every_step(books: Books) -> None:
    """Published, planned, composed, sent, corrected: at no moment does the check cry wolf."""
    await books.publish(*evening())
    assert await books.check() == []
    await books.plan()
    assert await books.check() == []
    await books.office.compose()
    assert await books.check() == []
    await work(books)
    assert await books.check() == []
    await books.publish(record(entity="mark/0", revision=3, pupil="p1", data={"mark": {"value": "2"}}))
    await books.plan()
    books.office.clock.at += timedelta(days=1)
    await work(books)
    assert await books.check() == []
    async with books.office.pool.acquire() as connection:
        total = await ledger.add_up(connection)
    assert total.accepted >= 3, "it was told, not merely planned"
    assert total.paper
    assert total.suppressed


async def test_what_waits_in_the_log_is_lag_and_no_loss(books: Books) -> None:
    await books.publish(*evening())
    async with books.office.pool.acquire() as connection:
        waiting = await lag(connection)
    assert waiting.changes == len(evening())
    assert waiting.since is not None
    await books.plan()
    async with books.office.pool.acquire() as connection:
        assert (await lag(connection)).changes == 0


TOLD = "(SELECT id FROM dispatch.message WHERE status = 'accepted' ORDER BY id LIMIT 1)"
BREAKS = {
    "a decision is deleted": (
        f"DELETE FROM dispatch.decision WHERE message = {TOLD}",
        {Fault.DECISIONS_MISSING, Fault.MESSAGE_EMPTY},
    ),
    "a guardian is counted twice": (
        """INSERT INTO dispatch.decision (change, school, guardian, pupils, category, verdict, reason)
           SELECT change, school, 'nobody', pupils, category, 'suppress', 'rights'
           FROM dispatch.decision LIMIT 1""",
        {Fault.DECISIONS_EXTRA},
    ),
    "the planner saw one guardian more": (
        "UPDATE dispatch.change SET guardians = guardians + 1 WHERE entity = 'news/1'",
        {Fault.DECISIONS_MISSING},
    ),
    "a decision points to nowhere": (
        f"UPDATE dispatch.decision SET message = uuidv7() WHERE message = {TOLD}",
        {Fault.MESSAGE_MISSING, Fault.MESSAGE_EMPTY},
    ),
    "a message is gone": (f"DELETE FROM dispatch.message WHERE id = {TOLD}", {Fault.MESSAGE_MISSING}),
    "a message is another family's": (
        f"UPDATE dispatch.message SET guardian = 'g9' WHERE id = {TOLD}",
        {Fault.MESSAGE_MISMATCH},
    ),
    "a silenced decision stands in a message": (
        f"""UPDATE dispatch.decision SET verdict = 'suppress', reason = 'rights', channel = NULL
            WHERE message = {TOLD}""",
        {Fault.MESSAGE_MISMATCH},
    ),
    "told without a history": (
        f"DELETE FROM dispatch.message_history WHERE message = {TOLD}",
        {Fault.HISTORY_BROKEN},
    ),
    "a step of the history is gone": (
        f"DELETE FROM dispatch.message_history WHERE message = {TOLD} AND to_status = 'sending'",
        {Fault.HISTORY_BROKEN},
    ),
    "a status was written by hand": (
        f"UPDATE dispatch.message SET status = 'delivered' WHERE id = {TOLD}",
        {Fault.HISTORY_BROKEN},
    ),
    "a planned change is gone with its decisions": (
        """WITH gone AS (DELETE FROM dispatch.change WHERE entity = 'absence/0' RETURNING change)
           DELETE FROM dispatch.decision d USING gone WHERE d.change = gone.change""",
        {Fault.CHANGE_LOST, Fault.MESSAGE_EMPTY},
    ),
    "a change is gone and its decisions are not": (
        "DELETE FROM dispatch.change WHERE entity = 'final/1'",
        {Fault.CHANGE_LOST, Fault.DECISION_STRAY},
    ),
}


async def test_a_row_touched_is_shouted(books: Books) -> None:
    """Whatever is done to the rows behind the product's back, the check names a row of it."""
    await books.publish(*evening())
    await books.plan()
    await work(books)
    messages = {row["id"] for row in await books.office.messages()}
    changes = {row["change"] for row in await books.office.pool.fetch("SELECT change FROM dispatch.change")}
    async with books.office.admin.acquire() as connection:
        for what, (statement, faults) in BREAKS.items():
            undo = connection.transaction()
            await undo.start()
            await connection.execute(statement)
            found = await check(connection)
            assert {one.fault for one in found} == faults, what
            for one in found:
                assert one.subject in (messages if one.fault.about_message else changes), what
                assert one.school == "ilinskaya"
            await undo.rollback()
            assert await check(connection) == [], "put back, it is silent again"


async def test_what_was_set_aside_is_not_lost(books: Books) -> None:
    """A dead letter is accounted for: it is shown and can be replayed."""
    await books.publish(record(pupil="stranger"), record(entity="mark/2", pupil="p1"))
    await books.plan()
    assert await books.check() == []
    assert await books.value("SELECT count(*) FROM dispatch.dead_letter") == 1
    async with books.office.pool.acquire() as connection:
        asked = [change_id("mark/1/1"), change_id("mark/2/1"), lost := uuid4()]
        assert await unplanned(connection, asked) == [lost]
    await books.execute("DELETE FROM dispatch.dead_letter")
    (one,) = await books.check()
    assert (one.fault, one.subject) == (Fault.CHANGE_LOST, change_id("mark/1/1"))


async def test_the_check_keeps_to_its_period_and_school(books: Books) -> None:
    await books.publish(record(pupil="p1"))
    await books.plan()
    await books.execute("UPDATE dispatch.change SET guardians = 9")
    now = books.office.clock.at
    async with books.office.pool.acquire() as connection:
        assert len(await check(connection, Period(since=now - timedelta(hours=1)))) == 1
        assert await check(connection, Period(since=now + timedelta(hours=1))) == []
        assert await check(connection, Period(until=now - timedelta(hours=1))) == []
        assert await check(connection, Period(school="another")) == []
        assert len(await check(connection, Period(school="ilinskaya"))) == 1


async def test_what_was_planned_before_the_count_is_not_blamed(books: Books) -> None:
    await books.publish(record(pupil="p1"))
    await books.plan()
    await books.execute("UPDATE dispatch.change SET guardians = NULL")
    assert await books.check() == []


async def test_operators_are_told_once_until_it_is_gone(books: Books) -> None:
    await books.publish(record(pupil="p1"))
    await books.plan()
    watch = LedgerWatch(books.office.clock)
    connection = await connect(books.database, Service.DISPATCHER)

    async def notices() -> list[dict[str, str]]:
        rows = await connection.fetch("SELECT value FROM dispatch.outbox WHERE topic = 'staff.notices'")
        return [orjson.loads(row["value"]) for row in rows]

    assert await watch.round(connection) == []
    await books.execute("UPDATE dispatch.change SET guardians = guardians + 1")
    assert len(await watch.round(connection)) == 1
    await watch.round(connection)
    assert [(one["kind"], one["school"], one["rows"]) for one in await notices()] == [
        ("ledger_disagrees", "ilinskaya", "1")
    ]
    await books.execute("UPDATE dispatch.change SET guardians = guardians - 1")
    assert await watch.round(connection) == []
    assert await books.value("SELECT count(*) FROM dispatch.discrepancy WHERE gone_at IS NULL") == 0
    await books.execute("UPDATE dispatch.change SET guardians = guardians + 1")
    await watch.round(connection)
    assert len(await notices()) == 2, "it came back: told again"
    await connection.close()
