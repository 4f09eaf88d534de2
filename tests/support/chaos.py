"""Kill -9 of everything while a journal pours changes in: the play that chaos tests put on.

`play` posts a burst on a `support.stage`, kills at seeded moments, waits until nothing is left to do,
stops in order. What arrived is judged in `support.reckoning`.
"""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Sequence

from sandbox.faults import BreakAfterAccepting, BreakBeforeAccepting, Rule, Slow
from sandbox.journal import Journal, Told
from sandbox.world import World
from support.burst import Sent, burst, lanes
from support.rest import TIME_PASSES_WHILE_NOBODY_SENDS, at_rest, to_print
from support.stage import Stage, execute

_ENDLESS, _FOR_CERTAIN = 10**6, 2
_SLOW = "slow"


async def play(stage: Stage) -> None:
    """The burst and the kills, until nothing is left in hand; then the week goes to print. The fleet
    must be running. Raises TimeoutError when it does not come to rest in time."""
    began = time.monotonic()
    plan, rng = stage.plan, random.Random(f"kills/{stage.plan.seed}")
    stage.sent = burst(stage.school, plan.changes, plan.seed, plan.sorts)
    weather = _weather(stage.world)
    await _pour(stage, rng)
    for _ in range(plan.after):
        await _until_something_is_sent(stage)
        await asyncio.sleep(rng.uniform(0, 0.3))
        await _strike(stage, rng)
    _clear(stage, weather)
    await stage.fleet.ready()
    await at_rest(stage)
    await to_print(stage)
    stage.seconds = time.monotonic() - began


def _weather(world: World) -> list[tuple[str, int, Rule]]:
    """What happens, how often at most, its rule: connections to gateways break after a message was
    taken (the first of each for certain) and before; and gateways think a while, so that a kill finds
    something in flight."""
    places = {"email": world.inbox.faults, "sms": world.sms.faults, "push": world.push.faults}
    weather = []
    for channel, faults in places.items():
        often = 0.02 if channel == "email" else 0.06  # the others have far fewer messages
        for name, does, times, probability in (
            (f"{channel} after", BreakAfterAccepting(), _FOR_CERTAIN, 1.0),
            (f"{channel} after", BreakAfterAccepting(), _ENDLESS, often),
            (f"{channel} before", BreakBeforeAccepting(), _ENDLESS, often),
            (_SLOW, Slow(0.2), _ENDLESS, 0.5),
        ):
            weather.append((name, times, faults.add(does, times=times, probability=probability)))
    return weather


def _clear(stage: Stage, weather: Sequence[tuple[str, int, Rule]]) -> None:
    """From now on connections hold; how many broke is noted."""
    broken = Counter[str]()
    for name, times, rule in weather:
        broken[name] += times - (rule.times or 0)
        rule.times = 0
    del broken[_SLOW]
    stage.broken_off = broken


async def _pour(stage: Stage, rng: random.Random) -> None:
    """Two connections of the journal post in batches of any size, while something is killed each time
    another share of the burst has been answered. Kills stop before the burst does."""
    plan = stage.plan
    moments = sorted(rng.sample(range(plan.changes // 20, plan.changes * 19 // 20), plan.during))
    order = _order(stage, rng)
    answered = 0

    async def post(lane: list[Sent], rng: random.Random) -> Told:
        nonlocal answered
        async with Journal(stage.fleet.url, stage.token, patience=plan.patience) as journal:
            while lane:
                batch = [lane.pop(0) for _ in range(min(len(lane), rng.randint(1, 12)))]
                await journal.post(dict(one.event) for one in batch)
                answered += len(batch)
                await asyncio.sleep(plan.pace * len(batch))
            return journal.told

    async def kill() -> None:
        for moment in moments:
            while answered < moment:
                await asyncio.sleep(0.01)
            await asyncio.sleep(rng.uniform(0, 0.1))
            await _strike(stage, rng, order)

    async with asyncio.TaskGroup() as group:
        posts = [
            group.create_task(post(lane, random.Random(f"{plan.seed}/{number}")))
            for number, lane in enumerate(lanes(stage.sent, 2))
        ]
        group.create_task(kill())
    for done in posts:
        add(stage.told, done.result())


def add(told: Told, more: Told) -> None:
    """What several connections of the journal were answered, together."""
    told.accepted += more.accepted
    told.duplicates += more.duplicates
    told.stale += more.stale
    told.rejected += more.rejected
    told.retries += more.retries


def _order(stage: Stage, rng: random.Random) -> list[str]:
    """Who is killed in the burst: everyone in turn, in a random order each time."""
    everyone = [*stage.fleet.names, *stage.beyond]
    rounds = -(-stage.plan.during // len(everyone))
    return [name for _ in range(rounds) for name in rng.sample(everyone, len(everyone))][: stage.plan.during]


async def _strike(stage: Stage, rng: random.Random, order: list[str] | None = None) -> None:
    """Kill the next in order, or anyone, and bring it back at once."""
    name = order.pop(0) if order else rng.choice([*stage.fleet.names, *stage.beyond])
    if name in stage.beyond:
        await stage.beyond[name]()
        stage.fleet.kills[name] += 1
        return
    await stage.fleet.kill(name)
    sends = {program.name for program in stage.fleet.programs if program.service in {"dispatcher", "onebox"}}
    if not stage.plan.waits and sends == {name}:
        await execute(stage.database, TIME_PASSES_WHILE_NOBODY_SENDS)
    await stage.fleet.start(name)


async def _until_something_is_sent(stage: Stage) -> None:
    """A letter, an SMS or a notice arrives; or a few seconds go by without one."""
    before = arrived(stage.world)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(6):
            while arrived(stage.world) == before:
                await asyncio.sleep(0.01)


def arrived(world: World) -> int:
    """How many messages the gateways took so far."""
    return len(world.inbox.letters) + len(world.sms.messages) + len(world.push.notices)
