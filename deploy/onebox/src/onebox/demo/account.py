"""What became of the demo's week: the database's word beside what really arrived."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pypdf

from dispatcher import ledger, reconcile
from dispatcher.ledger import Sum
from onebox.demo.installation import Installation
from onebox.environment import embedded
from sandbox.journal import Told
from sandbox.world import World
from shared.db import connect

_SHEET_ID = re.compile(r"Лист ([0-9a-f-]{36})")

# Who had to be decided about, counted from the lists and the inbox alone: the dispatcher's own
# tables have no part in it.
_OWED = """
WITH accepted AS (
    SELECT change, event->>'subject' AS pupil, event->'data'->>'class' AS class,
           event->'data'->>'grade' AS grade, event->'data'->'pupils' AS pupils,
           split_part(source, '/', 3) AS school
    FROM ingest.inbox WHERE NOT stale
)
SELECT count(DISTINCT (a.change, t.guardian))
FROM accepted a
JOIN roster.pupil p ON p.school = a.school AND CASE
    WHEN a.pupil IS NOT NULL THEN p.pupil = a.pupil
    WHEN jsonb_typeof(a.pupils) = 'array' AND a.pupils <> '[]' THEN a.pupils ? p.pupil
    WHEN a.class IS NOT NULL THEN p.class = a.class
    WHEN a.grade IS NOT NULL THEN
        EXISTS (SELECT FROM roster.class c
                WHERE c.school = p.school AND c.class = p.class AND c.grade = a.grade)
    ELSE true END
JOIN roster.guardianship t ON t.school = p.school AND t.pupil = p.pupil
WHERE NOT EXISTS (  -- what was decided about a family that left is destroyed by order
    SELECT FROM consent.erasure e JOIN dispatch.erased x ON x.erasure = e.id
    WHERE e.school = p.school AND (p.pupil = ANY(e.pupils) OR t.guardian = ANY(e.guardians)))
"""


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
    changes: Sequence[tuple[str, int]]
    told: Told
    decisions: Sequence[tuple[str, str | None, int]]
    messages: Sequence[tuple[str, str, int]]
    batches: Sequence[tuple[str, int, int]]
    sum: Sum
    owed: int
    discrepancies: int
    checks: tuple[Check, ...]

    @property
    def adds_up(self) -> bool:
        """Every guardian concerned by a change has exactly one line, each line one place, and the
        product's own check finds nothing."""
        return self.owed == self.sum.decisions == sum(self.sum.columns.values()) and not self.discrepancies

    @property
    def agrees(self) -> bool:
        return self.adds_up and all(check.agrees for check in self.checks)


async def take_account(vestnik: Installation, world: World, told: Told, pdfs: Sequence[Path]) -> Account:
    """Counts in the database and outside it, while everything still runs."""
    async with embedded(vestnik.data) as url:
        connection = await connect(url)
        try:
            return await _count(connection, world, told, pdfs)
        finally:
            await connection.close()


async def _count(connection: asyncpg.Connection, world: World, told: Told, pdfs: Sequence[Path]) -> Account:
    changes = await connection.fetch(
        """SELECT event->>'type', count(*) FROM ingest.inbox WHERE NOT stale GROUP BY 1 ORDER BY 2 DESC, 1"""
    )
    decisions = await connection.fetch(
        "SELECT verdict, reason, count(*) FROM dispatch.decision GROUP BY 1, 2 ORDER BY 1 DESC, 3 DESC, 2"
    )
    messages = await connection.fetch(
        "SELECT channel, status, count(*) FROM dispatch.message GROUP BY 1, 2 ORDER BY 1, 3 DESC"
    )
    # What a gateway took over stays with its message even when it was not delivered in the end.
    handed: Counter[str] = Counter()
    for channel, number in await connection.fetch(
        """SELECT m.channel, count(DISTINCT m.id)
           FROM dispatch.message m JOIN dispatch.message_history h ON h.message = m.id
           WHERE h.to_status = 'accepted' GROUP BY 1"""
    ):
        handed[channel] = number
    batches = await connection.fetch(
        """SELECT b.class, count(s.id), (b.pages->>'total_pages')::int FROM paper.batch b
           LEFT JOIN paper.sheet s ON s.batch = b.id WHERE b.kind = 'week' AND b.name = '2026-W48'
           GROUP BY b.id ORDER BY 1"""
    )
    letters = [letter.message for letter in world.inbox.letters]
    # Only families can unsubscribe; the other letters tell members of staff.
    families = {letter["Message-ID"] for letter in letters if letter["List-Unsubscribe"]}
    staff = {letter["Message-ID"] for letter in letters} - families
    told_staff = await connection.fetchval(
        "SELECT count(*) FROM dispatch.notice_letter WHERE outcome = 'accepted'"
    )
    notices = {notice.payload["tag"] for notice in world.push.notices}
    checks = (
        Check("изменений принято", sum(row[1] for row in changes), told.accepted, "ответы журналу"),
        Check("писем семьям", handed["email"], len(families), "email/"),
        Check("писем сотрудникам", told_staff, len(staff), "email/"),
        Check("SMS передано", handed["sms"], len(world.sms.messages), "sms/"),
        Check("push передано", handed["push"], len(notices), "push/"),
        Check("пачек для классов", len(batches), len(pdfs), "paper/"),
        Check("личных листов", sum(row[1] for row in batches), sum(map(_sheets_in, pdfs)), "страницы PDF"),
    )
    return Account(
        changes=[tuple(row) for row in changes],
        told=told,
        decisions=[tuple(row) for row in decisions],
        messages=[tuple(row) for row in messages],
        batches=[tuple(row) for row in batches],
        sum=await ledger.add_up(connection),
        owed=await connection.fetchval(_OWED),
        discrepancies=len(await reconcile.check(connection)),
        checks=checks,
    )


def _sheets_in(pdf: Path) -> int:
    """How many different sheets' numbers stand at the foot of the pages."""
    pages = pypdf.PdfReader(pdf).pages
    texts = (page.extract_text().replace("\u200b", "") for page in pages)
    return len({number for text in texts for number in _SHEET_ID.findall(text)})
