"""What the database must be for the code to run: owners of schemas, and the revision each stands at.

Read at every start, so nothing here loads Alembic; `shared.migrations` brings a database there.
"""

import re
from functools import lru_cache
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

from shared.db import AnyConnection
from shared.errors import ForPeople
from shared.topics import Service

GROUP = "vestnik.migrations"

OWNED: dict[Service, tuple[str, ...]] = {
    Service.INGEST: ("roster", "ingest"),
    Service.DISPATCHER: ("consent", "people", "dispatch"),
    Service.PRINT_QUEUE: ("paper",),
}
"""Who writes which schema; everyone reads the registry, the outboxes and the cursors."""

REGISTRY = ("roster", "consent", "people")
EVERYONE = ", ".join(service.role for service in OWNED)


class SchemaOutdated(ForPeople):
    """The database is older (or newer) than the program."""


def folders() -> dict[str, Path]:
    """Migration folders by the schema that keeps their version."""
    return {
        entry.name: Path(str(files(entry.module)))
        for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)
    }


_REVISION = re.compile(r'^revision = "(\w+)"$', re.MULTILINE)


@lru_cache(maxsize=1)
def heads() -> dict[str, str | None]:
    """The revision the program needs, by the schema that keeps it; read once, for it is asked often.

    Files are numbered, so the last one is the head.
    """
    return {schema: _last_revision(folder) for schema, folder in folders().items()}


def _last_revision(folder: Path) -> str | None:
    last = max((folder / "versions").glob("[0-9]*.py"), default=None)
    found = _REVISION.search(last.read_text("utf-8")) if last is not None else None
    return found[1] if found is not None else None


async def require_current(connection: AnyConnection) -> None:
    """Raises SchemaOutdated unless every package's schema stands at the head of the code."""
    for schema, wanted in heads().items():
        table = await connection.fetchval("SELECT to_regclass($1)", f"{schema}.alembic_version")
        found = (
            await connection.fetchval(f"SELECT version_num FROM {schema}.alembic_version") if table else None
        )
        if found != wanted:
            raise SchemaOutdated(
                f"Схема базы данных не та: {schema} — {found or 'пусто'}, программе нужна {wanted}. "
                "Ничего не тронуто. Выполните vestnik migrate; если база новее программы, обновите её."
            )
