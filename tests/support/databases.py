"""Fresh databases: one embedded server per test process, one migrated template, a copy per test."""

import itertools
from pathlib import Path

import asyncpg

from onebox.postgres import EmbeddedPostgres
from shared.migrations import migrate
from support.aside import run_aside

_TEMPLATE = "migrated"
_FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "200",
    "autovacuum": "off",
}


class Databases:
    """The server of one test process. Databases are cheap (tens of ms) and dropped after use."""

    def __init__(self, folder: Path) -> None:
        self._server = EmbeddedPostgres(folder / "postgres", extra=_FAST)
        self._url = ""
        self._numbers = itertools.count(1)

    def start(self) -> None:
        self._url = run_aside(self._server.start())
        run_aside(self._execute(f"CREATE DATABASE {_TEMPLATE}"))
        run_aside(migrate(self.url(_TEMPLATE)))

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
        run_aside(self._execute(f"CREATE DATABASE {name} {template}"))

    def drop(self, name: str) -> None:
        run_aside(self._execute(f"DROP DATABASE {name} WITH (FORCE)"))

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()
