"""The registry read from PostgreSQL, in few statements whatever the batch, and cached.

A cache entry lives as long as its school's epochs: every writer of the roster or of
consents raises them in its own transaction, so a decision never rests on papers older
than the transaction that reads it.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from shared.calendar import Calendar, DayKind, Span
from shared.categories import Category, Channel, Mode
from shared.consent import Application, Form, Sheet
from shared.db import AnyConnection
from shared.families import (
    Contact,
    Guardian,
    Guardianship,
    Name,
    Preference,
    Pupil,
    Restriction,
    School,
    SchoolClass,
)

PUPIL = tuple[str, str]
"""School and pupil."""
Epochs = tuple[int, int]
"""How often a school's roster and consent were written; they only grow."""


@dataclass(slots=True)
class SchoolEntry:
    """One school's registry as far as it was asked for."""

    epochs: Epochs
    school: School
    classes: dict[str, SchoolClass]
    pupils: dict[str, Pupil] = field(default_factory=dict)
    rosters: dict[str, tuple[str, ...]] = field(default_factory=dict)


class Shelf:
    """The newest entries that the tasks of one process have read, so that each is read once for all.

    An entry is only ever added to, by tasks that saw its epochs first: what they add is no older.
    """

    def __init__(self) -> None:
        self._schools: dict[str, SchoolEntry] = {}

    def at(self, school: str, epochs: Epochs) -> SchoolEntry | None:
        entry = self._schools.get(school)
        return entry if entry is not None and entry.epochs == epochs else None

    def put(self, school: str, entry: SchoolEntry) -> None:
        known = self._schools.get(school)
        if known is None or known.epochs < entry.epochs:
            self._schools[school] = entry


