"""A pooled connection goes back without being cleaned by the driver, so nothing may be left on it."""

import re
from pathlib import Path

from shared.db import open_pool
from shared.topics import Service

ROOT = Path(__file__).parents[2]
OUTLIVES = re.compile(r"pg_(try_)?advisory_lock(_shared)?\(|\bSET (SESSION|ROLE)\b|add_listener\(")
"""What a session keeps beyond a transaction and the driver used to clean away."""
HAVE_THEIR_OWN = {"erasure.py", "lead.py", "migrations.py", "outbox.py", "wakeups.py"}
"""They work on a connection that is nobody else's (`shared.db.connect`, an engine's)."""


async def test_a_transaction_left_open_does_not_reach_the_next_borrower(database: str) -> None:
    pool = await open_pool(database, Service.DISPATCHER, largest=1)
    try:
        async with pool.acquire() as connection:
            await connection.execute("BEGIN")
            await connection.execute("INSERT INTO dispatch.outbox (topic, key, value) VALUES ('t', 'k', '')")
        async with pool.acquire() as connection:
            assert not connection.is_in_transaction()
            assert await connection.fetchval("SELECT count(*) FROM dispatch.outbox") == 0
            assert await connection.fetchval("SELECT current_user") == Service.DISPATCHER.role
    finally:
        await pool.close()


def test_nobody_keeps_anything_in_a_session_of_the_pool() -> None:
    keepers = {
        path.name
        for folder in ("shared", "services", "deploy")
        for path in (ROOT / folder).rglob("src/**/*.py")
        if OUTLIVES.search(path.read_text())
    }
    assert keepers <= HAVE_THEIR_OWN
