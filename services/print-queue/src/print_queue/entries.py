"""What the ledger holds: the newest revision of one thing a journal recorded, as a value."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.categories import Category
from shared.changes import Version
from shared.routing import Matter


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """An entity of one journal."""

    source: str
    entity: str


@dataclass(frozen=True, slots=True)
class Entry:
    """`pupil`, else `class_name`, else `grade`, else the school is concerned; `pupils` narrows a class
    to a subgroup. `fresh`: it appeared in the week being closed (R-A12)."""

    key: Key
    category: Category
    change: UUID
    version: Version
    removed: bool
    pupil: str | None
    class_name: str | None
    grade: str | None
    group: str | None
    pupils: tuple[str, ...]
    data: dict[str, Any]
    accepted_at: datetime
    fresh: bool = False

    def concerns(self, pupil: str, class_name: str, grade: str) -> bool:
        """Whether this pupil's family may hear of it at all (R-A13)."""
        if self.pupil is not None:
            return self.pupil == pupil
        if self.pupils and pupil not in self.pupils:
            return False
        if self.class_name is not None:
            return self.class_name == class_name
        return self.grade is None or self.grade == grade

    def matter(self, timezone: ZoneInfo) -> Matter:
        """What routing decides by; what is not about a lesson happened when it was recorded."""
        return Matter(
            category=self.category,
            individual=self.pupil is not None,
            attestation=self._period_kind() == "attestation",
            happened_on=self._lesson_date() or self.version.time.astimezone(timezone).date(),
        )

    def _period_kind(self) -> object:
        period = self.data.get("period")
        return period.get("kind") if isinstance(period, dict) else None

    def _lesson_date(self) -> date | None:
        lesson = self.data.get("lesson")
        value = lesson.get("date") if isinstance(lesson, dict) else None
        return date.fromisoformat(value) if isinstance(value, str) else None
