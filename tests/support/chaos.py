"""Kill -9 of everything while a journal pours changes in: the play that chaos tests put on.

A `Stage` is a school with its lists loaded, the outside world in this process, an installation as
a fleet. `play` posts a burst, kills at seeded moments, waits until nothing is left to do, stops in
order. What arrived is judged in `support.reckoning`.
"""

import asyncio
import contextlib
import io
import os
import random
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
from pydantic import SecretStr
from rich.console import Console

from onebox.acts import create_token
from onebox.lists import import_lists
from print_queue.printing import print_week
from sandbox.faults import NO_SUCH_MAILBOX, BreakAfterAccepting, BreakBeforeAccepting, Rule, Slow
from sandbox.journal import Journal, Kind, School, Size, Told, build, write_registry
from sandbox.world import World
from shared.clock import AcceleratedClock
from shared.db import connect
from shared.registry import Families
from shared.service import Context
from shared.settings import Settings
from support.burst import JOURNAL, SHARES, Sent, burst, lanes
from support.fleet import Fleet

START = datetime.fromisoformat("2026-11-23T12:30:00+03:00")
"""A Monday, after the hour until which absences are held."""
_ENDLESS, _FOR_CERTAIN = 10**6, 2
_SLOW = "slow"

TIME_PASSES_WHILE_NOBODY_SENDS = """
UPDATE dispatch.message SET lease_until = clock_timestamp() - interval '1 second' WHERE status = 'sending'
"""
"""A minute goes by between the death of the only dispatcher and its next start: leases run out."""

TIME_PASSES = """
UPDATE dispatch.sms_attempt a SET started_at = started_at - interval '61 seconds'
FROM dispatch.message m WHERE m.id = a.message AND m.status = 'unknown' AND a.settled_at IS NULL;
UPDATE dispatch.message SET next_attempt_at = clock_timestamp()
WHERE status IN ('unknown', 'composed') AND next_attempt_at > clock_timestamp()
"""
"""The pause before another attempt is over, and the gateway's settle time with it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How large and how rough. `rate`: school seconds in a real one. `during`, `after`: kills while
    changes pour in, and while the last ones are being told. `waits`: leases, retries and settle times
    take their real time; else it is as if it had passed."""

    changes: int
    during: int
    after: int
    rate: float
    seed: int
    waits: bool
    shares: Mapping[Kind, float] = field(default_factory=lambda: SHARES)
    classes: int = 3
    pupils: int = 12
    pace: float = 0.0
    patience: float = 120.0


@dataclass(slots=True)
class Stage:
    """What a play needs, and what remains of it. `beyond`: other things that may be killed, by name;
    each kills and brings back what it is about."""

    plan: Plan
    fleet: Fleet
    world: World
    school: School
    database: str
    context: Context
    token: str
    families: Families
    beyond: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    caught_up: Callable[[], Awaitable[bool]] | None = None
    sent: Sequence[Sent] = ()
    told: Told = field(default_factory=Told)
    broken_off: Counter[str] = field(default_factory=Counter)
    papers: list[Path] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def clock(self) -> AcceleratedClock:
        assert isinstance(self.context.clock, AcceleratedClock)
        return self.context.clock


def chosen_seed() -> int:
    """VESTNIK_CHAOS_SEED, or a new one."""
    said = os.environ.get("VESTNIK_CHAOS_SEED")
    return int(said) if said else secrets.randbelow(10**6)


def clock_settings(rate: float) -> tuple[AcceleratedClock, dict[str, str]]:
    """One clock for every process, through all their lives."""
    clock = AcceleratedClock(START.astimezone(UTC), datetime.now(UTC) + timedelta(seconds=4), rate)
    return clock, {
        "VESTNIK_CLOCK_START": clock.start.isoformat(),
        "VESTNIK_CLOCK_ANCHOR": clock.anchor.isoformat(),
        "VESTNIK_CLOCK_RATE": str(rate),
    }


@contextlib.asynccontextmanager
async def prepared(
    plan: Plan, folder: Path, database: str, bus: Mapping[str, str], make_fleet: Callable[..., Fleet]
) -> AsyncIterator[Stage]:
    """The world running, the lists loaded, nothing started. `make_fleet(folder, environment)`;
    `bus` are the settings of the database and the bus for the processes."""
    async with World() as world:
        size = Size(classes=plan.classes, pupils=plan.pupils, shares=plan.shares)
        school = build(plan.seed, size, subscriptions=world.push.subscribe)
        world.inbox.faults.add(NO_SUCH_MAILBOX, to="no-such-mailbox*", on="rcpt")
        clock, clock_environment = clock_settings(plan.rate)
        data = folder / "data"
        environment = {
            **world.settings(),
            **bus,
            **clock_environment,
            "VESTNIK_DATA": str(data),
            "VESTNIK_MAIL_FROM": "Школа <dnevnik@ilinskaya.example>",
            "VESTNIK_VAPID_SUBJECT": "mailto:dnevnik@ilinskaya.example",
            "VESTNIK_LOG_LEVEL": "warning",
        }
        settings = Settings(
            data=data,
            bus=bus.get("VESTNIK_BUS", "postgres"),
            smtp_url=SecretStr(environment["VESTNIK_SMTP_URL"]),
            mail_from=environment["VESTNIK_MAIL_FROM"],
            smsaero_email=environment["VESTNIK_SMSAERO_EMAIL"],
            smsaero_api_key=SecretStr(environment["VESTNIK_SMSAERO_API_KEY"]),
            smsaero_url=environment["VESTNIK_SMSAERO_URL"],
            push_hosts=environment["VESTNIK_PUSH_HOSTS"],
        )
        context = Context(settings, database, clock)
        write_registry(folder / "registry", school)
        report = await import_lists(folder / "registry", context, Console(file=io.StringIO()))
        assert not report.refused, report.refusals
        yield Stage(
            plan,
            make_fleet(folder, environment),
            world,
            school,
            database,
            context,
            await create_token(context, school.id, JOURNAL),
            await _registry(database, school),
        )


