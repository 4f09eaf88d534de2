"""A guardian's own family as their pages may show it: children, and where messages may go (R-D1, R-D4)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dispatcher.parent.contacts import OwnContact, read_contacts
from dispatcher.view import Child
from shared.categories import Channel
from shared.db import AnyConnection
from shared.families import Guardianship, Pupil, School, SchoolClass
from shared.parents import Parent
from shared.registry import Families

GONE_AFTER = timedelta(days=3)
"""R-B7: this long after a pupil left, the account is removed."""


@dataclass(frozen=True, slots=True)
class Kid:
    """A child this guardian may see today, and the guardian's own papers for it."""

    pupil: Pupil
    tie: Guardianship
    school_class: SchoolClass | None

    @property
    def child(self) -> Child:
        return Child(self.pupil.pupil, self.pupil.name, self.pupil.class_name)


@dataclass(frozen=True, slots=True)
class Household:
    """`usable`: the electronic channels that lead to this guardian now; `on`: those the installation has."""

    school: School
    kids: tuple[Kid, ...]
    contacts: tuple[OwnContact, ...]
    usable: frozenset[Channel]
    on: frozenset[Channel]
    now: datetime

    @property
    def today(self) -> date:
        return self.school.today(self.now)

    def of(self, pupils: Iterable[str]) -> tuple[Kid, ...]:
        named = set(pupils)
        return tuple(kid for kid in self.kids if kid.pupil.pupil in named)


def visible(pupil: Pupil, tie: Guardianship, today: date) -> bool:
    """Whether a guardian's page knows this child today: not while rights are restricted, not when the
    pupil has come of age, not when the pupil has gone (R-D4, R-C8, R-B7)."""
    if tie.restricted(today) or (tie.relation != "self" and pupil.adult(today)):
        return False
    return pupil.left_on is None or today <= pupil.left_on + GONE_AFTER


async def read_household(
    connection: AnyConnection, parent: Parent, *, on: Collection[Channel], now: datetime
) -> Household:
    """As the registry says this moment; nothing is cached."""
    families = Families()
    rows = await connection.fetch(
        "SELECT pupil FROM roster.guardianship WHERE school = $1 AND guardian = $2 ORDER BY pupil",
        *(parent.school, parent.guardian),
    )
    named = [row["pupil"] for row in rows]
    await families.load(
        connection, schools=[parent.school], pupils=[(parent.school, pupil) for pupil in named]
    )
    school = families.school(parent.school)
    assert school is not None, "a guardian without a school"
    classes, today = families.classes(parent.school), school.today(now)
    kids = [
        Kid(pupil, tie, classes.get(pupil.class_name))
        for name in named
        if (pupil := families.pupil(parent.school, name)) is not None
        for tie in pupil.guardianships
        if tie.guardian.guardian == parent.guardian and visible(pupil, tie, today)
    ]
    contacts = await read_contacts(connection, parent, now=now)
    return Household(
        school,
        tuple(sorted(kids, key=lambda kid: (kid.pupil.name.given, kid.pupil.pupil))),
        contacts,
        frozenset(one.channel for one in contacts if one.usable and one.channel in on),
        frozenset(on),
        now,
    )
