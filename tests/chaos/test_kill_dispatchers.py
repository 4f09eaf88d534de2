"""`make chaos`: three dispatchers killed 200 times while 20,000 messages go out over Kafka, and 50 times
among 5,000 on the postgres bus. Leases, retries and settle times take their real time.

Nothing lost, no SMS twice, a letter twice only under its own name and only if it was in flight when
its sender was killed: no more than 32 a kill (DESIGN §7).
"""

from pathlib import Path

import pytest
from support.buses import BusKit
from support.storm import weathered

pytestmark = pytest.mark.slow
IN_SHORT = ("tests/chaos/sending/test_kill.py::test_nothing_lost_and_no_sms_twice",)


async def test_on_kafka(kafka_bus: BusKit, tmp_path: Path) -> None:
    await weathered(kafka_bus, tmp_path, messages=20_000, kills=200, classes=100)


async def test_on_postgres(postgres_bus: BusKit, tmp_path: Path) -> None:
    await weathered(postgres_bus, tmp_path, messages=5_000, kills=50, classes=40)
