"""Who is who and who agreed to what: the registry as frozen values (DESIGN §1, §4).

Everyone reads it; only ingest (roster) and dispatcher (consent) write it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from shared.calendar import Calendar
from shared.categories import Channel, Mode
from shared.consent import Application, Sheet


@dataclass(frozen=True, slots=True)
class School:
    school: str
    name: str
    timezone: ZoneInfo
    calendar: Calendar = field(default_factory=Calendar)

    def today(self, now: datetime) -> date:
        """The school's date at a school-time instant."""
        return now.astimezone(self.timezone).date()


@dataclass(frozen=True, slots=True)
class SchoolClass:
    """A class; `days` is the length of its week (5, 6), `unmarked` a class without marks (R-A10)."""

    name: str
    grade: str
    teachers: tuple[str, ...] = ()
    days: int = 5
    shift: int = 1
    unmarked: bool = False


@dataclass(frozen=True, slots=True)
class Name:
    family: str
    given: str
    patronymic: str = ""

    @property
    def full(self) -> str:
        return " ".join(part for part in (self.family, self.given, self.patronymic) if part)

    @property
    def short(self) -> str:
        """Given name and the family's initial, the least that tells siblings apart: «Иван П.»"""
        return f"{self.given} {self.family[:1]}." if self.family else self.given

    @property
    def polite(self) -> str:
        """How to address an adult: «Анна Петровна», without a patronymic «Анна»."""
        return f"{self.given} {self.patronymic}".strip()


@dataclass(frozen=True, slots=True)
class Preference:
    channel: Channel
    mode: Mode


@dataclass(frozen=True, slots=True)
class Contact:
    """An address a guardian gave. Usable once confirmed and until unsubscribed or suppressed."""

    channel: Channel
    address: str
    confirmed_at: datetime | None = None
    stopped: bool = False

    def usable(self, now: datetime) -> bool:
        return self.confirmed_at is not None and self.confirmed_at <= now and not self.stopped


@dataclass(frozen=True, slots=True)
class Guardian:
    school: str
    guardian: str
    name: Name
    language: str = "ru"
    contacts: tuple[Contact, ...] = ()
    preferences: Mapping[str, Preference] = field(default_factory=dict)

    def contacts_on(self, channel: Channel, now: datetime) -> tuple[Contact, ...]:
        """Usable contacts of a channel, the most lately confirmed first."""
        return tuple(
            sorted(
                (c for c in self.contacts if c.channel is channel and c.usable(now)),
                key=lambda c: (c.confirmed_at, c.address),
                reverse=True,
            )
        )


@dataclass(frozen=True, slots=True)
class Restriction:
    """Rights restricted by a court or the guardianship office, as the desk registered it (R-D4)."""

    first: date
    last: date | None = None

    def holds(self, today: date) -> bool:
        return self.first <= today and (self.last is None or today <= self.last)


@dataclass(frozen=True, slots=True)
class Guardianship:
    """A guardian's tie to one pupil with all papers on file, newest last."""

    guardian: Guardian
    relation: str
    restricted_from: date | None = None
    restricted_until: date | None = None
    sheets: tuple[Sheet, ...] = ()
    applications: tuple[Application, ...] = ()
    restrictions: tuple[Restriction, ...] = ()

    def restricted(self, today: date) -> bool:
        """Rights restricted on this day by the lists or by the desk, both ends included; an open end
        lasts (R-D4)."""
        if any(restriction.holds(today) for restriction in self.restrictions):
            return True
        if self.restricted_from is None and self.restricted_until is None:
            return False
        return (self.restricted_from is None or self.restricted_from <= today) and (
            self.restricted_until is None or today <= self.restricted_until
        )

    def sheet(self, today: date) -> Sheet | None:
        """The newest sheet signed by today: a later one replaces an earlier one (R-C3)."""
        return next((sheet for sheet in reversed(self.sheets) if sheet.signed_on <= today), None)

    def application(self, today: date) -> Application | None:
        return next((paper for paper in reversed(self.applications) if paper.signed_on <= today), None)


@dataclass(frozen=True, slots=True)
class Pupil:
    school: str
    pupil: str
    class_name: str
    name: Name
    birth_date: date | None = None
    enrolled_on: date | None = None
    left_on: date | None = None
    guardianships: tuple[Guardianship, ...] = ()

    def enrolled(self, day: date) -> bool:
        return (self.enrolled_on is None or self.enrolled_on <= day) and (
            self.left_on is None or day <= self.left_on
        )

    def adult(self, today: date) -> bool:
        """Eighteen or older; unknown birth dates count as a child's (R-C8)."""
        born = self.birth_date
        return born is not None and (today.year - born.year, today.month, today.day) >= (
            18,
            born.month,
            born.day,
        )
