"""The year's rollover: are the new year's classes and lists in (R-B11, 001 2.1)?

The lists say where a pupil is, never since when; so since when is kept beside them (`dispatch.class_since`),
noted whenever the lists change. A pupil whose class or grade is news since 1 July is on a fresh list.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from dispatcher.desk.school_year import new_year, year_of
from dispatcher.desk.undecided import class_key
from shared.db import AnyConnection
from shared.families import SchoolClass
from shared.web.language import mark

WARN_EVERY = timedelta(days=7)
_LEAVING_GRADES = frozenset({"9", "11"})
_PRIMARY = frozenset({"2", "3", "4"})


class Problem(StrEnum):
    """What is not rolled over."""

    NOT_MOVED = "not_moved"
    GRADUATES_STAY = "graduates_stay"
    NO_TEACHER = "no_teacher"
    GRADE_ONE_EMPTY = "grade_one_empty"
    LEFT_BEHIND = "left_behind"


SAID = {
    Problem.NOT_MOVED: mark("ученики в прежнем классе: новых списков ещё нет"),
    Problem.GRADUATES_STAY: mark("выпускники не отмечены выбывшими или не переведены"),
    Problem.NO_TEACHER: mark("нет классного руководителя"),
    Problem.GRADE_ONE_EMPTY: mark("в первых классах нет учеников"),
    Problem.LEFT_BEHIND: mark("остались в прежнем классе: проверьте, так ли это"),
}
PARDONED = frozenset({Problem.LEFT_BEHIND})
"""Worth a look, no obstacle: a pupil may repeat the year."""
_STALE = frozenset({Problem.NOT_MOVED, Problem.GRADUATES_STAY})


@dataclass(frozen=True, slots=True)
class Member:
    """An enrolled pupil. `since`: the day from which the lists have them in this class, None for one who
    was never noted, so only just came."""

    pupil: str
    name: str
    class_name: str
    since: date | None

    def fresh(self, year: int) -> bool:
        return self.since is None or self.since >= new_year(year)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a class (`None`: the school); `members` are the pupils meant."""

    problem: Problem
    class_name: str | None
    members: tuple[Member, ...] = ()

    @property
    def pardoned(self) -> bool:
        return self.problem in PARDONED


@dataclass(frozen=True, slots=True)
class Rollover:
    """How far the school year that began in `year` is rolled over."""

    year: int
    troubles: tuple[Trouble, ...]

    @property
    def done(self) -> bool:
        return all(trouble.pardoned for trouble in self.troubles)

    @property
    def warn_from(self) -> date:
        return date(self.year, 8, 20)

    @property
    def due(self) -> date:
        return date(self.year, 9, 5)

    def warned_on(self, today: date) -> date | None:
        """The day of the newest warning by today: 20 August, every week after it, and the last day
        itself; None when there is nothing to warn of. Before the last day everything left to do is worth
        a warning, after it only lists that are still last year's. Pure."""
        stale = any(trouble.problem in _STALE for trouble in self.troubles)
        if today < self.warn_from or self.done or (today > self.due and not stale):
            return None
        newest = self.warn_from + (today - self.warn_from) // WARN_EVERY * WARN_EVERY
        return max(newest, self.due) if today >= self.due else newest


def judge(classes: Mapping[str, SchoolClass], members: Iterable[Member], today: date) -> Rollover:
    """Pure. A class is rolled over when at least half of its pupils are on a fresh list."""
    year = year_of(today)
    of_class: dict[str, list[Member]] = {name: [] for name in classes}
    for member in members:
        of_class.setdefault(member.class_name, []).append(member)
    troubles: list[Trouble] = []
    for name in sorted(classes, key=class_key):
        if of_class[name]:
            troubles += _of_class(classes[name], sorted(of_class[name], key=lambda one: one.name), year)
    taught = {classes[name].grade for name, pupils in of_class.items() if pupils and name in classes}
    if taught & _PRIMARY and "1" not in taught:
        troubles.append(Trouble(Problem.GRADE_ONE_EMPTY, None))
    return Rollover(year, tuple(troubles))


def _of_class(school_class: SchoolClass, members: Sequence[Member], year: int) -> list[Trouble]:
    found = []
    stale = tuple(member for member in members if not member.fresh(year))
    if 2 * len(stale) > len(members):
        graduates = school_class.grade in _LEAVING_GRADES
        problem = Problem.GRADUATES_STAY if graduates else Problem.NOT_MOVED
        found.append(Trouble(problem, school_class.name, stale))
    elif stale:
        found.append(Trouble(Problem.LEFT_BEHIND, school_class.name, stale))
    if not school_class.teachers:
        found.append(Trouble(Problem.NO_TEACHER, school_class.name))
    return found


async def read_rollover(connection: AnyConnection, school: str, today: date) -> Rollover:
    """Of one school, as its lists and its desk have it now."""
    classes = {
        row["class"]: SchoolClass(row["class"], row["grade"], tuple(row["teachers"]))
        for row in await connection.fetch(
            "SELECT class, grade, teachers FROM roster.class WHERE school = $1", school
        )
    }
    rows = await connection.fetch(
        """SELECT p.pupil, concat_ws(' ', p.family_name, p.given_name) AS name, p.class,
                  CASE WHEN (s.class, s.grade) = (p.class, c.grade) THEN s.since END AS since
           FROM roster.pupil p JOIN roster.class c USING (school, class)
           LEFT JOIN consent.departure d USING (school, pupil)
           LEFT JOIN dispatch.class_since s USING (school, pupil)
           WHERE p.school = $1 AND coalesce(least(p.left_on, d.left_on) >= $2, true)""",
        *(school, today),
    )
    return judge(
        classes, [Member(row["pupil"], row["name"], row["class"], row["since"]) for row in rows], today
    )


async def note_classes(connection: AnyConnection, school: str, today: date) -> int:
    """Note since when pupils are where the lists have them; how many are news. Inside a transaction."""
    await connection.execute(
        """DELETE FROM dispatch.class_since s WHERE school = $1 AND NOT EXISTS (
               SELECT FROM roster.pupil p WHERE (p.school, p.pupil) = (s.school, s.pupil))""",
        school,
    )
    rows = await connection.fetch(
        """INSERT INTO dispatch.class_since AS s (school, pupil, class, grade, since)
           SELECT school, p.pupil, class, c.grade, $2
           FROM roster.pupil p JOIN roster.class c USING (school, class) WHERE school = $1
           ON CONFLICT (school, pupil) DO UPDATE
               SET class = excluded.class, grade = excluded.grade, since = excluded.since
               WHERE (s.class, s.grade) IS DISTINCT FROM (excluded.class, excluded.grade)
           RETURNING true""",
        *(school, today),
    )
    return len(rows)
