"""R-B8: whoever adds a table says what becomes of it when a person's data are destroyed."""

from pathlib import Path
from types import ModuleType

import asyncpg
import pytest

import dispatcher.erasing.eraser
import ingest.erasing
import print_queue.erasing
from shared.schema import OWNED
from shared.topics import Service

PLANS = {
    Service.INGEST: ingest.erasing,
    Service.DISPATCHER: dispatcher.erasing.eraser,
    Service.PRINT_QUEUE: print_queue.erasing,
}
STORES = Path(__file__).parents[3] / "docs" / "architecture" / "data.md"


@pytest.mark.parametrize("service", Service)
async def test_every_table_has_its_place_in_the_plan(database: str, service: Service) -> None:
    plan: ModuleType = PLANS[service]
    connection = await asyncpg.connect(database)
    rows = await connection.fetch(
        """SELECT schemaname || '.' || tablename AS name FROM pg_tables
           WHERE schemaname = ANY($1::text[]) AND tablename <> 'alembic_version'""",
        list(OWNED[service]),
    )
    await connection.close()
    tables = {row["name"] for row in rows}
    planned = {**plan.ERASED, **plan.KEPT}
    forgotten = sorted(tables - planned.keys())
    assert forgotten == [], f"say in ERASED or KEPT of {plan.__name__} what becomes of them"
    assert sorted(planned.keys() - tables) == [], "no such tables"
    assert plan.ERASED.keys() & plan.KEPT.keys() == set()
    assert all(planned.values())


def test_every_store_is_in_the_table_a_lawyer_reads() -> None:
    said = STORES.read_text(encoding="utf-8")
    unsaid = [
        table for plan in PLANS.values() for table in {**plan.ERASED, **plan.KEPT} if f"`{table}`" not in said
    ]
    assert unsaid == []
