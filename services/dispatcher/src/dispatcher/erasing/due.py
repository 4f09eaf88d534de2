"""Withdrawals and leavings whose time has come, made into orders (R-B7, R-B8)."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import asyncpg

from dispatcher.desk.withdrawals import TERM
from dispatcher.erasing import scope
from dispatcher.erasing.scope import Paper, Papers, Scope
from dispatcher.working_days import WorkingDays, YearMissing
from shared.db import AnyConnection
from shared.erasure import Cause, Pair
from shared.settings import Profile

LEFT_TERM = 3  # calendar days (R-B7); the last of them is the day of destruction
BRAKE = 10
"""More leavings than this in one school at once, and more than half of its pupils, are a mistake in a
list rather than a graduation: somebody confirms them with `vestnik erase`."""


@dataclass(frozen=True, slots=True)
class Due:
    """An order to be made. `received_on`: the withdrawal, or the day of leaving."""

    school: str
    cause: Cause
    scope: Scope
    received_on: date
    destroy_by: date


@dataclass(frozen=True, slots=True)
class Leavings:
    """`held`: how many leavings the brake keeps back until somebody confirms them."""

    orders: list[Due]
    held: int = 0


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A guardian's withdrawn sheets about one pupil, for which no order is given yet."""

    school: str
    pair: Pair
    received_on: date
    destroy_by: date


async def withdrawn(
    connection: AnyConnection, school: str, today: date, days: WorkingDays, *, guardian: str | None = None
) -> list[Withdrawn]:
    """Of one school, or of one guardian there. Also withdrawals that came with a list count."""
    rows = await connection.fetch(
        """SELECT s.pupil, s.guardian, min(s.withdrawn_on) AS received_on, min(w.destroy_by) AS destroy_by
           FROM consent.sheet s LEFT JOIN consent.withdrawal w USING (school, pupil, guardian, number)
           WHERE s.school = $1 AND s.withdrawn_on <= $2
             AND ($3::text IS NULL OR s.guardian = $3)
             AND NOT EXISTS (
                 SELECT FROM consent.erasure e CROSS JOIN LATERAL unnest(e.tie_pupils, e.tie_guardians)
                     AS tie (pupil, guardian)
                 WHERE e.school = $1 AND s.registered_at <= e.ordered_at
                   AND (tie.pupil, tie.guardian) = (s.pupil, s.guardian))
           GROUP BY s.pupil, s.guardian ORDER BY received_on, s.guardian, s.pupil""",
        *(school, today, guardian),
    )
    return [
        Withdrawn(
            school,
            (row["pupil"], row["guardian"]),
            row["received_on"],
            row["destroy_by"] or last_day(days, row["received_on"]),
        )
        for row in rows
    ]


def last_day(days: WorkingDays, received_on: date) -> date:
    """The tenth working day. Where the calendar of the year is not known: the earliest it can be."""
    try:
        return days.after(received_on, TERM)
    except YearMissing:
        return received_on + timedelta(days=TERM)


def ripe(one: Withdrawn, today: date, days: WorkingDays, profile: Profile) -> bool:
    """Whether the days for mending a mistake are over."""
    if profile.erase_after == 0:
        return True
    try:
        return today >= days.after(one.received_on, profile.erase_after)
    except YearMissing:
        return today >= one.received_on + timedelta(days=profile.erase_after)


async def due_withdrawals(
    connection: AnyConnection,
    school: str,
    today: date,
    *,
    days: WorkingDays,
    profile: Profile,
    guardian: str | None = None,
    at_once: bool = False,
) -> list[Due]:
    """One order a guardian. A tie that a newer paper covers is no matter of destruction: its withdrawal
    is void."""
    open_ = await withdrawn(connection, school, today, days, guardian=guardian)
    by_guardian: dict[str, list[Withdrawn]] = defaultdict(list)
    for one in open_:
        if at_once or ripe(one, today, days, profile):
            by_guardian[one.pair[1]].append(one)
    found = []
    for theirs in by_guardian.values():
        papers, selves = await papers_about(connection, school, [one.pair for one in theirs])
        ties = [one.pair for one in theirs if not papers.get(one.pair, Papers()).cover(today)]
        if void := [one.pair for one in theirs if one.pair not in ties]:
            await _void(connection, school, void)
        if ties:
            mine = [one for one in theirs if one.pair in ties]
            found.append(
                Due(
                    school,
                    Cause.WITHDRAWAL,
                    scope.of_withdrawal(ties, papers, selves, today),
                    min(one.received_on for one in mine),
                    min(one.destroy_by for one in mine),
                )
            )
    return found


async def due_leavings(
    connection: AnyConnection, school: str, today: date, *, pupil: str | None = None, at_once: bool = False
) -> Leavings:
    """One order a pupil who left and is not erased yet; none at all where the brake holds (`braked`)."""
    rows = await left(connection, school, today if at_once else today - timedelta(days=LEFT_TERM), pupil)
    if pupil is None and not at_once and await braked(connection, school, len(rows)):
        return Leavings([], held=len(rows))
    found = []
    for row in rows:
        ties, selves = await _ties(connection, school, [row["pupil"]], [])
        staying = await _with_another_child(connection, school, row["pupil"], today)
        found.append(
            Due(
                school,
                Cause.DEPARTURE,
                scope.of_leaving(row["pupil"], ties, staying, selves),
                row["left_on"],
                row["left_on"] + timedelta(days=LEFT_TERM),
            )
        )
    return Leavings(found)


