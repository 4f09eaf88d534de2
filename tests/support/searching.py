"""Looking for a person's values wherever an installation keeps anything: every table, every file."""

import email
import io
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from pypdf import PdfReader

from shared.schema import OWNED

SCHEMAS = [schema for schemas in OWNED.values() for schema in schemas]


async def where(connection: asyncpg.Connection, data: Path, values: Collection[str]) -> dict[str, set[str]]:
    """The stores (tables, files below `data`) that hold any of the values, with those they hold. The
    database's own pages are not read: what is in them is read through the tables."""
    found: dict[str, set[str]] = {}
    async for store, text in _tables(connection):
        _look(found, store, text, values)
    for path in sorted(data.rglob("*")):
        if path.is_file() and "postgres" not in path.relative_to(data).parts:
            for text in _readings(path):
                _look(found, str(path.relative_to(data)), text, values)
    return found


def _look(found: dict[str, set[str]], store: str, text: str, values: Collection[str]) -> None:
    low = text.casefold()
    held = {value for value in values if value.casefold() in low}
    if held:
        found.setdefault(store, set()).update(held)


async def _tables(connection: asyncpg.Connection) -> Any:
    tables = await connection.fetch(
        """SELECT schemaname, tablename FROM pg_tables
           WHERE schemaname = ANY($1::text[]) ORDER BY 1, 2""",
        SCHEMAS,
    )
    assert len(tables) > 40
    for schema, table in tables:
        rows = await connection.fetch(f"SELECT * FROM {schema}.{table}")
        yield f"{schema}.{table}", "\n".join(text for row in rows for text in _said(row))


def _said(row: asyncpg.Record) -> Iterator[str]:
    """Every value as text; bytes and JSON opened, so that no spelling of a letter hides it."""
    for value in row.values():
        if isinstance(value, bytes):
            yield value.decode("utf-8", "replace")
            for part in email.message_from_bytes(value).walk():
                body = part.get_payload(decode=True)
                yield body.decode("utf-8", "replace") if isinstance(body, bytes) else ""
            value = value.decode("latin-1")  # noqa: PLW2901 - what it may be as text again
        if isinstance(value, str):
            yield value
            if value[:1] in "[{":
                try:
                    yield orjson.dumps(orjson.loads(value)).decode()
                except orjson.JSONDecodeError:
                    continue
        else:
            yield str(value)


def _readings(path: Path) -> Iterator[str]:
    content = path.read_bytes()
    yield content.decode("utf-8", "replace")
    if content.startswith(b"%PDF"):
        for page in PdfReader(io.BytesIO(content)).pages:
            yield " ".join(page.extract_text().split())
