"""All that a plan rests on, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from dispatcher.planning.corrections import Earlier
from dispatcher.planning.decision import AlertKey
from dispatcher.planning.facts import Facts
from dispatcher.planning.timing import Hours
from shared.categories import Channel
from shared.changes import Version
from shared.families import Pupil, School, SchoolClass
from shared.settings import Profile

Entity = tuple[str, str]
"""Source and entity."""


@dataclass(frozen=True, slots=True)
class Place:
    """A school with its profile and classes."""

    school: School
    profile: Profile
    classes: Mapping[str, SchoolClass]

    @property
    def hours(self) -> Hours:
        return Hours(self.school.timezone, self.profile)


@dataclass(frozen=True, slots=True)
class Concerned:
    """What a change is about and the pupils it concerns."""

    facts: Facts
    pupils: tuple[Pupil, ...]


@dataclass(frozen=True, slots=True)
class Situation:
    """`usable` are the electronic channels open to each (school, guardian); `known` the newest
    version of each entity before the batch; `earlier` its decisions by guardian; `alerts` those
    given, by the change that gave them; `shifts` the latest
    shift among all children of a guardian, in schools whose digests go by shift."""

    now: datetime
    places: Mapping[str, Place]
    concerned: Mapping[UUID, Concerned]
    usable: Mapping[tuple[str, str], frozenset[Channel]]
    known: Mapping[Entity, Version] = field(default_factory=dict)
    earlier: Mapping[Entity, Mapping[str, tuple[Earlier, ...]]] = field(default_factory=dict)
    alerts: Mapping[AlertKey, UUID] = field(default_factory=dict)
    shifts: Mapping[tuple[str, str], int] = field(default_factory=dict)