class Families:
    """The cache as one task sees it; not for concurrent tasks that load. With a `shelf` it lives long:
    what others read serves, and with a pupil come the classmates, for journals go class by class."""

    def __init__(self, shelf: Shelf | None = None) -> None:
        self._schools: dict[str, SchoolEntry] = {}
        self._shelf = shelf

    async def load(
        self,
        connection: AnyConnection,
        *,
        pupils: Iterable[PUPIL] = (),
        classes: Iterable[tuple[str, str]] = (),
        schools: Iterable[str] = (),
        whole: Iterable[str] = (),
    ) -> None:
        """Make these known at their present epoch: pupils, whole classes, schools without their
        pupils, and schools with every pupil (`whole`)."""
        pupils, classes, whole = set(pupils), set(classes), set(whole)
        named = {school for school, _ in pupils} | {school for school, _ in classes} | whole | set(schools)
        await self._refresh(connection, named)
        for school in whole:
            if (entry := self._schools.get(school)) is not None:
                classes.update((school, name) for name in entry.classes)
        await self._read_rosters(connection, classes)
        for school, name in classes:
            if (entry := self._schools.get(school)) is not None:
                pupils.update((school, pupil) for pupil in entry.rosters[name])
        missing = self._missing(pupils)
        if missing and self._shelf is not None:
            rows = await connection.fetch(_CLASSMATES, *_columns(missing, 2))
            missing = self._missing({*missing, *((row["school"], row["pupil"]) for row in rows)})
        for start in range(0, len(missing), 5000):
            for found in await _read_pupils(connection, missing[start : start + 5000]):
                self._schools[found.school].pupils[found.pupil] = found

    async def _read_rosters(self, connection: AnyConnection, classes: Iterable[tuple[str, str]]) -> None:
        unread = {
            (school, name)
            for school, name in classes
            if (entry := self._schools.get(school)) is not None and name not in entry.rosters
        }
        if not unread:
            return
        rosters: dict[tuple[str, str], list[str]] = {key: [] for key in unread}
        rows = await connection.fetch(
            """SELECT p.school, p.class, p.pupil FROM roster.pupil p
               JOIN unnest($1::text[], $2::text[]) AS c(school, class) USING (school, class)
               ORDER BY p.school, p.class, p.pupil""",
            *_columns(sorted(unread), 2),
        )
        for school, name, pupil in rows:
            rosters[school, name].append(pupil)
        for (school, name), members in rosters.items():
            self._schools[school].rosters[name] = tuple(members)

    def _missing(self, pupils: Iterable[PUPIL]) -> list[PUPIL]:
        return sorted(
            (school, pupil)
            for school, pupil in pupils
            if (entry := self._schools.get(school)) is not None and pupil not in entry.pupils
        )

    def school(self, school: str) -> School | None:
        entry = self._schools.get(school)
        return entry.school if entry is not None else None

    def epochs(self, school: str) -> Epochs | None:
        """As of the last load that named the school."""
        entry = self._schools.get(school)
        return entry.epochs if entry is not None else None

    def classes(self, school: str) -> dict[str, SchoolClass]:
        entry = self._schools.get(school)
        return entry.classes if entry is not None else {}

    def pupil(self, school: str, pupil: str) -> Pupil | None:
        entry = self._schools.get(school)
        return entry.pupils.get(pupil) if entry is not None else None

    def members(self, school: str, class_name: str) -> tuple[Pupil, ...]:
        """The pupils of a loaded class."""
        entry = self._schools.get(school)
        if entry is None:
            return ()
        known = (entry.pupils.get(pupil) for pupil in entry.rosters.get(class_name, ()))
        return tuple(pupil for pupil in known if pupil is not None)

    async def _refresh(self, connection: AnyConnection, schools: set[str]) -> None:
        rows = await connection.fetch(
            """SELECT school, s.name, s.timezone,
                      coalesce(r.value, 0) AS roster, coalesce(c.value, 0) AS consent
               FROM roster.school s
               LEFT JOIN roster.epoch r USING (school) LEFT JOIN consent.epoch c USING (school)
               WHERE school = ANY($1::text[])""",
            sorted(schools),
        )
        changed = {}
        for row in rows:
            epochs = (row["roster"], row["consent"])
            known = self._schools.get(row["school"])
            if known is None or known.epochs != epochs:
                if self._shelf is not None and (entry := self._shelf.at(row["school"], epochs)) is not None:
                    self._schools[row["school"]] = entry
                else:
                    changed[row["school"]] = (row, epochs)
        if not changed:
            return
        spans: dict[str, list[Span]] = defaultdict(list)
        for row in await connection.fetch(
            "SELECT school, from_on, to_on, kind FROM roster.calendar WHERE school = ANY($1::text[])",
            sorted(changed),
        ):
            spans[row["school"]].append(Span(row["from_on"], row["to_on"], DayKind(row["kind"])))
        classes: dict[str, dict[str, SchoolClass]] = defaultdict(dict)
        for row in await connection.fetch(
            "SELECT * FROM roster.class WHERE school = ANY($1::text[])", sorted(changed)
        ):
            classes[row["school"]][row["class"]] = SchoolClass(
                name=row["class"],
                grade=row["grade"],
                teachers=tuple(row["teachers"]),
                days=row["days"],
                shift=row["shift"],
                unmarked=row["unmarked"],
            )
        for school, (row, epochs) in changed.items():
            self._schools[school] = SchoolEntry(
                epochs,
                School(school, row["name"], ZoneInfo(row["timezone"]), Calendar(tuple(spans[school]))),
                classes[school],
            )
            if self._shelf is not None:
                self._shelf.put(school, self._schools[school])


def _columns(rows: list[Any], width: int) -> list[list[Any]]:
    return [[row[n] for row in rows] for n in range(width)]


_CLASSMATES = """
SELECT p.school, p.pupil FROM roster.pupil p JOIN (
    SELECT DISTINCT school, class FROM roster.pupil
    JOIN unnest($1::text[], $2::text[]) AS wanted(school, pupil) USING (school, pupil)
) AS their USING (school, class)
"""
_WANTED = "JOIN unnest($1::text[], $2::text[]) AS wanted(school, pupil) USING (school, pupil)"


