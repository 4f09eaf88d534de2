"""The count that can disagree: the ledger held against what else is known (DESIGN §7).

The sum of `ledger` adds up by construction. Here it is compared with what was counted elsewhere: the
guardians the planner found before it decided anything, what ingest published, the messages and their
history. Each statement sees one moment, and whatever it compares commits together, so a healthy
installation is silent however busy it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from dispatcher.ledger import EVERYTHING, Period
from dispatcher.messages import Status
from dispatcher.planning.planner import GROUP
from shared.db import AnyConnection
from shared.topics import Service, Topic

AT_MOST = 1_000
"""Rows named of each kind of fault; more would not be read."""


class Fault(StrEnum):
    """What may be wrong, and what the subject of the discrepancy is."""

    CHANGE_LOST = "change_lost"  # change: read from ingest, neither planned nor set aside
    DECISIONS_MISSING = "decisions_missing"  # change: fewer than guardians
    DECISIONS_EXTRA = "decisions_extra"  # change: more than guardians
    DECISION_STRAY = "decision_stray"  # change that does not exist, so the sum leaves it out
    MESSAGE_MISSING = "message_missing"  # change: its decision rests on a message that is not there
    MESSAGE_MISMATCH = "message_mismatch"  # change: its message is another family's, channel's or verdict's
    MESSAGE_EMPTY = "message_empty"  # message that was sent with nothing in it
    HISTORY_BROKEN = "history_broken"  # message: its history does not lead to where it stands

    @property
    def about_message(self) -> bool:
        return self in {Fault.MESSAGE_EMPTY, Fault.HISTORY_BROKEN}


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One row that does not fit. `subject` is a change or a message, as the fault says."""

    fault: Fault
    subject: UUID
    school: str
    expected: str
    found: str
    guardian: str = ""

    @property
    def key(self) -> tuple[str, UUID, str]:
        return self.fault.value, self.subject, self.guardian


@dataclass(frozen=True, slots=True)
class Lag:
    """Changes published and not yet read by the planner; `since` is when the oldest was (real time).
    On Kafka only what is not yet handed to the broker can be seen from here."""

    changes: int
    since: datetime | None


_CHANGES = """($1::text IS NULL OR c.school = $1)
  AND ($2::timestamptz IS NULL OR c.accepted_at >= $2)
  AND ($3::timestamptz IS NULL OR c.accepted_at < $3)"""
_MESSAGES = """($1::text IS NULL OR m.school = $1)
  AND ($2::timestamptz IS NULL OR m.due_at >= $2)
  AND ($3::timestamptz IS NULL OR m.due_at < $3)"""

_TOLD = ", ".join(f"'{status.value}'" for status in Status if status.told)

_GUARDIANS = f"""
SELECT CASE WHEN n.decisions < c.guardians THEN 'decisions_missing' ELSE 'decisions_extra' END AS fault,
       c.change AS subject, c.school, '' AS guardian,
       c.guardians::text AS expected, n.decisions::text AS found
FROM dispatch.change c
CROSS JOIN LATERAL (SELECT count(*) FROM dispatch.decision d WHERE d.change = c.change) AS n(decisions)
WHERE {_CHANGES} AND c.guardians <> n.decisions
LIMIT $4
"""

# Without its change a decision has no period; it is looked for only when all are.
_STRAYS = """
SELECT 'decision_stray' AS fault, d.change AS subject, d.school, d.guardian,
       'change' AS expected, '' AS found
FROM dispatch.decision d
WHERE ($1::text IS NULL OR d.school = $1) AND $2::timestamptz IS NULL AND $3::timestamptz IS NULL
  AND NOT EXISTS (SELECT FROM dispatch.change c WHERE c.change = d.change)
LIMIT $4
"""

_TIES = f"""
SELECT CASE WHEN m.id IS NULL THEN 'message_missing' ELSE 'message_mismatch' END AS fault,
       d.change AS subject, d.school, d.guardian,
       CASE WHEN m.id IS NULL THEN d.message::text
            ELSE concat_ws(' ', d.school, d.guardian, 'tell', d.channel) END AS expected,
       coalesce(concat_ws(' ', m.school, m.guardian, d.verdict, m.channel), '') AS found
FROM dispatch.change c
JOIN dispatch.decision d USING (change)
LEFT JOIN dispatch.message m ON m.id = d.message
WHERE {_CHANGES} AND d.message IS NOT NULL
  AND (m.id IS NULL OR d.verdict <> 'tell'
       OR (m.school, m.guardian, m.channel) IS DISTINCT FROM (d.school, d.guardian, d.channel))
LIMIT $4
"""

# A weekly e-mail is owed also when the week was empty (R-B6). What waits or ended untold may have lost
# its cargo to a correction or to another channel.
_EMPTY = f"""
SELECT 'message_empty' AS fault, m.id AS subject, m.school, m.guardian, 'decision' AS expected,
       m.status AS found
FROM dispatch.message m
WHERE {_MESSAGES} AND m.kind <> 'weekly' AND m.status IN ({_TOLD})
  AND NOT EXISTS (SELECT FROM dispatch.decision d WHERE d.message = m.id)
LIMIT $4
"""

