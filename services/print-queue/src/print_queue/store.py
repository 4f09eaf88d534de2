"""What freezing reads: the entries of a class's week, what earlier sheets said, who was moved to paper.

`share_schools` and `hold_school` order arrivals against freezing: while a school's week is being frozen
nothing arrives for it, so what a frozen week did not see has a greater `arrival` and waits for the next.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from print_queue.composing import Pair, Told
from print_queue.entries import Entry, Key
from print_queue.words import Words
from shared.categories import Category
from shared.changes import Version
from shared.db import AnyConnection

_LOCK = "hashtextextended('vestnik paper ' || school, 0)"


@dataclass(frozen=True, slots=True)
class Window:
    """What belongs to a week: accepted in [opened_at, closed_at), or accepted in the week before but
    arrived after that was frozen (`last_arrival` None: no week was)."""

    opened_at: datetime
    closed_at: datetime
    previous_opened_at: datetime
    last_arrival: int | None


async def share_schools(connection: AnyConnection, schools: Collection[str]) -> None:
    """Until the end of the transaction no week of these schools is frozen."""
    await connection.execute(
        f"SELECT pg_advisory_xact_lock_shared({_LOCK}) FROM unnest($1::text[]) AS given (school)",
        sorted(schools),
    )


async def hold_school(connection: AnyConnection, school: str) -> None:
    """Until the end of the transaction nothing arrives for this school, and nobody else freezes."""
    await connection.execute(
        f"SELECT pg_advisory_xact_lock({_LOCK}) FROM (SELECT $1::text AS school) AS given", school
    )


async def entries(
    connection: AnyConnection,
    window: Window,
    *,
    school: str,
    class_name: str,
    grade: str,
    pupils: Sequence[str],
    moved: Collection[UUID],
) -> dict[Key, Entry]:
    """All that a sheet of this class may need: of the week, moved to paper, changed since an earlier
    sheet said it, and the forecasts and final marks of the last half-year."""
    rows = await connection.fetch(
        """
        SELECT found.*, coalesce(accepted_at >= $5 OR arrival > $8 AND accepted_at >= $7, false) AS fresh
        FROM (
            SELECT * FROM paper.ledger
            WHERE school = $1 AND pupil = ANY($2) AND accepted_at >= $7
            UNION ALL
            SELECT * FROM paper.ledger
            WHERE school = $1 AND pupil IS NULL AND accepted_at >= $7
                AND (class = $3 OR class IS NULL AND (grade = $4 OR grade IS NULL))
            UNION ALL
            SELECT * FROM paper.ledger
            WHERE school = $1 AND pupil = ANY($2) AND category IN ('forecast', 'final_mark')
                AND accepted_at >= $6::timestamptz - interval '200 days'
            UNION ALL
            SELECT * FROM paper.ledger WHERE school = $1 AND change = ANY($9)
            UNION ALL
            SELECT l.* FROM paper.printed p CROSS JOIN LATERAL (
                SELECT * FROM paper.ledger l WHERE (l.source, l.entity) = (p.source, p.entity)
                OFFSET 0 -- one look-up by primary key each, also where statistics are missing
            ) AS l
            WHERE p.school = $1 AND p.pupil = ANY($2) AND p.latest
                AND (l.revision, l.time) > (p.revision, p.time)
        ) AS found
        WHERE accepted_at < $6
        """,
        school,
        pupils,
        class_name,
        grade,
        window.opened_at,
        window.closed_at,
        min(window.previous_opened_at, window.opened_at),
        window.last_arrival,
        list(moved),
    )
    # An entry found for two reasons is the same row twice.
    found = {Key(row["source"], row["entity"]): row for row in rows}
    return {key: _entry(found[key]) for key in sorted(found)}


def _entry(row: asyncpg.Record) -> Entry:
    return Entry(
        key=Key(row["source"], row["entity"]),
        category=Category(row["category"]),
        change=row["change"],
        version=Version(row["revision"], row["time"]),
        removed=row["removed"],
        pupil=row["pupil"],
        class_name=row["class"],
        grade=row["grade"],
        group=row["group_name"],
        pupils=tuple(row["pupils"]),
        data=row["data"],
        accepted_at=row["accepted_at"],
        fresh=row["fresh"],
    )


async def told(
    connection: AnyConnection, *, school: str, pupils: Sequence[str], keys: Collection[Key]
) -> dict[tuple[str, str, Key], Told]:
    """What the latest sheets of these pupils said of these entities, by pupil, guardian and entity."""
    rows = await connection.fetch(
        """
        SELECT p.* FROM paper.printed p
        JOIN unnest($3::text[], $4::text[]) AS asked (source, entity) USING (source, entity)
        WHERE p.school = $1 AND p.pupil = ANY($2) AND p.latest
        """,
        school,
        pupils,
        [key.source for key in keys],
        [key.entity for key in keys],
    )
    return {
        (row["pupil"], row["guardian"], Key(row["source"], row["entity"])): Told(
            Version(row["revision"], row["time"]),
            row["removed"],
            row["weekly"],
            Words(row["what"], row["said"]),
        )
        for row in rows
    }


async def moves(
    connection: AnyConnection, window: Window, *, school: str, pupils: Sequence[str]
) -> Mapping[Pair, frozenset[UUID]]:
    """The (pupil, guardian) who were moved to paper in this week, and the changes they missed (R-E5)."""
    rows = await connection.fetch(
        """
        SELECT pupil, guardian, change FROM paper.to_paper
        WHERE school = $1 AND pupil = ANY($2) AND at < $4
            AND (at >= $3 OR arrival > $6 AND at >= $5)
        """,
        school,
        pupils,
        window.opened_at,
        window.closed_at,
        window.previous_opened_at,
        window.last_arrival,
    )
    found: dict[Pair, set[UUID]] = defaultdict(set)
    for row in rows:
        found[row["pupil"], row["guardian"]].add(row["change"])
    return {pair: frozenset(changes) for pair, changes in found.items()}


async def teachers(connection: AnyConnection, school: str, logins: Sequence[str]) -> tuple[str, ...]:
    """The names of a class's teachers, in the order of the class list."""
    rows = await connection.fetch(
        "SELECT login, name FROM people.account WHERE school = $1 AND login = ANY($2)", school, list(logins)
    )
    names = {row["login"]: row["name"] for row in rows}
    return tuple(names[login] for login in logins if login in names)


async def fresh_ids(connection: AnyConnection, count: int) -> list[str]:
    rows = await connection.fetch("SELECT uuidv7()::text AS id FROM generate_series(1, $1)", count)
    return [row["id"] for row in rows]
