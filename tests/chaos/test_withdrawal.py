"""`make chaos`: half of the families withdraw their consent while everything is being sent to them through
slow gateways: nothing is handed over after the withdrawal's commit (R-C5, R-B8, DESIGN §7)."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.buses import BusKit
from support.fleet import Fleet, services
from support.outage import outage, small
from support.reckoning import addresses, reckon
from support.stage import Stage, fetch, prepared

from dispatcher.desk.entries import Tie
from dispatcher.desk.withdrawals import withdraw
from dispatcher.sending.sender import UNSETTLED
from dispatcher.working_days import WorkingDays
from sandbox.faults import Slow
from shared.db import connect
from shared.topics import Service

pytestmark = pytest.mark.slow
IN_SHORT = (
    "tests/integration/sending/test_email.py::test_a_withdrawal_stops_what_was_checked_and_waits_for_its_turn",
)

REPLICAS = 3
THINKS = timedelta(seconds=1)
"""Of a gateway, before it takes what it was handed."""
ON_THE_WAY = timedelta(seconds=0.25)
"""Between the last look and the end of the request: a connection, an envelope, on a busy machine."""
COMPOSED = 120
"""Messages that wait for their turn when the consent is withdrawn."""

_TIES = """
SELECT DISTINCT school, pupil, guardian FROM consent.sheet
WHERE guardian = ANY($1::text[]) AND NOT refused AND withdrawn_on IS NULL
  AND (valid_until IS NULL OR valid_until >= $2)
"""
_WAITING = "SELECT count(*) FROM dispatch.message WHERE status = 'composed'"
_CLAIMED_LATER = """
SELECT count(*) FILTER (WHERE n.to_status IN ('accepted', 'unknown')) AS sent, count(*) AS claimed
FROM dispatch.message m JOIN dispatch.message_history h ON h.message = m.id AND h.to_status = 'sending'
CROSS JOIN LATERAL (
    SELECT to_status FROM dispatch.message_history WHERE message = m.id AND id > h.id ORDER BY id LIMIT 1
) n
WHERE m.guardian = ANY($1::text[]) AND h.at > $2
"""


@dataclass(slots=True)
class Withdrawn:
    """Whose consent, and an instant by which that was committed."""

    guardians: list[str]
    committed: datetime


async def test_nothing_is_handed_over_after_a_withdrawal(postgres_bus: BusKit, tmp_path: Path) -> None:
    def fleet(folder: Path, environment: Mapping[str, str]) -> Fleet:
        return services(folder, environment, {"ingest": 1, "dispatcher": REPLICAS, "print_queue": 1})

    bus, plan = postgres_bus, replace(small(2_500), pace=0.0)
    async with prepared(plan, tmp_path, bus.database, bus.environment, fleet) as stage:
        for faults in (stage.world.inbox.faults, stage.world.sms.faults, stage.world.push.faults):
            faults.add(Slow(THINKS.total_seconds()))
        done = Withdrawn([], datetime.now(UTC))
        async with stage.fleet.running():
            await outage(stage, _withdrawing(stage, done), after=40)
        verdict = await reckon(stage, without=done.guardians)
        (later,) = await fetch(stage.database, _CLAIMED_LATER, done.guardians, done.committed)
    taken = [at for guardian, at in _taken(stage) if guardian in done.guardians]
    late = [at for at in taken if at > done.committed]
    handed_over_late = [wait for at in late if (wait := at - THINKS - done.committed) > ON_THE_WAY]
    print(verdict)  # noqa: T201 - the counts are what the run is for
    print(  # noqa: T201
        f"withdrawn: {len(done.guardians)} guardians, {len(taken) - len(late)} messages before, "
        f"{len(late)} in flight at the commit, {len(handed_over_late)} handed over after it "
        f"(at most {max(handed_over_late, default=timedelta())}), {later['claimed']} stopped"
    )
    assert not verdict.wrongs, str(verdict)
    assert later["claimed"] > 0  # there was something to stop
    assert later["sent"] == 0
    assert not handed_over_late
    assert 0 < len(late) <= REPLICAS * UNSETTLED


@contextlib.asynccontextmanager
async def _withdrawing(stage: Stage, done: Withdrawn) -> AsyncIterator[None]:
    """Every second guardian's papers, in one transaction."""
    rng = random.Random(f"withdrawal/{stage.plan.seed}")
    while (await fetch(stage.database, _WAITING))[0][0] < COMPOSED:
        await asyncio.sleep(0.05)
    everyone = sorted(guardian.id for guardian in stage.school.guardians)
    chosen = rng.sample(everyone, len(everyone) // 2)
    today = stage.school.monday
    connection = await connect(stage.database, Service.DISPATCHER)
    try:
        async with connection.transaction():
            for row in await connection.fetch(_TIES, chosen, today):
                tie = Tie(row["school"], row["pupil"], row["guardian"])
                await withdraw(
                    connection, tie, received_on=today, today=today, days=WorkingDays(), who="chaos"
                )
        done.committed = datetime.now(UTC)
    finally:
        await connection.close()
    done.guardians = chosen
    yield


def _taken(stage: Stage) -> Iterator[tuple[str, datetime]]:
    """Whom the gateways took a message for, and when, by one clock."""
    who, world = addresses(stage.school), stage.world
    for letter in world.inbox.letters:
        if letter.rcpt_to[0] in who:
            yield who[letter.rcpt_to[0]], letter.received_at
    for sms in world.sms.messages:
        yield who[sms.number], datetime.fromtimestamp(sms.created_at, UTC)
    for notice in world.push.notices:
        yield who[notice.subscription], notice.received_at
