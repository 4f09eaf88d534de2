"""Withdrawing a consent: nothing more is processed from this moment on, and a clock of ten working days
begins to run (R-B8, 001 Appendix 2)."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

import asyncpg

from dispatcher.desk.entries import Tie, Wrong
from dispatcher.desk.register import written
from dispatcher.working_days import WorkingDays
from shared.db import AnyConnection
from shared.staff import Staff
from shared.web.language import mark

TERM = 10  # working days


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A withdrawn sheet. `left` counts working days until `destroy_by`; 0 on the last day and after."""

    tie: Tie
    number: str
    received_on: date
    destroy_by: date
    left: int
    late: bool


async def withdraw(
    connection: AnyConnection,
    tie: Tie,
    *,
    received_on: date,
    today: date,
    days: WorkingDays,
    who: Staff | str,
) -> date:
    """Inside the caller's transaction: withdraw every sheet in force of this guardian for this pupil.
    The day by which the data are destroyed. Raises Wrong, or YearMissing of the calendar, and changes
    nothing. A second withdrawal of the same sheet leaves the first one's clock."""
    if received_on > today:
        raise Wrong("received_on", mark("Дата получения отзыва ещё не наступила."))
    destroy_by = days.after(received_on, TERM)
    rows = await connection.fetch(
        """UPDATE consent.sheet SET withdrawn_on = least(withdrawn_on, $4)
           WHERE school = $1 AND pupil = $2 AND guardian = $3 AND NOT refused
             AND signed_on <= $4 AND (withdrawn_on IS NULL OR withdrawn_on > $4)
           RETURNING number""",
        *(tie.school, tie.pupil, tie.guardian, received_on),
    )
    if not rows:
        raise Wrong(
            "received_on", mark("На эту дату у семьи нет действующего листа согласия: отзывать нечего.")
        )
    await connection.execute(
        """INSERT INTO consent.withdrawal
               (school, pupil, guardian, number, received_on, destroy_by, registered_by)
           SELECT $1, $2, $3, number, $5, $6, $7 FROM unnest($4::text[]) AS number ON CONFLICT DO NOTHING""",
        *(tie.school, tie.pupil, tie.guardian, [row["number"] for row in rows]),
        *(received_on, destroy_by, who if isinstance(who, str) else who.key),
    )
    numbers = " ".join(sorted(row["number"] for row in rows))
    await written(connection, tie, who, "sheet.withdrawn", numbers=numbers, destroy_by=destroy_by.isoformat())
    return destroy_by


async def pending(
    connection: AnyConnection, *, school: str | None, today: date, days: WorkingDays
) -> list[Withdrawal]:
    """Withdrawals whose data are not destroyed yet and that no new consent has overtaken, the most urgent
    first; of one school or of all."""
    rows = await connection.fetch(
        """SELECT * FROM consent.withdrawal
           WHERE destroyed_at IS NULL AND voided_at IS NULL AND ($1::text IS NULL OR school = $1)
           ORDER BY destroy_by, school, pupil, guardian""",
        school,
    )
    return [_clock(row, today, days) for row in rows]


async def of_pupil(
    connection: AnyConnection, school: str, pupil: str, *, today: date, days: WorkingDays
) -> dict[str, list[Withdrawal]]:
    """The withdrawals about one pupil whose data are not destroyed yet, by guardian. Raises
    YearMissing."""
    rows = await connection.fetch(
        """SELECT * FROM consent.withdrawal
           WHERE school = $1 AND pupil = $2 AND destroyed_at IS NULL ORDER BY destroy_by, number""",
        *(school, pupil),
    )
    found: dict[str, list[Withdrawal]] = defaultdict(list)
    for row in rows:
        found[row["guardian"]].append(_clock(row, today, days))
    return found


def _clock(row: asyncpg.Record, today: date, days: WorkingDays) -> Withdrawal:
    return Withdrawal(
        Tie(row["school"], row["pupil"], row["guardian"]),
        row["number"],
        row["received_on"],
        row["destroy_by"],
        days.between(today, row["destroy_by"]),
        today > row["destroy_by"],
    )
