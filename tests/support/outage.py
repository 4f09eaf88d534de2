"""Something goes away while a journal pours changes in, and comes back: the play of `make chaos` in which
nobody is killed but what the installation leans on.

`outage` posts all along; when families have begun to be told, `away` is entered for a while. What
arrived is judged in `support.reckoning`.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sandbox.faults import BreakAfterAccepting, Garbage, Slow
from sandbox.journal import Journal, Told
from sandbox.world import World
from shared.categories import Channel
from support.burst import AT_ONCE, Sent, burst, lanes
from support.chaos import add
from support.rest import at_rest, to_print
from support.stage import Plan, Stage, chosen_seed, fetch

SECONDS = 30.0
_LANES = 2
_ENDLESS = 10**6


def small(changes: int = 500) -> Plan:
    """Everything leaves at once, in the middle of a school day."""
    plan = Plan(
        changes=changes,
        during=0,
        after=0,
        rate=15.0,
        seed=chosen_seed(),
        waits=True,
        sorts=AT_ONCE,
        classes=8,
        pupils=25,
        pace=0.1,
        patience=600,
    )
    print(f"\nVESTNIK_CHAOS_SEED={plan.seed}")  # noqa: T201 - to play it again
    return plan


@dataclass(frozen=True, slots=True)
class Span:
    """When it was away, real time."""

    since: datetime
    until: datetime


async def outage(
    stage: Stage, away: AbstractAsyncContextManager[None], *, channel: Channel | None = None, after: int = 3
) -> Span:
    """To rest and to print. The trouble begins `after` so many messages have arrived, on the `channel` if
    one is named."""
    began = time.monotonic()
    plan = stage.plan
    stage.sent = burst(stage.school, plan.changes, plan.seed, plan.sorts)
    async with asyncio.TaskGroup() as group:
        posts = [
            group.create_task(_post(stage, lane, random.Random(f"{plan.seed}/{n}")))
            for n, lane in enumerate(lanes(stage.sent, _LANES))
        ]
        while _begun(stage.world, channel) < after:
            await asyncio.sleep(0.05)
        since = datetime.now(UTC)
        async with away:
            await asyncio.sleep(SECONDS)
        until = datetime.now(UTC)
    for done in posts:
        add(stage.told, done.result())
    await at_rest(stage)
    print(f"drained {(datetime.now(UTC) - until).total_seconds():.0f} s after it was back")  # noqa: T201
    await to_print(stage)
    stage.seconds = time.monotonic() - began
    return Span(since, until)


def _begun(world: World, channel: Channel | None) -> int:
    arrived = {
        Channel.EMAIL: len(world.inbox.letters),
        Channel.SMS: len(world.sms.messages),
        Channel.PUSH: len(world.push.notices),
    }
    return sum(arrived.values()) if channel is None else arrived[channel]


async def _post(stage: Stage, lane: list[Sent], rng: random.Random) -> Told:
    async with Journal(stage.fleet.url, stage.token, patience=stage.plan.patience) as journal:
        while lane:
            batch = [lane.pop(0) for _ in range(min(len(lane), rng.randint(1, 8)))]
            await journal.post(dict(one.event) for one in batch)
            await asyncio.sleep(stage.plan.pace * len(batch))
        return journal.told


class Trouble(StrEnum):
    """How a gateway may fail everybody."""

    CUT = "cut"  # connections are refused
    SLOW = "slow"  # half a minute for each answer: nobody waits so long
    GARBAGE = "garbage"  # something that is not the protocol, whatever was asked
    CLOSES = "closes"  # takes the message and closes without a word


@contextlib.asynccontextmanager
async def troubled(stage: Stage, channel: Channel, trouble: Trouble) -> AsyncIterator[None]:
    """The channel's gateway in this trouble."""
    world = stage.world
    server = {Channel.EMAIL: world.inbox, Channel.SMS: world.sms, Channel.PUSH: world.push}[channel]
    if trouble is Trouble.CUT:
        await server.stop()
        try:
            yield
        finally:
            await server.start()
        return
    does = {Trouble.SLOW: Slow(30.0), Trouble.GARBAGE: Garbage(), Trouble.CLOSES: BreakAfterAccepting()}
    # A letter is asked about once, when it is handed over; a gateway of SMS also when it is asked for one.
    everywhere = trouble is Trouble.GARBAGE or (trouble is Trouble.SLOW and channel is Channel.SMS)
    rule = server.faults.add(does[trouble], on="*" if everywhere else None, times=_ENDLESS)
    try:
        yield
    finally:
        struck = _ENDLESS - (rule.times or 0)
        rule.times = 0
        assert struck, "nobody met the trouble"
        if trouble is Trouble.CLOSES:
            stage.broken_off[f"{channel} after"] += struck


_CAME_BACK = """
SELECT count(*) FROM dispatch.message_history h JOIN dispatch.message m ON m.id = h.message
WHERE m.channel = $1 AND h.from_status = 'sending' AND h.to_status IN ('composed', 'unknown', 'failed')
  AND h.at BETWEEN $2 AND $3
"""
_OTHERS = """
SELECT count(*) FROM dispatch.message_history h JOIN dispatch.message m ON m.id = h.message
WHERE m.channel <> $1 AND h.to_status = 'accepted' AND h.at BETWEEN $2 AND $3
"""


async def felt(stage: Stage, channel: Channel, span: Span) -> list[str]:
    """Whether the trouble was what it should be: this channel met it, the others went on."""
    asked = (channel.value, span.since, span.until)
    wrong = []
    if not (await fetch(stage.database, _CAME_BACK, *asked))[0][0]:
        wrong.append(f"no message of {channel} came back")
    if not (await fetch(stage.database, _OTHERS, *asked))[0][0]:
        wrong.append(f"the other channels stood still while {channel} was away")
    return wrong