async def _read_pupils(connection: AnyConnection, keys: list[PUPIL]) -> list[Pupil]:
    columns = _columns(keys, 2)
    # What the desk knows of a leaving goes beside the lists; the earlier day counts (R-B7).
    pupils = await connection.fetch(
        f"""SELECT p.*, least(p.left_on, d.left_on) AS gone_on FROM roster.pupil p {_WANTED}
            LEFT JOIN consent.departure d USING (school, pupil)""",
        *columns,
    )
    ties = await connection.fetch(
        f"""SELECT t.*, g.family_name, g.given_name, g.patronymic, g.language
            FROM roster.guardianship t {_WANTED} JOIN roster.guardian g USING (school, guardian)
            ORDER BY t.guardian""",
        *columns,
    )
    sheets: dict[tuple[str, str, str], list[Sheet]] = defaultdict(list)
    for row in await connection.fetch(
        f"SELECT s.* FROM consent.sheet s {_WANTED} ORDER BY signed_on, registered_at, number", *columns
    ):
        sheets[row["school"], row["pupil"], row["guardian"]].append(
            Sheet(
                row["number"],
                row["signed_on"],
                frozenset(row["items"]),
                row["valid_until"],
                row["withdrawn_on"],
            )
        )
    papers: dict[tuple[str, str, str], list[Application]] = defaultdict(list)
    for row in await connection.fetch(
        f"""SELECT a.* FROM consent.application a {_WANTED} WHERE erased_at IS NULL
            ORDER BY signed_on, registered_at, number""",
        *columns,
    ):
        papers[row["school"], row["pupil"], row["guardian"]].append(
            Application(
                row["number"], row["signed_on"], Form(row["form"]), frozenset(map(Category, row["scope"]))
            )
        )
    restrictions: dict[tuple[str, str, str], list[Restriction]] = defaultdict(list)
    for row in await connection.fetch(
        f"SELECT r.* FROM consent.restriction r {_WANTED} WHERE lifted_at IS NULL ORDER BY from_on", *columns
    ):
        restrictions[row["school"], row["pupil"], row["guardian"]].append(
            Restriction(row["from_on"], row["until_on"])
        )
    guardians = await _read_guardians(connection, ties)
    of_pupil: dict[PUPIL, list[Guardianship]] = defaultdict(list)
    for tie in ties:
        key = (tie["school"], tie["pupil"], tie["guardian"])
        of_pupil[key[:2]].append(
            Guardianship(
                guardian=guardians[tie["school"], tie["guardian"]],
                relation=tie["relation"],
                restricted_from=tie["restricted_from"],
                restricted_until=tie["restricted_until"],
                sheets=tuple(sheets[key]),
                applications=tuple(papers[key]),
                restrictions=tuple(restrictions[key]),
            )
        )
    return [
        Pupil(
            school=row["school"],
            pupil=row["pupil"],
            class_name=row["class"],
            name=Name(row["family_name"], row["given_name"], row["patronymic"]),
            birth_date=row["birth_date"],
            enrolled_on=row["enrolled_on"],
            left_on=row["gone_on"],
            guardianships=tuple(of_pupil[row["school"], row["pupil"]]),
        )
        for row in pupils
    ]


async def _read_guardians(
    connection: AnyConnection, ties: list[asyncpg.Record]
) -> dict[tuple[str, str], Guardian]:
    people = {(tie["school"], tie["guardian"]): tie for tie in ties}
    columns = _columns(sorted(people), 2)
    wanted = "JOIN unnest($1::text[], $2::text[]) AS wanted(school, guardian) USING (school, guardian)"
    contacts: dict[tuple[str, str], list[Contact]] = defaultdict(list)
    for row in await connection.fetch(f"SELECT c.* FROM consent.contact c {wanted}", *columns):
        contacts[row["school"], row["guardian"]].append(
            Contact(
                Channel(row["channel"]), row["address"], row["confirmed_at"], row["stopped_at"] is not None
            )
        )
    preferences: dict[tuple[str, str], dict[str, Preference]] = defaultdict(dict)
    for row in await connection.fetch(f"SELECT p.* FROM consent.preference p {wanted}", *columns):
        preferences[row["school"], row["guardian"]][row["category"]] = Preference(
            Channel(row["channel"]), Mode(row["mode"])
        )
    return {
        key: Guardian(
            school=key[0],
            guardian=key[1],
            name=Name(tie["family_name"], tie["given_name"], tie["patronymic"]),
            language=tie["language"],
            contacts=tuple(contacts[key]),
            preferences=preferences[key],
        )
        for key, tie in people.items()
    }