async def _registry(database: str, school: School) -> Families:
    families = Families()
    connection = await connect(database)
    try:
        await families.load(connection, whole=[school.id])
    finally:
        await connection.close()
    return families


async def play(stage: Stage) -> None:
    """The burst and the kills, until nothing is left in hand; then the week goes to print. The fleet
    must be running. Raises TimeoutError when it does not come to rest in time."""
    began = time.monotonic()
    plan, rng = stage.plan, random.Random(f"kills/{stage.plan.seed}")
    stage.sent = burst(stage.school, plan.changes, plan.seed)
    weather = _weather(stage.world)
    await _pour(stage, rng)
    for _ in range(plan.after):
        await _until_something_is_sent(stage)
        await asyncio.sleep(rng.uniform(0, 0.3))
        await _strike(stage, rng)
    _clear(stage, weather)
    await stage.fleet.ready()
    await _rest(stage)
    await print_week(stage.context)
    await _typeset(stage)
    stage.papers = sorted((stage.context.settings.data / "paper").rglob("*.pdf"))
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
        told = done.result()
        stage.told.accepted += told.accepted
        stage.told.duplicates += told.duplicates
        stage.told.stale += told.stale
        stage.told.rejected += told.rejected
        stage.told.retries += told.retries


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
    before = _arrived(stage.world)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(6):
            while _arrived(stage.world) == before:
                await asyncio.sleep(0.01)


def _arrived(world: World) -> int:
    return len(world.inbox.letters) + len(world.sms.messages) + len(world.push.notices)


_LEFT = """
SELECT (SELECT count(*) FROM ingest.inbox i LEFT JOIN dispatch.change c USING (change)
        WHERE NOT i.stale AND c.change IS NULL) AS unplanned,
       (SELECT count(*) FROM dispatch.decision
        WHERE verdict = 'tell' AND message IS NULL AND cancelled_by IS NULL) AS undue,
       (SELECT count(*) FROM dispatch.message WHERE status IN ('composed', 'sending', 'unknown')) AS going,
       (SELECT count(*) FROM ingest.entity e LEFT JOIN paper.ledger l USING (source, entity)
        WHERE (l.revision, l.time) IS DISTINCT FROM (e.revision, e.time)) AS unkept
"""


async def _rest(stage: Stage) -> None:
    """Until nothing is planned, composed, sent or kept any more; says what is left when it never is."""
    left = "nothing was asked"
    try:
        async with asyncio.timeout(stage.plan.patience):
            while True:
                if not stage.plan.waits:
                    await execute(stage.database, TIME_PASSES)
                row = (await fetch(stage.database, _LEFT))[0]
                left = str(dict(row))
                if not any(row.values()) and await _carried(stage):
                    return
                await asyncio.sleep(0.3)
    except TimeoutError:
        raise AssertionError(f"not at rest after {stage.plan.patience} s: {left}") from None


async def _carried(stage: Stage) -> bool:
    """Whether every consumer has taken in everything on the bus."""
    if stage.caught_up is not None:
        return await stage.caught_up()
    rows = await fetch(stage.database, _BEHIND)
    return not rows


_BEHIND = """
WITH log AS (
    SELECT 'ingest' AS writer, topic, xid, id FROM ingest.outbox
    UNION ALL SELECT 'dispatcher', topic, xid, id FROM dispatch.outbox
    UNION ALL SELECT 'print_queue', topic, xid, id FROM paper.outbox
), cursor AS (
    SELECT * FROM dispatch.bus_cursor UNION ALL SELECT * FROM paper.bus_cursor
)
SELECT cursor.bus_group, log.topic FROM cursor JOIN log USING (writer, topic)
WHERE (log.xid, log.id) > (cursor.xid, cursor.id)
"""


async def _typeset(stage: Stage) -> None:
    """Until every frozen batch has its PDF."""
    async with asyncio.timeout(stage.plan.patience):
        while await fetch(stage.database, "SELECT id FROM paper.batch WHERE state = 'frozen'"):
            await asyncio.sleep(0.3)


async def fetch(database: str, query: str, *arguments: object) -> list[asyncpg.Record]:
    connection = await connect(database)
    try:
        return await connection.fetch(query, *arguments)
    finally:
        await connection.close()


async def execute(database: str, statements: str) -> None:
    connection = await connect(database)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()
