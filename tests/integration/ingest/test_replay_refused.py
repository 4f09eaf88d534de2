"""What was refused can be replayed after the cause is mended (DESIGN §3, R-G2)."""

import json

from ingest.replay import Replayed, replay_refused
from shared.clock import RealClock

from .conftest import World

NEW_PUPIL = """INSERT INTO roster.pupil (school, pupil, class, family_name, given_name)
               VALUES ('ilinskaya', $1, '5А', 'Орлов', 'Пётр')"""


async def test_mended_ones_are_taken_in_order_of_arrival(world: World) -> None:
    """§3: two revisions of one mark of a pupil who was missing: both are told of, the newest last."""
    first = world.mark(subject="p-9", data={"entity": "mark/x", "revision": 1})
    second = world.mark(subject="p-9", data={"entity": "mark/x", "revision": 2})
    never = world.mark(subject="p-404")
    await world.post(first, second, never)
    await world.post(first)  # came again: its place stays the first
    assert await replay_refused(world.pool, RealClock(), None) == Replayed(accepted=0, refused=3)
    assert await world.pool.fetchval("SELECT times FROM ingest.refused WHERE id = $1", first["id"]) == 2
    await world.admin.execute(NEW_PUPIL, "p-9")
    assert await replay_refused(world.pool, RealClock(), "gogol") == Replayed()
    assert await replay_refused(world.pool, RealClock(), "ilinskaya") == Replayed(accepted=2, refused=1)
    assert [event["data"]["revision"] for _, event in await world.outbox()] == [1, 2]
    assert await world.count("refused") == 1
    assert (await world.post(first)).json()["duplicates"] == 1


async def test_what_the_journal_overtook_is_stale_and_goes(world: World) -> None:
    """§3: an older revision replayed late changes nothing."""
    old = world.mark(subject="p-9", data={"entity": "mark/x", "revision": 1})
    await world.post(old)
    await world.admin.execute(NEW_PUPIL, "p-9")
    await world.post(world.mark(subject="p-9", data={"entity": "mark/x", "revision": 2}))
    assert await replay_refused(world.pool, RealClock(), None) == Replayed(accepted=1, refused=0)
    assert len(await world.outbox()) == 1


async def test_what_was_not_kept_whole_is_never_replayed(world: World) -> None:
    """§3: a text with a sign that cannot be stored must be sent again; nobody gets it maimed."""
    torn = world.mark(data={"comment": "a\0b"})
    await world.send(json.dumps([torn]).encode())
    assert await replay_refused(world.pool, RealClock(), None) == Replayed(accepted=0, refused=1)
    assert await world.outbox() == []


async def test_more_than_a_chunk(world: World) -> None:
    """Chunks meet: everything is judged once, also what stays refused."""
    events = [world.mark(subject="p-9" if at % 2 else "p-404") for at in range(1200)]
    for start in range(0, len(events), 400):
        await world.post(*events[start : start + 400])
    await world.admin.execute(NEW_PUPIL, "p-9")
    assert await replay_refused(world.pool, RealClock(), None) == Replayed(accepted=600, refused=600)
