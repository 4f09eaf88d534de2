"""The weekly e-mail that leaves also when the week was empty (R-B6).

Who gets it: a guardian whose newest application asks for it, and for whom at least one
category would go into a weekly e-mail today by the same rules as everything else.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from dispatcher.compose import Draft, week_ending
from dispatcher.view import Kind
from shared.categories import Category, Channel, Mode
from shared.consent import Form
from shared.db import AnyConnection
from shared.families import Guardianship, Pupil, School, SchoolClass
from shared.registry import Families
from shared.routing import Matter, Verdict, route
from shared.settings import Profile, WeeklyMoment, zone

FRESH = timedelta(days=2)
LATENESS = timedelta(days=6)
"""A weekly moment missed is made up for within six days by an installation that was at work before it
(R-B6: an outage over a long week-end is no reason), within two by any: a fresh start writes to nobody."""


def last_moment(weekly: WeeklyMoment, school: School, now: datetime) -> datetime:
    """The latest weekly moment of this school that has come."""
    local = now.astimezone(school.timezone)
    day = local.date() - timedelta(days=(local.weekday() - weekly.weekday) % 7)
    moment = datetime.combine(day, weekly.at, school.timezone)
    if moment > now:
        moment = datetime.combine(day - timedelta(days=7), weekly.at, school.timezone)
    return moment


def wants_weekly(
    pupil: Pupil, school_class: SchoolClass | None, tie: Guardianship, *, moment: datetime, school: School
) -> bool:
    """Whether this guardian is owed a weekly e-mail about this pupil, consent and contact included."""
    today = school.today(moment)
    application = tie.application(today)
    if application is None or application.form is not Form.WEEKLY_EMAIL:
        return False
    if not tie.guardian.contacts_on(Channel.EMAIL, moment):
        return False
    routes = (
        route(
            Matter(category, individual=category is Category.MARK, attestation=False, happened_on=today),
            pupil=pupil,
            school_class=school_class,
            guardianship=tie,
            usable=frozenset({Channel.EMAIL}),
            today=today,
        )
        for category in Category
        if category not in {Category.ATTENDANCE, Category.FINAL_MARK}
    )
    return any(found.verdict is Verdict.TELL and found.mode is Mode.WEEKLY for found in routes)


def teaching_week(school: School, classes: Iterable[SchoolClass], moment: datetime) -> bool:
    """Whether the school taught at all in the week that the e-mail tells of."""
    first, last = week_ending(moment, school.timezone)
    days = max((one.days for one in classes), default=5)
    return any(
        school.calendar.teaches(first + timedelta(days=n), days=days) for n in range((last - first).days + 1)
    )


class WeeklyEmails:
    """Finds, once after each school's weekly moment, who has no message for the week."""

    def __init__(self, profile_of: Callable[[str], Profile], *, email_on: bool) -> None:
        self._profile_of = profile_of
        self._email_on = email_on
        self._done: dict[str, datetime] = {}

    async def empty_ones(self, connection: AnyConnection, now: datetime) -> list[Draft]:
        """Drafts without items for the schools whose moment has come since the last call."""
        if not self._email_on:
            return []
        drafts: list[Draft] = []
        for row in await connection.fetch("SELECT school, name, timezone FROM roster.school"):
            school = School(row["school"], row["name"], zone(row["timezone"]))
            moment = last_moment(self._profile_of(school.school).weekly_digest_at, school, now)
            if self._done.get(school.school) == moment:
                continue
            owed = (
                await self._owed(connection, school.school, moment, now) if now - moment <= LATENESS else []
            )
            if not owed:  # else asked again once these are committed
                self._done[school.school] = moment
            drafts += owed
        return drafts

    async def _owed(
        self, connection: AnyConnection, name: str, moment: datetime, now: datetime
    ) -> list[Draft]:
        late = now - moment
        if late > LATENESS or (late > FRESH and not await _at_work_before(connection, name, moment)):
            return []
        families = Families()
        await families.load(connection, schools=[name])
        school = families.school(name)
        if school is None or not teaching_week(school, families.classes(name).values(), moment):
            return []
        period = week_ending(moment, school.timezone)
        told = {
            row["guardian"]
            for row in await connection.fetch(
                "SELECT DISTINCT guardian FROM dispatch.message WHERE school = $1 AND period_to = $2",
                name,
                period[1],
            )
        }
        asking = await connection.fetch(
            "SELECT DISTINCT pupil FROM consent.application WHERE school = $1 AND form = $2",
            name,
            Form.WEEKLY_EMAIL.value,
        )
        pupils = [(name, row["pupil"]) for row in asking]
        await families.load(connection, pupils=pupils)
        owed = {
            tie.guardian.guardian
            for key in pupils
            if (pupil := families.pupil(*key)) is not None
            for tie in pupil.guardianships
            if wants_weekly(
                pupil, families.classes(name).get(pupil.class_name), tie, moment=moment, school=school
            )
        }
        return [
            Draft(name, guardian, Channel.EMAIL, Kind.WEEKLY, due_at=moment, period=period)
            for guardian in sorted(owed - told)
        ]


async def _at_work_before(connection: AnyConnection, school: str, moment: datetime) -> bool:
    """Whether anything of this school had been accepted by then."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM dispatch.change WHERE school = $1 AND accepted_at <= $2)", school, moment
    )
    return found
