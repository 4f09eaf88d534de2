"""The notices' statements. A letter is made once, with the notices it carries for good; what follows
are attempts to hand it over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from dispatcher.notices.notice import Notice
from dispatcher.notices.whom import Account, Nobody, Staff
from shared.db import AnyConnection

BATCH = 500
LETTERS = 20
"""So many letters a round."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter to hand over. `attempts` counts this one; `waited` since it was composed, real time."""

    id: UUID
    address: str
    attempts: int
    waited: timedelta


@dataclass(frozen=True, slots=True)
class Untold:
    """A notice that no member of staff was told; `because` where none will be."""

    kind: str
    school: str | None
    class_name: str | None
    at: datetime
    because: str | None


async def keep(connection: AnyConnection, notices: Sequence[Notice]) -> None:
    """Write notices down; those known already stay as they are."""
    unique = sorted({one.id: one for one in notices}.values(), key=lambda one: one.id)
    await connection.executemany(
        """INSERT INTO dispatch.notice (id, kind, school, class, details, at)
           VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING""",
        [(one.id, one.kind, one.school, one.class_name, one.details, one.at) for one in unique],
    )


async def unaddressed(connection: AnyConnection) -> list[Notice]:
    rows = await connection.fetch(
        """SELECT id, kind, school, class, details, at FROM dispatch.notice
           WHERE addressed_at IS NULL ORDER BY received_at, id LIMIT $1""",
        BATCH,
    )
    return [_notice(row) for row in rows]


async def read_staff(connection: AnyConnection) -> Staff:
    """All of it: a few hundred rows, and notices are rare."""
    accounts = await connection.fetch(
        "SELECT school, login, role, email FROM people.account WHERE disabled_at IS NULL ORDER BY 1, 2"
    )
    classes = await connection.fetch("SELECT school, class, teachers FROM roster.class")
    return Staff(
        tuple(Account(*row) for row in accounts),
        {(row["school"], row["class"]): tuple(row["teachers"]) for row in classes},
    )


async def address(connection: AnyConnection, found: Mapping[UUID, frozenset[str] | Nobody]) -> None:
    """Note whom each notice is for, or why nobody is told."""
    pairs = sorted((notice, to) for notice, at in found.items() if not isinstance(at, Nobody) for to in at)
    await connection.execute(
        """INSERT INTO dispatch.notice_addressee (notice, address)
           SELECT * FROM unnest($1::uuid[], $2::text[]) ON CONFLICT DO NOTHING""",
        [notice for notice, _ in pairs],
        [to for _, to in pairs],
    )
    await connection.execute(
        """UPDATE dispatch.notice n SET addressed_at = clock_timestamp(), untold_because = given.because
           FROM unnest($1::uuid[], $2::text[]) AS given (id, because) WHERE n.id = given.id""",
        list(found),
        [at.value if isinstance(at, Nobody) else None for at in found.values()],
    )


async def compose(connection: AnyConnection, *, every: timedelta, at_most: int) -> None:
    """One letter for each addressee with waiting notices, oldest first and `at_most` of them, unless
    one is under way or ended less than `every` ago (real time)."""
    await connection.execute(
        """WITH made AS (
               INSERT INTO dispatch.notice_letter (address)
               SELECT DISTINCT w.address FROM dispatch.notice_addressee w
               WHERE w.letter IS NULL AND NOT EXISTS (
                   SELECT FROM dispatch.notice_letter l WHERE l.address = w.address
                       AND (l.ended_at IS NULL OR l.ended_at > clock_timestamp() - $1::interval))
               RETURNING id, address),
           carried AS (
               SELECT m.id, w.address, w.notice FROM made m CROSS JOIN LATERAL (
                   SELECT a.address, a.notice FROM dispatch.notice_addressee a
                   JOIN dispatch.notice n ON n.id = a.notice
                   WHERE a.address = m.address AND a.letter IS NULL
                   ORDER BY n.received_at, n.id LIMIT $2) w)
           UPDATE dispatch.notice_addressee a SET letter = c.id
           FROM carried c WHERE (a.notice, a.address) = (c.notice, c.address)""",
        every,
        at_most,
    )


