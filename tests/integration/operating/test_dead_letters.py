"""Dead letters: shown with their reason, given again, let go; each kept in the audit (DESIGN §9, R-D2)."""

import asyncio
from uuid import UUID

import pytest
from integration.ledger.conftest import Books, books
from support.families import record

from dispatcher.app import subscriptions
from shared.bus import dead
from shared.bus.base import Subscription
from shared.bus.dead import Again, DeadLetter
from shared.clock import RealClock
from shared.deed import Deed
from shared.service import Context
from shared.settings import Settings
from shared.topics import Service

__all__ = ["books"]

DEED = Deed("ilinskaya/op", "список загружен")
OWN = Service.DISPATCHER


@pytest.fixture
async def letter(books: Books) -> DeadLetter:
    """A change of a pupil whom the lists do not know yet."""
    await books.publish(record(pupil="late", entity="mark/7"))
    await books.plan()
    async with books.office.pool.acquire() as connection:
        (found,) = await dead.waiting(connection, OWN)
    return found


def readers(books: Books) -> list[Subscription]:
    return subscriptions(Context(Settings(), books.database, RealClock()))


async def enrol(books: Books) -> None:
    """The pupil comes into the lists after all, as a child of g1."""
    async with books.office.admin.acquire() as connection:
        for statement in (
            """INSERT INTO roster.pupil (school, pupil, class, family_name, given_name)
               VALUES ('ilinskaya', 'late', '5А', 'Петров', 'Олег')""",
            "INSERT INTO roster.guardianship VALUES ('ilinskaya', 'late', 'g1', 'mother')",
            "UPDATE consent.epoch SET value = value + 1",
        ):
            await connection.execute(statement)


async def replay(books: Books, letter: UUID, deed: Deed = DEED) -> Again:
    done = await dead.replay(books.office.pool, OWN, readers(books), [letter], deed)
    return done[letter]


async def test_it_says_why_and_is_given_again(books: Books, letter: DeadLetter) -> None:
    assert (letter.reason, letter.school, letter.topic) == ("unknown pupil", "ilinskaya", "journal.changes")
    assert await replay(books, letter.id) is Again.REFUSED, "the cause is still there"
    async with books.office.pool.acquire() as connection:
        assert await dead.count(connection, OWN) == 1
    await enrol(books)
    assert await replay(books, letter.id) is Again.DONE
    assert await replay(books, letter.id) is Again.NOT_THERE
    async with books.office.pool.acquire() as connection:
        assert await dead.waiting(connection, OWN) == []
    assert await books.value("SELECT guardian FROM dispatch.decision") == "g1"
    rows = await books.office.pool.fetch("SELECT about, details FROM dispatch.audit ORDER BY id")
    assert [row["details"]["outcome"] for row in rows] == ["refused", "done"]
    assert {row["about"] for row in rows} == {str(letter.id)}
    assert await books.check() == []


async def test_two_operators_at_once_give_it_once(books: Books, letter: DeadLetter) -> None:
    await enrol(books)
    outcomes = await asyncio.gather(replay(books, letter.id), replay(books, letter.id))
    assert sorted(outcomes) == [Again.DONE, Again.NOT_THERE]
    assert await books.value("SELECT count(*) FROM dispatch.decision") == 1


async def test_let_go_it_is_still_no_loss(books: Books, letter: DeadLetter) -> None:
    """The row stays: the check goes on knowing where the change went."""
    foreign = Deed("z/op", "не моё", "z")
    async with books.office.pool.acquire() as connection, connection.transaction():
        assert await dead.waiting(connection, OWN, school="z") == []
        assert await dead.discard(connection, OWN, [letter.id], foreign) == []
        assert await dead.discard(connection, OWN, [letter.id], DEED) == [letter.id]
        assert await dead.discard(connection, OWN, [letter.id], DEED) == []
    assert await replay(books, letter.id) is Again.NOT_THERE
    assert await books.value("SELECT details->>'reason' FROM dispatch.audit") == "список загружен"
    assert await books.check() == []


async def test_a_letter_that_breaks_its_handler_stays(books: Books) -> None:
    await books.execute(
        """INSERT INTO dispatch.dead_letter (bus_group, topic, key, value, position, reason)
           VALUES ('dispatcher', 'journal.changes', 'ilinskaya/', 'null', 'ingest:1.1', 'x'),
                  ('nobody', 'journal.changes', '', '{}', 'ingest:1.2', 'x')"""
    )
    async with books.office.pool.acquire() as connection:
        letters = [one.id for one in await dead.waiting(connection, OWN)]
    done = await dead.replay(books.office.pool, OWN, readers(books), letters, DEED)
    assert set(done.values()) == {Again.REFUSED}
