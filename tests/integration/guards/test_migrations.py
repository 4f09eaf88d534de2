"""Migrations: one line of revisions a package, harmless to repeat, and an old schema is said (DESIGN §1)."""

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest
from support.aside import run_aside
from support.databases import Databases

from onebox.up import BUILDS
from shared.clock import RealClock
from shared.migrations import migrate, scripts
from shared.schema import OWNED, SchemaOutdated, folders, heads, require_current
from shared.serve import Hosted
from shared.service import Context
from shared.settings import Settings

SCHEMAS = [schema for schemas in OWNED.values() for schema in schemas]

# Everything that a migration may have changed, as text.
PICTURE = """
SELECT string_agg(line, E'\n' ORDER BY line) FROM (
    SELECT format('%s %s %s %s %s %s', c.oid::regclass, a.attname, format_type(a.atttypid, a.atttypmod),
                  a.attnotnull, pg_get_expr(d.adbin, d.adrelid), c.relacl) AS line
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = ANY($1::text[]::regnamespace[])
    UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = ANY($1::text[]::regnamespace[])
    UNION ALL SELECT format('%s %s', nspname, nspacl) FROM pg_namespace WHERE nspname = ANY($1)
    UNION ALL SELECT format('%s %s', defaclnamespace::regnamespace, defaclacl) FROM pg_default_acl
) AS picture
"""


@pytest.fixture
def empty(databases: Databases) -> Iterator[str]:
    """The URL of a database nothing was ever done to."""
    name = databases.create(migrated=False)
    yield databases.url(name)
    databases.drop(name)


def picture(url: str) -> str:
    async def read() -> str:
        connection = await asyncpg.connect(url)
        try:
            said: str = await connection.fetchval(PICTURE, SCHEMAS)
            return said
        finally:
            await connection.close()

    return run_aside(read())


def test_every_schema_has_one_owner_and_every_package_one_line_of_revisions() -> None:
    assert len(SCHEMAS) == len(set(SCHEMAS))
    assert set(folders()) <= set(SCHEMAS)
    assert {owner for owner, schemas in OWNED.items() if not set(schemas) & set(folders())} == set()
    for schema, folder in folders().items():
        script = scripts(folder)
        revisions = list(script.walk_revisions())
        assert len(script.get_heads()) == len(script.get_bases()) == 1, schema
        assert not any(one.is_branch_point or one.is_merge_point for one in revisions), schema
        numbers = [one.revision for one in reversed(revisions)]
        assert numbers == [f"{schema}_{at:04d}" for at in range(1, len(numbers) + 1)]
        assert heads()[schema] == script.get_current_head()
        assert len(revisions) == len(list((folder / "versions").glob("*.py"))), "a file nothing leads to"


def test_migrating_again_changes_nothing(database: str) -> None:
    before = picture(database)
    run_aside(migrate(database))
    assert picture(database) == before


def test_two_migrators_at_once_make_what_one_makes(empty: str, database: str) -> None:
    async def both() -> None:
        await asyncio.gather(migrate(empty), migrate(empty), migrate(empty))

    run_aside(both())
    assert picture(empty) == picture(database)


def test_a_half_made_schema_is_finished(empty: str, database: str) -> None:
    """An installation whose first start was interrupted between two packages."""

    async def half() -> None:
        await migrate(empty)
        connection = await asyncpg.connect(empty)
        await connection.execute("DROP SCHEMA paper CASCADE; DROP SCHEMA ingest, roster CASCADE")
        await connection.close()
        await migrate(empty)

    run_aside(half())
    assert picture(empty) == picture(database)


@pytest.mark.parametrize("schema", sorted(heads()))
@pytest.mark.parametrize("found", ["older", None])
async def test_an_old_schema_is_said_by_every_service_in_words(
    database: str, schema: str, found: str | None
) -> None:
    """Behind in any package: none starts, all of them answer 503 with what to do."""
    connection = await asyncpg.connect(database)
    await require_current(connection)
    if found is None:
        await connection.execute(f"DELETE FROM {schema}.alembic_version")
    else:
        await connection.execute(f"UPDATE {schema}.alembic_version SET version_num = $1", found)
    with pytest.raises(SchemaOutdated, match="vestnik migrate"):
        await require_current(connection)
    await connection.close()
    context = Context(Settings(), database, RealClock())
    for build in BUILDS:
        hosted = Hosted(build(context))
        with pytest.raises(SchemaOutdated, match=schema):
            await hosted.part.start()
        await hosted.stop()
