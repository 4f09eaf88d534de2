"""Every schema has one writer (DESIGN §1): what each service's role may do, table by table."""

import asyncpg
import pytest

from shared.schema import OWNED, REGISTRY
from shared.topics import Service

SCHEMAS = [schema for schemas in OWNED.values() for schema in schemas]
READ_BY_ALL = {"outbox", "bus_cursor", "alembic_version", "erased"}
APPEND_ONLY = {"audit"}
OPENS_DOORS = {"password", "invitation", "family_link", "throttle"}
"""Of the registry, and yet their writer's alone."""
WRITES = ("INSERT", "UPDATE", "DELETE")

_MAY = """
SELECT n.nspname AS schema, c.relname AS "table", p AS privilege,
    has_table_privilege($1::text, c.oid, p) AS may, c.relkind
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
    unnest($3::text[]) AS p
WHERE n.nspname = ANY($2::text[]) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
"""


def should(service: Service, schema: str, table: str, privilege: str) -> bool:
    """The contract, written out."""
    if table == "alembic_version":
        return privilege == "SELECT"
    own = schema in OWNED[service]
    if privilege == "SELECT":
        return own or (schema in REGISTRY and table not in OPENS_DOORS) or table in READ_BY_ALL
    if table in APPEND_ONLY and privilege != "INSERT":
        return False
    return own and privilege in WRITES


@pytest.mark.parametrize("service", Service)
async def test_a_role_writes_its_own_and_reads_what_all_may_read(database: str, service: Service) -> None:
    connection = await asyncpg.connect(database)
    privileges = ["SELECT", *WRITES, "TRUNCATE", "REFERENCES", "TRIGGER"]
    rows = await connection.fetch(_MAY, service.role, SCHEMAS, privileges)
    await connection.close()
    assert {row["schema"] for row in rows} == set(SCHEMAS)
    wrong = [
        f"{'may' if row['may'] else 'may not'} {row['privilege']} {row['schema']}.{row['table']}"
        for row in rows
        if row["may"] != should(service, row["schema"], row["table"], row["privilege"])
    ]
    assert wrong == []


@pytest.mark.parametrize("service", Service)
async def test_a_role_has_nothing_but_its_tables(database: str, service: Service) -> None:
    """No membership, no login, no schema to create in, no column granted aside, and every sequence of
    its own tables at hand."""
    connection = await asyncpg.connect(database)
    role = await connection.fetchrow("SELECT * FROM pg_roles WHERE rolname = $1", service.role)
    assert role is not None
    for power in ("super", "createrole", "createdb", "canlogin", "bypassrls", "replication"):
        assert role[f"rol{power}"] is False, power
    assert not await connection.fetchval(
        "SELECT count(*) FROM pg_auth_members WHERE member = $1::text::regrole", service.role
    )
    for schema in [*SCHEMAS, "public"]:
        assert not await connection.fetchval(
            "SELECT has_schema_privilege($1::text, $2::text, 'CREATE')", service.role, schema
        ), schema
    assert not await connection.fetchval(
        "SELECT count(*) FROM pg_attribute WHERE attacl IS NOT NULL AND attrelid::regclass::text ~ $1",
        f"^({'|'.join(SCHEMAS)})\\.",
    )
    sequences = await connection.fetch(
        """SELECT n.nspname AS schema, c.oid::regclass::text AS name,
               has_sequence_privilege($1::text, c.oid, 'USAGE') AS may,
               EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'i') AS identity
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE c.relkind = 'S' AND n.nspname = ANY($2::text[])""",
        service.role,
        SCHEMAS,
    )
    await connection.close()
    # A column GENERATED AS IDENTITY needs no privilege on its sequence.
    for row in sequences:
        if not row["identity"]:
            assert row["may"] == (row["schema"] in OWNED[service]), row["name"]


@pytest.mark.parametrize("service", Service)
async def test_the_audit_only_grows(database: str, service: Service) -> None:
    """R-D2, R-F3: what was noted cannot be changed by who noted it."""
    connection = await asyncpg.connect(database, server_settings={"role": service.role})
    audit = f"{service.schema}.audit"
    await connection.execute(f"INSERT INTO {audit} (actor, action) VALUES ('a', 'b')")
    for forbidden in (f"UPDATE {audit} SET actor = 'c'", f"DELETE FROM {audit}", f"TRUNCATE {audit}"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(forbidden)
    await connection.close()


@pytest.mark.parametrize("service", Service)
async def test_not_even_the_owner_changes_the_audit(database: str, service: Service) -> None:
    """R-F3: a slip with the owner's rights is refused too; only taking the trigger away would do."""
    connection = await asyncpg.connect(database)
    audit = f"{service.schema}.audit"
    await connection.execute(f"INSERT INTO {audit} (actor, action) VALUES ('a', 'b')")
    for forbidden in (f"UPDATE {audit} SET actor = 'c'", f"DELETE FROM {audit}", f"TRUNCATE {audit}"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only grows"):
            await connection.execute(forbidden)
    await connection.close()
