"""Turning eighteen: from that day on the pupil decides instead of the parents (R-C8)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from shared.db import AnyConnection
from shared.families import Pupil
from shared.registry import Families

WARN = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Adult:
    """A pupil who comes of age. `own`: the pupil stands in the lists with relation `self`; `decided`: with
    a sheet of their own that holds."""

    pupil: Pupil
    on: date
    own: bool
    decided: bool


def comes_of_age(born: date) -> date:
    """The first day of being eighteen, as `Pupil.adult` counts: who was born on 29 February, on 1 March."""
    try:
        return born.replace(year=born.year + 18)
    except ValueError:
        return date(born.year + 18, 3, 1)


def warned_from(born: date) -> date:
    return comes_of_age(born) - WARN


def is_due(pupil: Pupil, today: date) -> bool:
    """Within the 30 days before, while the pupil is at school. Pure."""
    born = pupil.birth_date
    return born is not None and warned_from(born) <= today < comes_of_age(born) and pupil.enrolled(today)


def _adult(pupil: Pupil, born: date, today: date) -> Adult:
    own = [tie for tie in pupil.guardianships if tie.relation == "self"]
    sheets = [sheet for tie in own if (sheet := tie.sheet(today)) is not None]
    return Adult(pupil, comes_of_age(born), bool(own), any(sheet.valid(today) for sheet in sheets))


def coming(pupils: Iterable[Pupil], today: date) -> tuple[list[Adult], list[Adult]]:
    """Those who turn eighteen within 30 days, the nearest first, and those who are eighteen already and
    have not decided. Pure."""
    soon, silent = [], []
    for pupil in pupils:
        if pupil.birth_date is None:
            continue
        one = _adult(pupil, pupil.birth_date, today)
        if is_due(pupil, today):
            soon.append(one)
        elif pupil.adult(today) and pupil.enrolled(today) and not one.decided:
            silent.append(one)
    return sorted(soon, key=_nearest), sorted(silent, key=_nearest)


def _nearest(one: Adult) -> tuple[date, str, str]:
    return one.on, one.pupil.name.full, one.pupil.pupil


async def read_adults(connection: AnyConnection, school: str, today: date) -> tuple[list[Adult], list[Adult]]:
    """`coming` over one school."""
    rows = await connection.fetch(
        "SELECT pupil FROM roster.pupil WHERE school = $1 AND birth_date < $2::date - interval '17 years'",
        *(school, today),
    )
    families = Families()
    await families.load(connection, pupils=[(school, row["pupil"]) for row in rows])
    found = (families.pupil(school, row["pupil"]) for row in rows)
    return coming([pupil for pupil in found if pupil is not None], today)
