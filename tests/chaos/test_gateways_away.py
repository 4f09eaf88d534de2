"""`make chaos`: each gateway refuses connections, answers too late, answers garbage, or takes a message and
closes, half a minute long: nothing lost, no SMS twice, the other channels go on, and what waited leaves
without a human (DESIGN §7)."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from support.buses import BusKit
from support.fleet import Fleet, services
from support.outage import Trouble, felt, outage, small, troubled
from support.reckoning import reckon
from support.stage import prepared

from shared.categories import ELECTRONIC, Channel

pytestmark = pytest.mark.slow
IN_SHORT = (
    "tests/integration/sending/test_gate.py::test_a_provider_that_is_away_is_left_alone_then_probed_with_one",
)


@pytest.mark.parametrize("trouble", list(Trouble))
@pytest.mark.parametrize("channel", ELECTRONIC)
async def test_a_gateway_is_away(
    postgres_bus: BusKit, tmp_path: Path, channel: Channel, trouble: Trouble
) -> None:
    def fleet(folder: Path, environment: Mapping[str, str]) -> Fleet:
        return services(folder, environment, {"ingest": 1, "dispatcher": 2, "print_queue": 1})

    bus = postgres_bus
    async with prepared(small(), tmp_path, bus.database, bus.environment, fleet) as stage:
        async with stage.fleet.running():
            span = await outage(stage, troubled(stage, channel, trouble), channel=channel)
        verdict = await reckon(stage)
        unfelt = await felt(stage, channel, span)
    print(verdict)  # noqa: T201 - the counts are what the run is for
    assert not verdict.wrongs, str(verdict)
    assert not unfelt
