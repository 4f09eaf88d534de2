"""Bringing the database to the schema the code expects (DESIGN §1).

Each package that owns schemas names its migrations folder through the entry point group
`vestnik.migrations`; the entry's name is the schema that keeps its version. A folder holds
Alembic revisions under `versions/`; a landed one is never edited.
"""

from pathlib import Path

from alembic import op
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.util import await_only

from shared.engine import engine as make_engine
from shared.schema import EVERYONE, OWNED, REGISTRY, folders

_LOCK = 0x5645_5354  # "VEST": one migrator at a time


def scripts(folder: Path) -> ScriptDirectory:
    return ScriptDirectory(str(folder), version_locations=[str(folder / "versions")])


async def migrate(url: str) -> None:
    """Create roles and schemas, upgrade every package to its head. Safe to call at the same time from
    several processes; each revision is one transaction."""
    engine = make_engine(url)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
            await connection.commit()
            try:
                await connection.run_sync(_roles_and_schemas)
                for schema, folder in folders().items():
                    await connection.run_sync(_upgrade, schema, scripts(folder))
            finally:
                await connection.rollback()
                await connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
                await connection.commit()
    finally:
        await engine.dispose()


async def make_roles(url: str) -> None:
    """The services' roles and empty schemas, for a database that is about to be restored."""
    engine = make_engine(url)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_roles_and_schemas)
    finally:
        await engine.dispose()


def scripts_of(schema: str) -> set[str]:
    """Every revision the program knows of a schema's package; none of a schema it does not know."""
    folder = folders().get(schema)
    return {script.revision for script in scripts(folder).walk_revisions()} if folder is not None else set()


def run(statements: str) -> None:
    """Inside a revision: execute plain SQL of many statements in the revision's transaction."""
    connection = op.get_bind()
    connection.execute(text("SELECT 1"))  # the driver's transaction begins with the first statement
    driver = connection.connection.driver_connection
    assert driver is not None
    await_only(driver.execute(statements))


def _roles_and_schemas(connection: Connection) -> None:
    for service, schemas in OWNED.items():
        connection.execute(
            text(
                f"""DO $$ BEGIN
                    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{service.role}') THEN
                        CREATE ROLE {service.role} NOLOGIN;
                    END IF;
                EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- another database's migrator
                END $$"""
            )
        )
        if not connection.execute(
            text(f"SELECT pg_has_role(current_user, '{service.role}', 'SET')")
        ).scalar():
            connection.execute(text(f"GRANT {service.role} TO CURRENT_USER WITH SET TRUE"))
        for schema in schemas:
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))
    for service, schemas in OWNED.items():
        for schema in schemas:
            connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {EVERYONE}"))
            connection.execute(
                text(
                    f"""ALTER DEFAULT PRIVILEGES IN SCHEMA {schema}
                        GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {service.role}"""
                )
            )
            if schema in REGISTRY:
                connection.execute(
                    text(f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO {EVERYONE}")
                )
    connection.commit()


def _upgrade(connection: Connection, schema: str, script: ScriptDirectory) -> None:
    context = MigrationContext.configure(
        connection,
        opts={
            "version_table_schema": schema,
            "fn": lambda revision, _context: script._upgrade_revs("head", revision),  # noqa: SLF001 - as alembic's own command does
            "script": script,
            "transaction_per_migration": True,
        },
    )
    with Operations.context(context), context.begin_transaction(_per_migration=False):
        context.run_migrations()
    connection.execute(text(f"REVOKE ALL ON {schema}.alembic_version FROM {EVERYONE}"))
    connection.execute(text(f"GRANT SELECT ON {schema}.alembic_version TO {EVERYONE}"))
    connection.commit()
