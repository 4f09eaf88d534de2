"""The weeks of every class as rows: which is open, which are closed, and when each really closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from print_queue.week import PaperWeek, Timetable
from shared.db import AnyConnection

ClassKey = tuple[str, str]
"""School and class."""


@dataclass(frozen=True, slots=True)
class WeekRow:
    """A week as it is kept. It may have closed before its time, never after: what came later belongs to
    the next one even when the closing itself was late."""

    school: str
    class_name: str
    week: str
    opened_at: datetime
    closes_at: datetime
    closed_at: datetime | None
    last_arrival: int | None

    @property
    def as_planned(self) -> PaperWeek:
        return PaperWeek(self.week, self.opened_at, self.closes_at)


def expected(
    timetable: Timetable, *, open_: PaperWeek | None, last: WeekRow | None, now: datetime
) -> PaperWeek | None:
    """The week that should be open: after the last closed one; else the one found open, as the calendar
    has it today; else the one that holds `now`."""
    if last is not None and last.closed_at is not None:
        return timetable.week_after(last.week, last.closed_at)
    if open_ is None:
        return timetable.week_of(now)
    closes_at = timetable.close_after(open_.opened_at)
    return PaperWeek(timetable.name_of(closes_at), open_.opened_at, closes_at) if closes_at else None


async def open_weeks(
    connection: AnyConnection, timetables: Mapping[ClassKey, Timetable], now: datetime
) -> list[WeekRow]:
    """The open week of each class, begun or moved where the calendar says so. A class whose calendar
    teaches no more has none."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (school, class, closed_at IS NULL) *
        FROM paper.week JOIN unnest($1::text[], $2::text[]) AS asked (school, class) USING (school, class)
        ORDER BY school, class, closed_at IS NULL, closes_at DESC
        """,
        [school for school, _ in timetables],
        [name for _, name in timetables],
    )
    last = {(row["school"], row["class"]): _row(row) for row in rows if row["closed_at"] is not None}
    kept = {(row["school"], row["class"]): _row(row) for row in rows if row["closed_at"] is None}
    found: list[WeekRow] = []
    begin: list[WeekRow] = []
    move: list[tuple[str, WeekRow]] = []
    for key, timetable in timetables.items():
        was = kept.get(key)
        week = expected(
            timetable, open_=was.as_planned if was is not None else None, last=last.get(key), now=now
        )
        if week is None:
            continue
        row = WeekRow(*key, week.name, week.opened_at, week.closes_at, None, None)
        found.append(row)
        if was is None:
            begin.append(row)
        elif was != row:
            move.append((was.week, row))
    # Both find nothing to do where somebody closed or began a week since it was looked up.
    if begin:
        await _begin(connection, sorted(begin, key=_place))
    if move:
        await _move(connection, sorted(move, key=lambda one: _place(one[1])))
    return found


def _place(row: WeekRow) -> ClassKey:
    return row.school, row.class_name


async def _begin(connection: AnyConnection, rows: Sequence[WeekRow]) -> None:
    await connection.execute(
        """
        INSERT INTO paper.week (school, class, week, opened_at, closes_at)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
        ON CONFLICT DO NOTHING
        """,
        *_columns(rows),
    )


async def _move(connection: AnyConnection, moved: Sequence[tuple[str, WeekRow]]) -> None:
    """The calendar changed under an open week: it closes at another time, perhaps in another week."""
    await connection.execute(
        """
        UPDATE paper.week w SET week = given.week, opened_at = given.opened_at, closes_at = given.closes_at
        FROM unnest(
            $1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[]
        ) AS given (school, class, week, opened_at, closes_at, was)
        WHERE (w.school, w.class, w.week) = (given.school, given.class, given.was) AND w.closed_at IS NULL
        """,
        *_columns([row for _, row in moved]),
        [was for was, _ in moved],
    )


def _columns(rows: Sequence[WeekRow]) -> tuple[list[Any], ...]:
    return (
        [row.school for row in rows],
        [row.class_name for row in rows],
        [row.week for row in rows],
        [row.opened_at for row in rows],
        [row.closes_at for row in rows],
    )


async def held(connection: AnyConnection, school: str, class_name: str, week: str) -> WeekRow | None:
    """The row of a week, locked until the transaction ends."""
    row = await connection.fetchrow(
        "SELECT * FROM paper.week WHERE school = $1 AND class = $2 AND week = $3 FOR UPDATE",
        school,
        class_name,
        week,
    )
    return _row(row) if row is not None else None


async def before(connection: AnyConnection, row: WeekRow) -> WeekRow | None:
    """The week that closed when this one opened, or the last one earlier."""
    found = await connection.fetchrow(
        """
        SELECT * FROM paper.week WHERE school = $1 AND class = $2 AND closed_at <= $3
        ORDER BY closed_at DESC LIMIT 1
        """,
        row.school,
        row.class_name,
        row.opened_at,
    )
    return _row(found) if found is not None else None


async def begun_by(connection: AnyConnection, school: str, class_name: str, instant: datetime) -> bool:
    """Whether any week kept for this class opened before `instant`."""
    return bool(
        await connection.fetchval(
            "SELECT EXISTS (SELECT FROM paper.week WHERE school = $1 AND class = $2 AND opened_at < $3)",
            school,
            class_name,
            instant,
        )
    )


async def close(connection: AnyConnection, row: WeekRow, closed_at: datetime) -> None:
    """What arrives from now on belongs to the next week."""
    await connection.execute(
        """
        INSERT INTO paper.week (school, class, week, opened_at, closes_at, closed_at, last_arrival)
        VALUES ($1, $2, $3, $4, $5, $6, nextval('paper.arrival'))
        ON CONFLICT (school, class, week) DO UPDATE
            SET closed_at = excluded.closed_at, last_arrival = excluded.last_arrival
            WHERE week.closed_at IS NULL
        """,
        row.school,
        row.class_name,
        row.week,
        row.opened_at,
        row.closes_at,
        closed_at,
    )


def _row(row: asyncpg.Record) -> WeekRow:
    return WeekRow(
        row["school"],
        row["class"],
        row["week"],
        row["opened_at"],
        row["closes_at"],
        row["closed_at"],
        row["last_arrival"],
    )
