"""The typed pictures (`tables.py`) show the database the migrations make, table by table."""

from types import ModuleType
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.types import TypeEngine

import dispatcher.tables
import ingest.tables
import print_queue.tables
from shared.engine import engine
from shared.schema import OWNED
from shared.topics import Service

PICTURES = {
    Service.INGEST: ingest.tables,
    Service.DISPATCHER: dispatcher.tables,
    Service.PRINT_QUEUE: print_queue.tables,
}
IN_MIGRATIONS_ALONE = {"index", "unique_constraint", "foreign_key_constraint"}


def other_type(
    context: MigrationContext,
    _inspected: object,
    _drawn: object,
    found: TypeEngine[Any],
    drawn: TypeEngine[Any],
) -> bool:
    """Alembic's own comparison holds text and text[] for the same."""
    return found.compile(context.dialect) != drawn.compile(context.dialect)


def differences(connection: Connection, service: Service, module: ModuleType) -> list[object]:
    """What Alembic would have to change."""
    owned = set(OWNED[service])

    def ours(name: str | None, kind: str, _parent: object) -> bool:
        if kind == "schema":
            return name in owned
        return not (kind == "table" and name == "alembic_version")

    def shown(_object: object, _name: str | None, kind: str, _reflected: object, _other: object) -> bool:
        return kind not in IN_MIGRATIONS_ALONE

    context = MigrationContext.configure(
        connection,
        opts={
            "include_schemas": True,
            "include_name": ours,
            "include_object": shown,
            "compare_type": other_type,
        },
    )
    return list(compare_metadata(context, module.Tables.metadata))


@pytest.mark.parametrize("service", Service)
async def test_the_picture_is_the_database(database: str, service: Service) -> None:
    made = engine(database)
    async with made.connect() as connection:
        assert await connection.run_sync(differences, service, PICTURES[service]) == []
        keys = await connection.run_sync(primary_keys, PICTURES[service])
    await made.dispose()
    for table, (drawn, found) in keys.items():
        assert drawn == found, table


def primary_keys(connection: Connection, module: ModuleType) -> dict[str, tuple[set[str], set[str]]]:
    """Alembic does not compare these."""
    inspector = inspect(connection)
    return {
        name: (
            {column.name for column in table.primary_key.columns},
            set(inspector.get_pk_constraint(table.name, table.schema)["constrained_columns"]),
        )
        for name, table in module.Tables.metadata.tables.items()
    }


@pytest.mark.parametrize(
    "drift",
    [
        "ALTER TABLE ingest.token ADD COLUMN nickname text",
        "ALTER TABLE ingest.token ALTER COLUMN used_at TYPE timestamp",
        "ALTER TABLE ingest.token ALTER COLUMN school DROP NOT NULL",
        "ALTER TABLE ingest.refused ALTER COLUMN times TYPE bigint",
        "ALTER TABLE ingest.outbox ALTER COLUMN xid DROP DEFAULT, ALTER COLUMN xid TYPE text",
        "ALTER TABLE roster.class ALTER COLUMN teachers DROP DEFAULT, ALTER COLUMN teachers TYPE text",
        "CREATE TABLE roster.forgotten (school text PRIMARY KEY)",
        "DROP TABLE ingest.dead_letter",
    ],
)
async def test_a_drift_is_seen(database: str, drift: str) -> None:
    made = engine(database)
    async with made.begin() as connection:
        await connection.execute(text(drift))
    async with made.connect() as connection:
        assert await connection.run_sync(differences, Service.INGEST, ingest.tables) != []
    await made.dispose()