async def braked(connection: AnyConnection, school: str, leaving: int) -> bool:
    """Whether so many leavings at once look like a mistake."""
    if leaving <= BRAKE:
        return False
    pupils: int = await connection.fetchval("SELECT count(*) FROM roster.pupil WHERE school = $1", school)
    return leaving * 2 > pupils


async def left(
    connection: AnyConnection, school: str, until: date, pupil: str | None = None
) -> list[asyncpg.Record]:
    """Pupils who left by `until`; who was erased for this very leaving, or has nothing left, is done."""
    rows = await connection.fetch(
        """SELECT pupil, left_on FROM (
               SELECT p.pupil, least(p.left_on, d.left_on) AS left_on FROM roster.pupil p
               LEFT JOIN consent.departure d USING (school, pupil)
               WHERE p.school = $1 AND ($3::text IS NULL OR p.pupil = $3)) AS gone
           WHERE left_on <= $2 AND NOT EXISTS (
               SELECT FROM consent.erasure e
               WHERE e.school = $1 AND gone.pupil = ANY(e.pupils)
                 AND (e.cause = 'departure' AND e.received_on = gone.left_on OR e.completed_at IS NULL))
           ORDER BY left_on, pupil""",
        *(school, until, pupil),
    )
    return list(rows)


async def papers_about(
    connection: AnyConnection, school: str, pairs: Collection[Pair]
) -> tuple[dict[Pair, Papers], list[Pair]]:
    """The papers of every tie of these pupils and of these guardians, and who is their own guardian."""
    pupils, guardians = [pupil for pupil, _ in pairs], [guardian for _, guardian in pairs]
    which = "school = $1 AND erased_at IS NULL AND (pupil = ANY($2::text[]) OR guardian = ANY($3::text[]))"
    sheets: dict[Pair, list[Paper]] = defaultdict(list)
    for row in await connection.fetch(
        f"SELECT * FROM consent.sheet WHERE {which} ORDER BY signed_on, registered_at, number",
        *(school, pupils, guardians),
    ):
        grants = bool(row["items"]) and not row["refused"]
        paper = Paper(row["signed_on"], grants, row["valid_until"], row["withdrawn_on"])
        sheets[row["pupil"], row["guardian"]].append(paper)
    asked = {
        (row["pupil"], row["guardian"]): row["form"] == "paper"
        for row in await connection.fetch(
            f"SELECT * FROM consent.application WHERE {which} ORDER BY signed_on, registered_at, number",
            *(school, pupils, guardians),
        )
    }
    _, selves = await _ties(connection, school, pupils, guardians)
    return {
        pair: Papers(tuple(sheets.get(pair, ())), asked.get(pair, False)) for pair in {*sheets, *asked}
    }, selves


async def _ties(
    connection: AnyConnection, school: str, pupils: Iterable[str], guardians: Iterable[str]
) -> tuple[list[Pair], list[Pair]]:
    """Every tie of these people, and those of pupils to themselves."""
    rows = await connection.fetch(
        """SELECT pupil, guardian, relation = 'self' AS own FROM roster.guardianship
           WHERE school = $1 AND (pupil = ANY($2::text[]) OR guardian = ANY($3::text[])) ORDER BY 1, 2""",
        *(school, list(pupils), list(guardians)),
    )
    pairs = [(row["pupil"], row["guardian"]) for row in rows]
    return pairs, [pair for pair, row in zip(pairs, rows, strict=True) if row["own"]]


async def _with_another_child(connection: AnyConnection, school: str, pupil: str, today: date) -> list[str]:
    rows = await connection.fetch(
        """SELECT DISTINCT other.guardian FROM roster.guardianship t
           JOIN roster.guardianship other USING (school, guardian)
           JOIN roster.pupil p ON (p.school, p.pupil) = (other.school, other.pupil)
           LEFT JOIN consent.departure d ON (d.school, d.pupil) = (p.school, p.pupil)
           WHERE t.school = $1 AND t.pupil = $2 AND other.pupil <> $2
             AND coalesce(least(p.left_on, d.left_on) > $3, true)""",
        *(school, pupil, today),
    )
    return [row["guardian"] for row in rows]


async def _void(connection: AnyConnection, school: str, pairs: Collection[Pair]) -> None:
    await connection.execute(
        """UPDATE consent.withdrawal SET voided_at = now()
           WHERE school = $1 AND destroyed_at IS NULL AND voided_at IS NULL
             AND (pupil, guardian) IN (SELECT * FROM unnest($2::text[], $3::text[]))""",
        *(school, [pupil for pupil, _ in pairs], [guardian for _, guardian in pairs]),
    )