async def take(connection: AnyConnection, *, hold: timedelta) -> list[Letter]:
    """Letters due now; none of them is due again before `hold` is over, whatever becomes of the taker."""
    rows = await connection.fetch(
        """UPDATE dispatch.notice_letter
           SET attempts = attempts + 1, next_attempt_at = clock_timestamp() + $1::interval
           WHERE id IN (SELECT id FROM dispatch.notice_letter
                        WHERE ended_at IS NULL AND next_attempt_at <= clock_timestamp()
                        ORDER BY next_attempt_at LIMIT $2)
           RETURNING id, address, attempts, clock_timestamp() - composed_at AS waited""",
        hold,
        LETTERS,
    )
    return [Letter(*row) for row in rows]


async def carried(connection: AnyConnection, letter: UUID) -> list[Notice]:
    rows = await connection.fetch(
        """SELECT n.id, n.kind, n.school, n.class, n.details, n.at
           FROM dispatch.notice_addressee a JOIN dispatch.notice n ON n.id = a.notice
           WHERE a.letter = $1 ORDER BY n.at, n.id""",
        letter,
    )
    return [_notice(row) for row in rows]


async def end(connection: AnyConnection, letter: UUID, outcome: str, reason: str | None = None) -> None:
    """The letter is through (`accepted`) or will not be tried again; its notices know. In a transaction."""
    ended = await connection.fetchval(
        """UPDATE dispatch.notice_letter SET ended_at = clock_timestamp(), outcome = $2, reason = $3
           WHERE id = $1 AND ended_at IS NULL RETURNING true""",
        letter,
        outcome,
        reason,
    )
    if not ended:
        return
    told = "told_at = coalesce(n.told_at, clock_timestamp()), untold_because = NULL"
    untold = "untold_because = CASE WHEN n.told_at IS NULL THEN $2 END"
    await connection.execute(
        f"""UPDATE dispatch.notice n SET {told if outcome == "accepted" else untold}
            FROM dispatch.notice_addressee a WHERE a.letter = $1 AND n.id = a.notice""",
        *([letter] if outcome == "accepted" else [letter, outcome]),
    )


async def bounced(connection: AnyConnection, letter: UUID, reason: str) -> None:
    """A letter that was accepted came back: who was to be told with it was not, unless by another one."""
    back = await connection.fetchval(
        """UPDATE dispatch.notice_letter SET outcome = 'refused', reason = $2
           WHERE id = $1 AND outcome = 'accepted' RETURNING true""",
        letter,
        reason,
    )
    if not back:
        return
    await connection.execute(
        """UPDATE dispatch.notice n SET told_at = NULL, untold_because = 'refused'
           FROM dispatch.notice_addressee a
           WHERE a.letter = $1 AND n.id = a.notice AND NOT EXISTS (
               SELECT FROM dispatch.notice_addressee o JOIN dispatch.notice_letter l ON l.id = o.letter
               WHERE o.notice = n.id AND l.outcome = 'accepted')""",
        letter,
    )


async def again(connection: AnyConnection, letter: UUID, wait: timedelta, reason: str) -> None:
    await connection.execute(
        """UPDATE dispatch.notice_letter SET next_attempt_at = clock_timestamp() + $2::interval, reason = $3
           WHERE id = $1 AND ended_at IS NULL""",
        letter,
        wait,
        reason,
    )


async def untold(connection: AnyConnection, newest: int) -> tuple[dict[str, int], list[Untold]]:
    """How many of each kind, and the newest of all, for operators' eyes."""
    counts = await connection.fetch(
        """SELECT kind, count(*) AS notices FROM dispatch.notice WHERE told_at IS NULL
           GROUP BY kind ORDER BY 2 DESC, 1"""
    )
    rows = await connection.fetch(
        """SELECT kind, school, class, at, untold_because FROM dispatch.notice WHERE told_at IS NULL
           ORDER BY received_at DESC, id LIMIT $1""",
        newest,
    )
    return {row["kind"]: row["notices"] for row in counts}, [Untold(*row) for row in rows]


def _notice(row: asyncpg.Record) -> Notice:
    return Notice(row["id"], row["kind"], row["school"], row["class"], row["details"], row["at"])
