"""What the desk's first page shows beside the search: withdrawals whose clock runs, and the papers
registered last (R-B8)."""

from dataclasses import dataclass
from datetime import date, datetime

from dispatcher.desk import withdrawals
from dispatcher.desk.room import Entered
from dispatcher.desk.withdrawals import Withdrawal
from dispatcher.working_days import WorkingDays

_RECENT = 12


@dataclass(frozen=True, slots=True)
class Running:
    """A withdrawal with the names of the two it is about."""

    withdrawal: Withdrawal
    pupil: str
    guardian: str


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper as the list of the last ones names it. `kind`: sheet, refused or application."""

    kind: str
    number: str
    signed_on: date
    registered_at: datetime
    pupil: str
    name: str
    class_name: str


async def running(at: Entered, days: WorkingDays) -> list[Running]:
    """The most urgent first. Raises YearMissing."""
    found = await withdrawals.pending(at.connection, school=at.place.school, today=at.place.today, days=days)
    names = {
        (row["pupil"], row["guardian"]): (row["pupil_name"], row["guardian_name"])
        for row in await at.connection.fetch(
            """SELECT t.pupil, t.guardian, concat_ws(' ', p.family_name, p.given_name) AS pupil_name,
                      concat_ws(' ', g.family_name, g.given_name, g.patronymic) AS guardian_name
               FROM unnest($2::text[], $3::text[]) AS t(pupil, guardian)
               LEFT JOIN roster.pupil p ON p.school = $1 AND p.pupil = t.pupil
               LEFT JOIN roster.guardian g ON g.school = $1 AND g.guardian = t.guardian""",
            at.place.school,
            [one.tie.pupil for one in found],
            [one.tie.guardian for one in found],
        )
    }
    return [Running(one, *names[one.tie.pupil, one.tie.guardian]) for one in found]


async def recent(at: Entered) -> list[Paper]:
    """The papers this desk registered last, whoever did; those from lists are not the desk's."""
    rows = await at.connection.fetch(
        """SELECT r.*, p.class, concat_ws(' ', p.family_name, p.given_name) AS name FROM (
               SELECT school, pupil, CASE WHEN refused THEN 'refused' ELSE 'sheet' END AS kind, number,
                      signed_on, registered_at
               FROM consent.sheet WHERE school = $1 AND registered_by <> ''
               UNION ALL
               SELECT school, pupil, 'application', number, signed_on, registered_at
               FROM consent.application WHERE school = $1 AND registered_by <> ''
               ORDER BY registered_at DESC LIMIT $2
           ) AS r JOIN roster.pupil p USING (school, pupil) ORDER BY registered_at DESC""",
        *(at.place.school, _RECENT),
    )
    return [
        Paper(
            row["kind"],
            row["number"],
            row["signed_on"],
            row["registered_at"],
            row["pupil"],
            row["name"],
            row["class"],
        )
        for row in rows
    ]
