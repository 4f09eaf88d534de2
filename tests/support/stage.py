"""A stage for chaos: a school with its lists loaded, the outside world in this process, an installation
as a fleet of processes.
"""

import contextlib
import io
import os
import secrets
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
from sandbox.faults import NO_SUCH_MAILBOX
from sandbox.journal import Kind, School, Size, Told, build, write_registry
from sandbox.world import World
from shared.clock import AcceleratedClock
from shared.db import connect
from shared.registry import Families
from shared.service import Context
from shared.settings import Settings
from support.burst import ALL_SORTS, JOURNAL, SHARES, Sent
from support.fleet import Fleet

START = datetime.fromisoformat("2026-11-23T12:30:00+03:00")
"""A Monday, after the hour until which absences are held."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How large and how rough. `rate`: school seconds in a real one. `during`, `after`: kills while
    changes pour in, and while the last ones are being told. `waits`: leases, retries and settle times
    take their real time; else it is as if it had passed. `sorts`: what the changes are, by weight."""

    changes: int
    during: int
    after: int
    rate: float
    seed: int
    waits: bool
    shares: Mapping[Kind, float] = field(default_factory=lambda: SHARES)
    sorts: Mapping[str, int] = field(default_factory=lambda: ALL_SORTS)
    classes: int = 3
    pupils: int = 12
    pace: float = 0.0
    patience: float = 120.0


@dataclass(slots=True)
class Stage:
    """What a play needs, and what remains of it. `beyond`: other things that may be killed, by name;
    each kills and brings back what it is about. `blows`: when a sender was killed, real time."""

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
    blows: list[datetime] = field(default_factory=list)
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
