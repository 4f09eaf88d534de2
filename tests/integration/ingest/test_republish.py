"""What was lost behind ingest comes again from its inbox, on any bus (DESIGN §9)."""

from datetime import timedelta

from ingest.republish import republish
from shared.deed import Deed

from .conftest import SCHOOL_TIME, World

DEED = Deed("vestnik/op", "сбой планировщика")


async def test_accepted_changes_come_again_as_they_were(world: World) -> None:
    """Same number, same time of acceptance, same key, same order; stale and refused ones do not."""
    first, second = world.mark(), world.mark(subject="p-2", data={"class": None})
    await world.post(first, second)
    await world.post(world.mark(data={"entity": "mark/1", "revision": 0}), world.mark(subject="nobody"))
    assert await world.count("inbox") == 3, "one of them stale"
    before = await world.outbox()
    assert [key for key, _ in before] == ["ilinskaya/5А", "ilinskaya/5Б"]
    assert await republish(world.pool, school="ilinskaya", since=SCHOOL_TIME, deed=DEED) == 2
    assert (await world.outbox())[2:] == before
    (noted,) = await world.pool.fetch("SELECT * FROM ingest.audit WHERE action = 'changes.republished'")
    actor, school, details = noted["actor"], noted["school"], noted["details"]
    assert (actor, school, details["reason"], details["changes"]) == (
        "vestnik/op", "ilinskaya", "сбой планировщика", 2,
    )  # fmt: skip


async def test_only_the_period_and_the_school(world: World) -> None:
    await world.post(world.mark())
    later = SCHOOL_TIME + timedelta(minutes=1)
    assert await republish(world.pool, school="ilinskaya", since=later, deed=DEED) == 0
    assert await republish(world.pool, school="ilinsk", since=SCHOOL_TIME, deed=DEED) == 0
    early = SCHOOL_TIME - timedelta(days=1)
    assert await republish(world.pool, school="ilinskaya", since=early, until=SCHOOL_TIME, deed=DEED) == 0
    assert await republish(world.pool, school="ilinskaya", since=early, until=later, deed=DEED) == 1


async def test_more_than_a_chunk_keeps_its_order(world: World) -> None:
    await world.post(*(world.mark() for _ in range(700)))
    before = await world.outbox()
    assert await republish(world.pool, school="ilinskaya", since=SCHOOL_TIME, deed=DEED) == 700
    assert (await world.outbox())[700:] == before
