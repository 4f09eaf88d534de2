"""Kill -9 of every service while changes pour in, on each bus: nothing accepted is lost, nothing comes
twice but what may (DESIGN §7). `make chaos` plays the same with ten times as many. What a broker keeps of it
tells nothing of a family by its keys (R-D3)."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from support.buses import BusKit
from support.chaos import play
from support.fleet import Fleet, services
from support.kafka_lag import caught_up
from support.kafka_topics import kept_keys
from support.leaks import Lists, ids_in, leaks
from support.reckoning import reckon
from support.stage import Plan, chosen_seed, prepared

from shared.topics import Topic


@pytest.mark.timeout(300)
async def test_nothing_is_lost_when_anything_is_killed(bus: BusKit, tmp_path: Path) -> None:
    plan = Plan(changes=240, during=3, after=1, rate=7200, seed=chosen_seed(), waits=False, pace=0.02)
    print("VESTNIK_CHAOS_SEED", plan.seed)  # noqa: T201 - to play it again

    def fleet(folder: Path, environment: Mapping[str, str]) -> Fleet:
        return services(folder, environment, {"ingest": 1, "dispatcher": 1, "print_queue": 1})

    async with prepared(plan, tmp_path, bus.database, bus.environment, fleet) as stage:
        stage.caught_up = None if bus.address == "postgres" else lambda: caught_up(bus)
        async with stage.fleet.running():
            await play(stage)
        verdict = await reckon(stage)
    print(verdict)  # noqa: T201
    assert not verdict.wrongs, str(verdict)
    if bus.address != "postgres":
        keys = await kept_keys(bus)
        assert keys[Topic.JOURNAL_CHANGES].count("\n") > 100
        assert keys[Topic.DELIVERY_OUTCOMES]
        lists = Lists(tmp_path / "registry")
        assert leaks(keys, lists.needles(dict(one.event) for one in stage.sent)) == {}
        assert [ids_in(those, lists.ids()) for those in keys.values()] == [[]] * len(Topic)
