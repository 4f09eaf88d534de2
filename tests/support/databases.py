"""Fresh databases: one embedded server per test process, one migrated template, and copies of it that are
wiped after a test and lent again, for a copy costs twenty times what wiping does."""

import itertools
from collections import Counter
from pathlib import Path

import asyncpg

from onebox.postgres import EmbeddedPostgres
from shared.migrations import migrate
from shared.schema import OWNED
from support.aside import run_aside

_TEMPLATE = "migrated"
_FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "200",
    "autovacuum": "off",
}
_MOST_USES = 40
"""Then a database is dropped: nothing vacuums what wiping leaves."""

_SHAPE = """
SELECT (SELECT max(xmin::text::bigint) || '/' || count(*) FROM pg_class),
       (SELECT max(xmin::text::bigint) || '/' || count(*) FROM pg_attribute),
       (SELECT max(xmin::text::bigint) || '/' || count(*) FROM pg_proc),
       (SELECT max(xmin::text::bigint) || '/' || count(*) FROM pg_trigger),
       (SELECT max(xmin::text::bigint) || '/' || count(*) FROM pg_constraint),
       (SELECT max(xmin::text::bigint) || '/' || count(*) FROM pg_namespace),
       (SELECT max(xmin::text::bigint) || '/' || count(*) FROM pg_default_acl),
       (SELECT count(*) FROM pg_db_role_setting
        WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""
"""Changed by whatever changes more than rows: then the database is not lent again."""

_TABLES = """
SELECT oid::regclass::text AS name FROM pg_class
WHERE relkind = 'r' AND relnamespace = ANY($1::text[]::regnamespace[])
"""
_RESTART = "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence"
_HANG_UP = """
SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class Databases:
    """The server of one test process and what it lends."""

    def __init__(self, folder: Path) -> None:
        self._server = EmbeddedPostgres(folder / "postgres", extra=_FAST)
        self._url = ""
        self._numbers = itertools.count(1)
        self._clean: list[str] = []
        self._uses: Counter[str] = Counter()
        self._shape: tuple[object, ...] = ()
        self._seeds: dict[str, list[str]] = {}

    def start(self) -> None:
        self._url = run_aside(self._server.start())
        run_aside(self._execute(f"CREATE DATABASE {_TEMPLATE}"))
        run_aside(migrate(self.url(_TEMPLATE)))
        run_aside(self._learn())

    def lend(self) -> str:
        """The name of a database as migrations made it; to be given back."""
        name = self._clean.pop() if self._clean else self.create()
        self._uses[name] += 1
        return name

    def give_back(self, name: str) -> None:
        """Nobody needs it any more: wiped for the next, or dropped if it is no longer what it was."""
        if self._uses[name] < _MOST_USES and run_aside(self._wiped(name)):
            self._clean.append(name)
        else:
            self.drop(name)

    def stop(self) -> None:
        run_aside(self._server.stop())

    def url(self, name: str) -> str:
        return self._url.replace("///vestnik?", f"///{name}?", 1)

    def create(self, *, migrated: bool = True) -> str:
        """The name of a new database with every schema in it, or with nothing."""
        name = f"test_{next(self._numbers)}"
        self.create_named(name, migrated=migrated)
        return name

    def create_named(self, name: str, *, migrated: bool = False) -> None:
        template = f"TEMPLATE {_TEMPLATE}" if migrated else ""
        run_aside(self._execute(f"CREATE DATABASE {name} {template} STRATEGY file_copy"))

    def drop(self, name: str) -> None:
        run_aside(self._execute(f"DROP DATABASE {name} WITH (FORCE)"))

    async def _learn(self) -> None:
        """What migrations leave in tables, and the shape of it all."""
        connection = await asyncpg.connect(self.url(_TEMPLATE))
        try:
            self._shape = tuple(await connection.fetchrow(_SHAPE))
            for row in await connection.fetch(_TABLES, [one for owned in OWNED.values() for one in owned]):
                found = await connection.fetch(f"SELECT t::text AS line FROM {row['name']} t")
                self._seeds[row["name"]] = [one["line"] for one in found]
        finally:
            await connection.close()

    async def _wiped(self, name: str) -> bool:
        """Whether the database is as migrations made it again."""
        try:
            connection = await asyncpg.connect(self.url(name))
        except asyncpg.PostgresError:
            return False
        try:
            await connection.execute(_HANG_UP)
            if tuple(await connection.fetchrow(_SHAPE)) != self._shape:
                return False
            seeds = [
                f"INSERT INTO {table} SELECT (line::{table}).* FROM unnest($1::text[]) AS line"
                for table in self._seeds
            ]
            async with connection.transaction():
                await connection.execute("SET LOCAL session_replication_role = replica")
                await connection.execute("; ".join(f"DELETE FROM {table}" for table in self._seeds))
                for statement, lines in zip(seeds, self._seeds.values(), strict=True):
                    if lines:
                        await connection.execute(statement, lines)
                await connection.execute(_RESTART)
        except (asyncpg.PostgresError, OSError):
            return False
        finally:
            await connection.close()
        return True

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()
