"""Kill -9 of dispatchers, again and again, while they send: the play behind the guarantees of DESIGN §7.

Moments are counted in messages, not in seconds: however slow the machine, every kill falls among
messages that are going out. The journal keeps a backlog and no more, or a few long letters would
say what many short ones were to say.
"""

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sandbox.faults import Slow
from sandbox.journal import Journal, Told
from support.burst import AT_ONCE, Sent, burst, lanes
from support.buses import BusKit
from support.chaos import add, arrived
from support.fleet import Fleet, services
from support.kafka_lag import caught_up
from support.reckoning import reckon
from support.rest import at_rest, to_print
from support.stage import Plan, Stage, chosen_seed, fetch, prepared

RATE = 3.0
"""School seconds in a real one: the day is long enough for everything to leave before the night."""
BACKLOG = 1_000
"""Messages, decisions and changes on their way at a time."""
_LANES = 3
_STUCK = 240.0

_GONE = """
SELECT (SELECT count(*) FROM dispatch.message WHERE told_at IS NOT NULL) AS told,
       (SELECT count(*) FROM dispatch.message WHERE status IN ('composed', 'sending'))
       + (SELECT count(*) FROM dispatch.decision
          WHERE verdict = 'tell' AND message IS NULL AND cancelled_by IS NULL)
       + (SELECT count(*) FROM ingest.inbox i LEFT JOIN dispatch.change c USING (change)
          WHERE NOT i.stale AND c.change IS NULL) AS under_way
"""


@dataclass(slots=True)
class _Progress:
    told: int = 0
    under_way: int = 0
    posted: int = 0
    over: bool = False


async def weathered(bus: BusKit, folder: Path, *, messages: int, kills: int, classes: int) -> None:
    """A storm over a school of so many classes and three dispatchers, and its reckoning."""
    plan = Plan(
        changes=3 * messages,
        during=0,
        after=0,
        rate=RATE,
        seed=chosen_seed(),
        waits=True,
        sorts=AT_ONCE,
        classes=classes,
        pupils=25,
        patience=600,
    )
    print(f"\nVESTNIK_CHAOS_SEED={plan.seed}")  # noqa: T201 - to play it again

    def fleet(place: Path, environment: Mapping[str, str]) -> Fleet:
        return services(place, environment, {"ingest": 1, "dispatcher": 3, "print_queue": 1})

    async with prepared(plan, folder, bus.database, bus.environment, fleet) as stage:
        stage.caught_up = None if bus.address == "postgres" else lambda: caught_up(bus)
        async with stage.fleet.running():
            await storm(stage, messages=messages, kills=kills)
        verdict = await reckon(stage)
    print(verdict)  # noqa: T201 - the counts are what the run is for
    assert not verdict.wrongs, str(verdict)


async def storm(stage: Stage, *, messages: int, kills: int) -> None:
    """Post until families were told so many messages; `kills` of random dispatchers spread over them; then
    to rest and to print. The plan's `changes` are the most that may be posted."""
    began = time.monotonic()
    plan, rng = stage.plan, random.Random(f"storm/{stage.plan.seed}")
    everything = burst(stage.school, plan.changes, plan.seed, plan.sorts)
    slow = [
        faults.add(Slow(0.2), probability=0.5)
        for faults in (stage.world.inbox.faults, stage.world.sms.faults, stage.world.push.faults)
    ]
    progress = _Progress()
    sent: list[Sent] = []
    async with asyncio.TaskGroup() as group:
        looks = group.create_task(_look(stage, progress, messages))
        posts = [
            group.create_task(_post(stage, lane, progress, sent, random.Random(f"{plan.seed}/{n}")))
            for n, lane in enumerate(lanes(everything, _LANES))
        ]
        await _kill(stage, rng, messages, kills, progress)
        await looks
    assert progress.told >= messages, f"{len(everything)} changes made only {progress.told} messages"
    for done in posts:
        add(stage.told, done.result())
    stage.sent = sorted(sent, key=lambda one: one.id)
    for rule in slow:
        rule.times = 0
    await stage.fleet.ready()
    await at_rest(stage)
    await to_print(stage)
    stage.seconds = time.monotonic() - began


async def _look(stage: Stage, progress: _Progress, messages: int) -> None:
    """Until enough was told, or the journal has nothing more to say and nothing is under way."""
    moved = time.monotonic()
    while not progress.over:
        row = (await fetch(stage.database, _GONE))[0]
        if row["told"] != progress.told:
            moved = time.monotonic()
        progress.told, progress.under_way = row["told"], row["under_way"]
        spent = progress.posted == stage.plan.changes and not progress.under_way
        progress.over = progress.told >= messages or spent
        assert time.monotonic() - moved < _STUCK, f"nothing was sent for {_STUCK} s: {progress}"
        await asyncio.sleep(0.5)


async def _post(
    stage: Stage, lane: list[Sent], progress: _Progress, sent: list[Sent], rng: random.Random
) -> Told:
    async with Journal(stage.fleet.url, stage.token, patience=stage.plan.patience) as journal:
        while lane and not progress.over:
            if progress.under_way > BACKLOG:
                await asyncio.sleep(0.1)
                continue
            batch = [lane.pop(0) for _ in range(min(len(lane), rng.randint(1, 24)))]
            await journal.post(dict(one.event) for one in batch)
            sent += batch
            progress.posted += len(batch)
            progress.under_way += len(batch)
        return journal.told


async def _kill(stage: Stage, rng: random.Random, messages: int, kills: int, progress: _Progress) -> None:
    """Any dispatcher that works, restarted at once."""
    for moment in sorted(rng.sample(range(messages // 50, messages * 49 // 50), kills)):
        while arrived(stage.world) < moment and not progress.over:
            await asyncio.sleep(0.005)
        await asyncio.sleep(rng.uniform(0, 0.1))
        while not (working := await stage.fleet.working("dispatcher")):
            await asyncio.sleep(0.1)
        name = rng.choice(working)
        stage.blows.append(datetime.now(UTC))
        await stage.fleet.kill(name)
        await stage.fleet.start(name)
