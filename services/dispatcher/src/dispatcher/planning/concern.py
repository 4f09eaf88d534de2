"""Whom a change concerns: from its words to pupils of the registry (DESIGN §3, R-A13)."""

from collections.abc import Sequence

import asyncpg

from dispatcher.planning.facts import facts_of
from dispatcher.planning.situation import Concerned
from shared.changes import Change
from shared.families import Pupil
from shared.registry import Families


class Unplaced(Exception):
    """The registry does not know whom a change concerns; its text says what is unknown, without ids
    of people."""


async def load(connection: asyncpg.Connection, families: Families, changes: Sequence[Change]) -> None:
    """Make everybody known whom these changes may concern."""
    schools = {change.school for change in changes}
    grades = {(change.school, change.grade) for change in changes if _scope(change) == "grade"}
    if grades:
        await families.load(connection, schools=schools)
    classes = {
        (school, name)
        for school, grade in grades
        for name, found in families.classes(school).items()
        if found.grade == grade
    }
    classes |= {
        (change.school, change.class_name)
        for change in changes
        if _scope(change) == "class" and change.class_name is not None
    }
    pupils = {(change.school, change.pupil) for change in changes if change.pupil is not None}
    pupils |= {(change.school, pupil) for change in changes for pupil in change.pupils}
    whole = {change.school for change in changes if _scope(change) == "school"}
    await families.load(connection, pupils=pupils, classes=classes, schools=schools, whole=whole)


def concerned(change: Change, families: Families) -> Concerned:
    """Raises Unplaced, or ValueError, TypeError and KeyError for a change ingest never lets through."""
    school = families.school(change.school)
    if school is None:
        raise Unplaced("unknown school")
    return Concerned(facts_of(change, school.timezone), _pupils(change, families))


def guardians(found: Concerned) -> int:
    """How many decisions there must be, whatever they are: what the ledger is checked against."""
    return len({tie.guardian.guardian for pupil in found.pupils for tie in pupil.guardianships})


def _scope(change: Change) -> str:
    if change.pupil is not None:
        return "pupil"
    if change.data.get("pupils") is not None:
        return "pupils"
    if change.class_name is not None:
        return "class"
    return "grade" if change.grade is not None else "school"


def _pupils(change: Change, families: Families) -> tuple[Pupil, ...]:
    classes = families.classes(change.school)
    match _scope(change):
        case "pupil":
            assert change.pupil is not None
            return (_known(families, change.school, change.pupil),)
        case "pupils":  # the journal named them one by one: they, and nobody else of the class
            return tuple(_known(families, change.school, pupil) for pupil in dict.fromkeys(change.pupils))
        case "class":
            assert change.class_name is not None
            if change.class_name not in classes:
                raise Unplaced("unknown class")
            return families.members(change.school, change.class_name)
        case "grade":
            names = sorted(name for name, found in classes.items() if found.grade == change.grade)
            if not names:
                raise Unplaced("no class of this grade")
        case _:
            names = sorted(classes)
    return tuple(pupil for name in names for pupil in families.members(change.school, name))


def _known(families: Families, school: str, pupil: str) -> Pupil:
    found = families.pupil(school, pupil)
    if found is None:
        raise Unplaced("unknown pupil")
    return found
