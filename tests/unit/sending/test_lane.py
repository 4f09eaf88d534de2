"""How much a lane takes at once: what it can hand over soon, and nothing when it has too much already."""

import asyncio
from typing import Any, cast

import pytest

from dispatcher.channels.base import Port
from dispatcher.sending.prepare import Preparer
from dispatcher.sending.sender import Lane, Width

WIDTH = Width(calls=8, hand=64, poll=2.0)


async def lane(in_hand: int, *, gate: int = 1_000, pace: float = 0.001) -> Lane:
    made = Lane(cast("Port", None), cast("Preparer", None), WIDTH, asyncio.Semaphore(8), lambda: gate)
    made.pace = pace
    forever = cast("set[asyncio.Task[Any]]", {object() for _ in range(in_hand)})
    made.tasks |= forever
    return made


@pytest.mark.parametrize(
    ("in_hand", "gate", "pace", "free"),
    [
        (0, 1_000, 0.001, 64),  # a quick gateway: a full hand
        (0, 1_000, 4.0, 9),  # a slow one: what is called at once, and one to follow
        (0, 3, 0.001, 3),  # a limit nearly used up
        (40, 1_000, 0.001, 24),
        (40, 1_000, 4.0, 0),  # it became slow while forty were in hand
        (40, 5, 0.001, 0),  # the limit came near meanwhile
    ],
)
async def test_a_lane_takes_what_can_go_soon(in_hand: int, gate: int, pace: float, free: int) -> None:
    found = await lane(in_hand, gate=gate, pace=pace)
    assert found.free == free
    assert found.room == (free > 0 and free >= in_hand)
