"""The way of immediate news, whole: a journal's request → 202 → bus → decision → message → gateway.

Every service runs as an installation has it, as a process of its own, and all of them share this
machine with PostgreSQL, the broker, the journals and the far end.
"""

import asyncio
import contextlib
import math
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg
import httpx

from bench.ground import NOON, Ground, spawn
from bench.load import JOURNAL, Load, drive, news
from bench.sinks import Far, far_end
from bench.usage import Usage, cpu_seconds, family_cpu_seconds, peak_megabytes
from ingest import tokens
from sandbox.journal import School
from shared.db import open_pool
from shared.topics import Service

RATE = 300.0
RAMP_UP_SECONDS = 15.0
SECONDS = 60.0
PATIENCE = 120.0
STAGES = ("202 → план", "план → сообщение", "сообщение → взято", "взято → принято")
_PORT = 8201

_WAY = """
SELECT i.id AS event, d.message, m.channel, m.provider_id, c.planned_at, m.composed_at,
    (SELECT min(at) FROM dispatch.message_history h WHERE h.message = m.id AND to_status = 'sending') AS taken
FROM ingest.inbox i JOIN dispatch.change c USING (change) JOIN dispatch.decision d USING (change)
LEFT JOIN dispatch.message m ON m.id = d.message
WHERE d.verdict = 'tell' AND d.mode = 'immediate'
"""


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds, of so many."""

    count: int
    p50: float
    p95: float
    p99: float
    longest: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> "Latency":
        ranked = sorted(seconds)
        at = [ranked[min(len(ranked) - 1, math.ceil(len(ranked) * part) - 1)] for part in (0.5, 0.95, 0.99)]
        return cls(len(ranked), *at, ranked[-1])


@dataclass(frozen=True, slots=True)
class Immediate:
    """`ways`: 202 → acceptance, of all and by channel; `stages`: the same way in parts; `answers`: from
    the instant a request was due to leave until its 202; `usage`: by process while it was measured."""

    ways: Mapping[str, Latency]
    stages: Mapping[str, Latency]
    answers: Latency
    usage: Mapping[str, Usage]
    repeated: int
    load_average: float


async def measure(at: Ground, schools: list[School], *, replicas: int, rate: float) -> Immediate:
    """`replicas` of the dispatcher, one of every other service."""
    given = await _tokens(at, schools)
    async with far_end(at.folder) as ends, _installation(at, ends, replicas) as processes:
        events = news(schools, NOON)
        url = f"http://127.0.0.1:{_PORT}"
        await drive(url, given, events, rate=rate, seconds=RAMP_UP_SECONDS)
        processes["нагрузка"] = os.getpid()
        before = _spent(processes)
        begun = time.monotonic()
        load = await drive(url, given, events, rate=rate, seconds=SECONDS)
        usage = _used(processes, before, time.monotonic() - begun)
        rows = await _arrived(at, load)
    return _figures(rows, load, ends.accepted, usage)


async def idle(
    at: Ground, schools: list[School], *, replicas: int, seconds: float = 30.0
) -> dict[str, Usage]:
    """What the installation uses when nothing happens."""
    await _tokens(at, schools)
    async with far_end(at.folder) as ends, _installation(at, ends, replicas) as processes:
        await asyncio.sleep(10)
        before = _spent(processes)
        await asyncio.sleep(seconds)
        return _used(processes, before, seconds)


def _spent(processes: Mapping[str, int]) -> dict[str, float]:
    """CPU seconds so far. PostgreSQL is a family of processes; ours have no part in their children's."""
    return {
        name: family_cpu_seconds(process) if name == "PostgreSQL" else cpu_seconds(process)
        for name, process in processes.items()
    }


def _used(processes: Mapping[str, int], before: Mapping[str, float], seconds: float) -> dict[str, Usage]:
    now = _spent(processes)
    return {
        name: Usage((now[name] - before[name]) / seconds, peak_megabytes(process))
        for name, process in processes.items()
    }


async def _tokens(at: Ground, schools: list[School]) -> dict[str, str]:
    pool = await open_pool(at.database, Service.INGEST, largest=1)
    try:
        return {school.id: await tokens.create(pool, school.id, JOURNAL) for school in schools}
    finally:
        await pool.close()


@contextlib.asynccontextmanager
async def _installation(at: Ground, ends: Far, replicas: int) -> AsyncIterator[dict[str, int]]:
    """Every service ready; process ids by name."""
    environment = at.environment(
        VESTNIK_CLOCK_ANCHOR=datetime.now(UTC).isoformat(),
        VESTNIK_PUBLIC_URL=f"http://127.0.0.1:{_PORT + 1}",
        **ends.settings,
    )
    names = ["ingest", *("dispatcher" for _ in range(replicas)), "print_queue"]
    started: dict[str, subprocess.Popen[bytes]] = {}
    for number, module in enumerate(names):
        name = f"{module} {number}" if module == "dispatcher" else module
        started[name] = spawn(module, environment, "--port", str(_PORT + number))
    try:
        await _ready(range(_PORT, _PORT + len(names)))
        pids = {name: process.pid for name, process in started.items()}
        yield pids | at.servers() | {"шлюзы": ends.pid}
    finally:
        for process in started.values():
            process.send_signal(signal.SIGTERM)
        for process in started.values():
            process.wait(60)


async def _ready(ports: Sequence[int]) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client, asyncio.timeout(PATIENCE):
        for port in ports:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(f"http://127.0.0.1:{port}/readyz")).is_success:
                        break
                await asyncio.sleep(0.2)


async def _arrived(at: Ground, load: Load) -> list[asyncpg.Record]:
    """The way of every message of these changes, once all are accepted."""
    connection = await asyncpg.connect(at.database)
    try:
        async with asyncio.timeout(PATIENCE):
            while await connection.fetchval(
                """SELECT (SELECT count(*) FROM ingest.inbox) > (SELECT count(*) FROM dispatch.change)
                       OR EXISTS (SELECT FROM dispatch.decision WHERE verdict = 'tell' AND mode = 'immediate'
                                  AND message IS NULL)
                       OR EXISTS (SELECT FROM dispatch.message WHERE status IN ('composed', 'sending'))"""
            ):
                await asyncio.sleep(0.5)
        return [row for row in await connection.fetch(_WAY) if row["event"] in load.answered]
    finally:
        await connection.close()


def _figures(
    rows: Sequence[asyncpg.Record], load: Load, accepted: Mapping[str, float], usage: Mapping[str, Usage]
) -> Immediate:
    ways: dict[str, list[float]] = {"все": [], "email": [], "sms": []}
    stages: dict[str, list[float]] = {name: [] for name in STAGES}
    for row in rows:
        answered = load.answered[row["event"]]
        end = accepted[row["provider_id"] or str(row["message"])]
        marks = [answered, *(row[name].timestamp() for name in ("planned_at", "composed_at", "taken")), end]
        for name, since, until in zip(STAGES, marks, marks[1:], strict=False):
            stages[name].append(until - since)
        ways["все"].append(end - answered)
        ways[row["channel"]].append(end - answered)
    return Immediate(
        ways={name: Latency.of(seconds) for name, seconds in ways.items() if seconds},
        stages={name: Latency.of(seconds) for name, seconds in stages.items()},
        answers=Latency.of(load.answered[event] - due for event, due in load.due.items()),
        usage=usage,
        repeated=load.repeated,
        load_average=os.getloadavg()[0],
    )