_HISTORY = f"""
SELECT 'history_broken' AS fault, m.id AS subject, m.school, m.guardian,
       m.status AS expected, coalesce(h.way, 'composed') AS found
FROM dispatch.message m
CROSS JOIN LATERAL (
    SELECT string_agg(from_status || '>' || to_status, ' ' ORDER BY id) AS way,
           bool_or(from_status <> coalesce(before, 'composed')) AS holes,
           (array_agg(to_status ORDER BY id DESC))[1] AS last
    FROM (
        SELECT id, from_status, to_status, lag(to_status) OVER (ORDER BY id) AS before
        FROM dispatch.message_history WHERE message = m.id
    ) AS steps
) AS h
WHERE {_MESSAGES} AND (coalesce(h.last, 'composed') <> m.status OR h.holes)
LIMIT $4
"""

# What the planner's place in the log says was read. Latin-1 reads any bytes, and what is asked of the
# record is plain ASCII. The relay of a cluster leaves nothing behind: `vestnik status` asks ingest itself.
_PUBLISHED = """
WITH read AS (
    SELECT o.value, 'ingest:' || o.xid || '.' || o.id AS position
    FROM ingest.outbox o
    JOIN dispatch.bus_cursor p ON p.topic = o.topic AND p.bus_group = $5 AND p.writer = $7
    WHERE o.topic = $6 AND (o.xid, o.id) <= (p.xid, p.id)
      AND ($1::text IS NULL OR starts_with(o.key, $1 || '/'))
), told AS (
    SELECT position, text::jsonb AS event
    FROM (SELECT position, convert_from(value, 'LATIN1') AS text FROM read OFFSET 0) AS readable
    WHERE pg_input_is_valid(text, 'jsonb')
), published AS (
    SELECT position, (event->>'changeid')::uuid AS change, split_part(event->>'source', '/', 3) AS school,
           (event->>'recordedtime')::timestamptz AS accepted_at
    FROM told WHERE pg_input_is_valid(event->>'changeid', 'uuid')
)
SELECT 'change_lost' AS fault, c.change AS subject, c.school, '' AS guardian,
       'planned' AS expected, '' AS found
FROM published c
WHERE ($2::timestamptz IS NULL OR c.accepted_at >= $2) AND ($3::timestamptz IS NULL OR c.accepted_at < $3)
  AND NOT EXISTS (SELECT FROM dispatch.change p WHERE p.change = c.change)
  AND NOT EXISTS (SELECT FROM dispatch.dead_letter l
                  WHERE l.position = c.position AND l.bus_group = $5 AND l.topic = $6)
LIMIT $4
"""


async def check(connection: AnyConnection, period: Period = EVERYTHING) -> list[Discrepancy]:
    """What disagrees among the changes accepted and the messages due in the period, each kind at most
    AT_MOST times; empty when all is well."""
    which = (period.school, period.since, period.until, AT_MOST)
    bus = (GROUP, Topic.JOURNAL_CHANGES.value, Service.INGEST.value)
    rows = await connection.fetch(_PUBLISHED, *which, *bus)
    for statement in (_GUARDIANS, _STRAYS, _TIES, _EMPTY, _HISTORY):
        rows += await connection.fetch(statement, *which)
    return [
        Discrepancy(
            fault=Fault(row["fault"]),
            subject=row["subject"],
            school=row["school"] or "",
            expected=row["expected"] or "",
            found=row["found"] or "",
            guardian=row["guardian"],
        )
        for row in rows
    ]


async def lag(connection: AnyConnection) -> Lag:
    """What ingest has published and the planner has not read."""
    row = await connection.fetchrow(
        """SELECT count(*) AS changes, min(o.at) AS since FROM ingest.outbox o
           LEFT JOIN dispatch.bus_cursor p ON p.topic = o.topic AND p.bus_group = $1 AND p.writer = $3
           WHERE o.topic = $2 AND (p.xid IS NULL OR (o.xid, o.id) > (p.xid, p.id))""",
        GROUP,
        Topic.JOURNAL_CHANGES.value,
        Service.INGEST.value,
    )
    assert row is not None
    return Lag(row["changes"], row["since"])


async def unplanned(connection: AnyConnection, changes: Sequence[UUID]) -> list[UUID]:
    """Those of the changes that were neither planned nor set aside: for whoever knows what ingest
    accepted, on any bus."""
    rows = await connection.fetch(
        """SELECT change FROM unnest($1::uuid[]) WITH ORDINALITY AS given(change, place)
           WHERE NOT EXISTS (SELECT FROM dispatch.change c WHERE c.change = given.change)
             AND NOT EXISTS (SELECT FROM dispatch.dead_letter l WHERE l.topic = $2
                             AND position(given.change::text IN convert_from(l.value, 'LATIN1')) > 0)
           ORDER BY place""",
        list(changes),
        Topic.JOURNAL_CHANGES.value,
    )
    return [row["change"] for row in rows]
