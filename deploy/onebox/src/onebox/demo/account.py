"""What became of the demo's week: the database's word beside what really arrived."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from onebox.demo.installation import Installation
from onebox.environment import database
from sandbox.journal import Told
from sandbox.world import World
from shared.db import connect
from shared.settings import load

Rows = Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Check:
    """One number told by the database and the same one counted outside it."""

    what: str
    database: int
    outside: int
    where: str

    @property
    def agrees(self) -> bool:
        return self.database == self.outside


@dataclass(frozen=True, slots=True)
class Account:
    changes: Rows
    told: Told
    decisions: Rows
    messages: Sequence[tuple[str, str, int]]
    batches: int
    sheets: int
    ledger: dict[str, int]
    owed: int
    checks: tuple[Check, ...]

    @property
    def agrees(self) -> bool:
        return all(check.agrees for check in self.checks) and sum(self.ledger.values()) == self.owed


async def take_account(vestnik: Installation, world: World, told: Told, pdfs: Sequence[Path]) -> Account:
    """Counts in the database and outside it, while everything still runs."""
    async with database(load(dict(vestnik.environment))) as url:
        connection = await connect(url)
        try:
            return await _count(connection, world, told, pdfs)
        finally:
            await connection.close()


async def _count(connection: asyncpg.Connection, world: World, told: Told, pdfs: Sequence[Path]) -> Account:
    changes = await connection.fetch(
        """SELECT event->>'type' AS type, count(*) FROM ingest.inbox WHERE NOT stale
           GROUP BY 1 ORDER BY 2 DESC, 1"""
    )
    decisions = await connection.fetch(
        """SELECT verdict || coalesce('/' || reason, '') AS verdict, count(*) FROM dispatch.decision
           GROUP BY 1 ORDER BY 2 DESC, 1"""
    )
    messages = await connection.fetch(
        """SELECT channel, status, count(*) FROM dispatch.message GROUP BY 1, 2 ORDER BY 1, 3 DESC"""
    )
    went: Counter[str] = Counter()
    for channel, status, number in messages:
        if status in {"accepted", "delivered"}:
            went[channel] += number
    bounced_sms = await connection.fetchval(
        "SELECT count(*) FROM dispatch.message WHERE channel = 'sms' AND provider_id IS NOT NULL"
    )
    batches, sheets = await connection.fetchrow(
        """SELECT (SELECT count(*) FROM paper.batch WHERE kind = 'week'), count(*)
           FROM paper.sheet JOIN paper.batch USING (batch) WHERE kind = 'week'"""
    )
    ledger = {row["state"]: row["number"] for row in await connection.fetch(LEDGER)}
    owed = await connection.fetchval("SELECT count(*) FROM dispatch.decision")
    printed = sum(_sheets_in(pdf) for pdf in pdfs)
    checks = (
        Check("изменений принято", sum(row[1] for row in changes), told.accepted, "ответы приёма журналу"),
        Check(
            "писем",
            went["email"],
            len({letter.message["Message-ID"] for letter in world.inbox.letters}),
            "email/",
        ),
        Check("SMS", bounced_sms, len(world.sms.messages), "sms/"),
        Check("push", went["push"], len({notice.tag for notice in world.push.notices}), "push/"),
        Check("пачек для классов", batches, len(pdfs), "paper/"),
        Check("личных листов", sheets, printed, "страницы PDF"),
    )
    return Account(
        changes=[tuple(row) for row in changes],
        told=told,
        decisions=[tuple(row) for row in decisions],
        messages=[tuple(row) for row in messages],
        batches=batches,
        sheets=sheets,
        ledger=ledger,
        owed=owed,
        checks=checks,
    )
