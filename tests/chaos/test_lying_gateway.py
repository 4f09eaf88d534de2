"""`make chaos`: a gateway of SMS that takes messages, answers half of them with nothing and lists none, while
dispatchers are killed: no SMS twice; what nobody can know stays unknown, and operators are told (ADR 13).
Once it tells the truth, everything comes to rest without a human."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from support.burst import MARK
from support.buses import BusKit
from support.fleet import Fleet, services
from support.outage import outage, small
from support.reckoning import reckon
from support.rest import LEFT
from support.stage import Stage, fetch, prepared

from sandbox.faults import BreakAfterAccepting
from sandbox.journal import Kind

pytestmark = pytest.mark.slow
IN_SHORT = ("tests/integration/sending/test_lying_list.py::test_sms_twice_is_zero",)

_STILL = """
SELECT count(*) FROM dispatch.message m JOIN dispatch.sms_attempt a ON a.message = m.id
WHERE m.status = 'unknown' AND a.settled_at IS NULL
  AND a.started_at < clock_timestamp() - interval '100 seconds'
"""
"""SMS nobody knows anything of though the last ask of the list is over."""


@pytest.mark.parametrize("honest_until", [0, 40], ids=["from the first SMS", "from some moment on"])
async def test_a_gateway_that_hides_what_it_took(
    postgres_bus: BusKit, tmp_path: Path, honest_until: int
) -> None:
    def fleet(folder: Path, environment: Mapping[str, str]) -> Fleet:
        return services(folder, environment, {"ingest": 1, "dispatcher": 2, "print_queue": 1})

    bus, plan = (
        postgres_bus,
        replace(small(400), sorts={"final_mark": 1}, shares={Kind.SMS: 3.0, Kind.EMAIL: 1.0}),
    )
    async with prepared(plan, tmp_path, bus.database, bus.environment, fleet) as stage:
        if not honest_until:
            stage.world.sms.list_after = None
        async with stage.fleet.running():
            await outage(stage, _lying(stage), after=honest_until)
        verdict = await reckon(stage)
    print(verdict)  # noqa: T201 - the counts are what the run is for
    assert not verdict.wrongs, str(verdict)


@contextlib.asynccontextmanager
async def _lying(stage: Stage) -> AsyncIterator[None]:
    """Until nothing moves any more; then it lists everything."""
    sms = stage.world.sms
    sms.list_after = None
    rule = sms.faults.add(BreakAfterAccepting(), probability=0.5)
    yield
    for name in ("dispatcher-1", "dispatcher-2"):
        await stage.fleet.kill(name)
        await stage.fleet.start(name)
    unknown = await _until_nothing_moves(stage)
    said = Counter((one.number, mark) for one in sms.messages for mark in MARK.findall(one.text))
    twice = [key for key, times in said.items() if times > 1]
    alerts = await fetch(stage.database, "SELECT DISTINCT kind FROM dispatch.notice")
    hidden = sum(1 for one in sms.messages if one.listed_at == float("inf"))
    rule.times = 0
    sms.list_after = 0.0
    for one in sms.messages:
        one.listed_at = 0.0
    print(  # noqa: T201
        f"SMS taken {len(sms.messages)}, hidden {hidden}, unknown {unknown}, "
        f"twice {len(twice)}, notices {sorted(row['kind'] for row in alerts)}"
    )
    assert not twice
    assert unknown > 0
    assert "sms_list_lies" in {row["kind"] for row in alerts}


async def _until_nothing_moves(stage: Stage) -> int:
    """How many SMS are unknown then."""
    async with asyncio.timeout(stage.plan.patience):
        while True:
            row = (await fetch(stage.database, LEFT))[0]
            still = int((await fetch(stage.database, _STILL))[0][0])
            if row["going"] == still and not row["unplanned"] and not row["undue"]:
                return still
            await asyncio.sleep(0.5)
