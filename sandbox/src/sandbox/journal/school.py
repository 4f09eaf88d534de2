"""A believable school from a seed: classes, pupils, guardians and what they signed."""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sandbox.journal.kinds import PARENTS, SHARES, Kind, Parent
from sandbox.journal.names import SURNAMES, Household, Person, adult, household, latin

MONDAY = date(2026, 11, 23)
ADULT_GRADE = 9
NAMED_CLASSES = ((1, "1А"), (6, "6Б"), (9, "9В"))
Subscriptions = Callable[[], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Size:
    """How large and how busy. `rate`: changes about a pupil on a school day, on average."""

    classes: int = 3
    pupils: int = 20
    rate: float = 2.5
    shares: Mapping[Kind, float] = field(default_factory=lambda: SHARES)


@dataclass(frozen=True, slots=True)
class Class:
    name: str
    grade: int
    teacher: Person
    login: str

    @property
    def days(self) -> int:
        return 6 if self.grade >= ADULT_GRADE else 5

    @property
    def unmarked(self) -> bool:
        return self.grade == 1


@dataclass(frozen=True, slots=True)
class Pupil:
    id: str
    group: Class
    name: Person
    birth_date: date
    enrolled_on: date
    left_on: date | None = None


@dataclass(frozen=True, slots=True)
class Guardian:
    """One adult of a family. `addresses`: channel → address, push as PushSubscription JSON."""

    id: str
    name: Person
    place: Parent
    addresses: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Family:
    kind: Kind
    pupils: tuple[Pupil, ...]
    guardians: tuple[Guardian, ...]


@dataclass(frozen=True, slots=True)
class School:
    id: str
    name: str
    timezone: str
    seed: int
    size: Size
    monday: date
    classes: tuple[Class, ...]
    families: tuple[Family, ...]

    @property
    def pupils(self) -> list[Pupil]:
        """By class and family name, as a class list is."""
        everyone = [pupil for family in self.families for pupil in family.pupils]
        order = {group.name: index for index, group in enumerate(self.classes)}
        return sorted(everyone, key=lambda one: (order[one.group.name], one.name.family, one.id))

    @property
    def guardians(self) -> list[Guardian]:
        return [guardian for family in self.families for guardian in family.guardians]

    def of(self, kind: Kind) -> list[Family]:
        return [family for family in self.families if family.kind is kind]

    @property
    def wrong_addresses(self) -> list[str]:
        """Mailboxes that do not exist: what the inbox should answer 550 5.1.1 to."""
        return [one.addresses["email"] for one in self.guardians if one.place.wrong]


def no_subscription() -> Mapping[str, Any]:
    """A well-formed subscription nobody listens at, for lists without a push service."""
    point = "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"
    keys = {"p256dh": point, "auth": "AAAAAAAAAAAAAAAAAAAAAA"}  # the curve's own base point
    return {"endpoint": "https://push.example/none", "expirationTime": None, "keys": keys}


def build(
    seed: int = 2026,
    size: Size | None = None,
    *,
    subscriptions: Subscriptions = no_subscription,
    monday: date = MONDAY,
    school: str = "ilinskaya",
) -> School:
    """The school of this seed and size; `subscriptions` is asked once for each push guardian."""
    size = size or Size()
    rng = random.Random(f"school/{seed}")
    classes = tuple(_classes(size.classes, rng))
    maker = _Maker(rng, subscriptions, monday)
    families = tuple(maker.families(classes, size))
    return School(school, "Ильинская школа", "Europe/Moscow", seed, size, monday, classes, families)


def _classes(count: int, rng: random.Random) -> Iterator[Class]:
    named = list(NAMED_CLASSES[:count])
    letters = (f"{letter}{row or ''}" for row in range(count) for letter in "АБВГДЕЖИКЛМН")
    taken = {name for _, name in named}
    while len(named) < count:
        letter = next(letters)
        for grade in range(1, 12):
            if len(named) < count and f"{grade}{letter}" not in taken:
                named.append((grade, f"{grade}{letter}"))
    for index, (grade, name) in enumerate(named):
        teacher = adult(rng, rng.choice(SURNAMES), woman=True)
        yield Class(name, grade, teacher, f"{latin(teacher.family)}.{index + 1}")


class _Maker:
    """Draws families class by class; the same draws for the same seed."""

    def __init__(self, rng: random.Random, subscriptions: Subscriptions, monday: date) -> None:
        self._rng, self._subscriptions, self._monday = rng, subscriptions, monday
        self._pupils = self._guardians = 0

    def families(self, classes: tuple[Class, ...], size: Size) -> Iterator[Family]:
        left = {group.name: size.pupils for group in classes}
        everywhere = [kind for kind in Kind if size.shares.get(kind) and kind is not Kind.ADULT_PUPIL]
        everywhere = everywhere or [Kind.EMAIL]
        once = [*everywhere, Kind.LEFT] if Kind.LEFT in size.shares else list(everywhere)
        self._rng.shuffle(once)
        weights = [size.shares.get(kind, 1.0) for kind in everywhere]
        oldest = max(classes, key=lambda group: group.grade) if classes else None
        for index, group in enumerate(classes):
            grown = group is oldest and group.grade >= ADULT_GRADE and left[group.name] > 0
            if grown and Kind.ADULT_PUPIL in size.shares:
                yield self._family(Kind.ADULT_PUPIL, (group,), left)
            while left[group.name] > 0:
                kind = once.pop() if once else self._rng.choices(everywhere, weights)[0]
                homes = [group]
                if kind is Kind.SIBLINGS:
                    homes += [other for other in classes[index + 1 :] if left[other.name] > 0][:1]
                    kind = kind if len(homes) > 1 else Kind.EMAIL
                yield self._family(kind, tuple(homes), left)

    def _family(self, kind: Kind, homes: tuple[Class, ...], left: dict[str, int]) -> Family:
        home = household(self._rng)
        pupils = tuple(self._pupil(kind, home, group) for group in homes)
        for group in homes:
            left[group.name] -= 1
        guardians = tuple(self._guardian(place, home, pupils[0]) for place in PARENTS[kind])
        return Family(kind, pupils, guardians)

    def _pupil(self, kind: Kind, home: Household, group: Class) -> Pupil:
        self._pupils += 1
        age = 18 if kind is Kind.ADULT_PUPIL else group.grade + 6
        born = date(self._monday.year - age, 9, 1) - timedelta(days=self._rng.randrange(1, 300))
        enrolled = date(self._monday.year - min(group.grade - 1, self._rng.randrange(4)), 9, 1)
        left_on = self._monday + timedelta(days=3) if kind is Kind.LEFT else None
        return Pupil(f"p-{self._pupils:05d}", group, home.child(self._rng), born, enrolled, left_on)

    def _guardian(self, place: Parent, home: Household, pupil: Pupil) -> Guardian:
        self._guardians += 1
        number = self._guardians
        match place.relation:
            case "self":
                name = pupil.name
            case "father":
                name = home.father
            case "institution":
                name = adult(self._rng, "Гнёздышкин", woman=True)  # who signs for the institution
            case _:
                name = home.mother
        addresses: dict[str, str] = {}
        for channel in place.contacts:
            match channel:
                case "email":
                    box = f"no-such-mailbox-{number}" if place.wrong else f"{latin(name.family)}.{number}"
                    addresses[channel] = f"{box}@mail.example"
                case "sms":
                    addresses[channel] = f"+7916{1_000_000 + number:07d}"
                case _:
                    addresses[channel] = json.dumps(dict(self._subscriptions()), separators=(",", ":"))
        return Guardian(f"g-{number:05d}", name, place, addresses)
