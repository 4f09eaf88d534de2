"""What deciding reads out of a change, read once and checked."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from shared.categories import Attendance, Category
from shared.changes import Change
from shared.routing import Matter


class Alert(StrEnum):
    """The sorts of attendance news that leave at once, each at most once per child and day."""

    ABSENCE = "absence"
    LATENESS = "lateness"


@dataclass(frozen=True, slots=True)
class Facts:
    """`day` is the school's date on which it happened: the lesson's, the test's, else that of the
    record. `days` are all dates a lesson change touches."""

    matter: Matter
    day: date
    recorded_at: datetime
    accepted_at: datetime
    attendance: Attendance | None = None
    days: tuple[date, ...] = ()

    @property
    def category(self) -> Category:
        return self.matter.category

    @property
    def alert(self) -> Alert | None:
        """The alert this attendance would be, None for what alarms nobody."""
        if self.attendance is None or not self.attendance.alarms:
            return None
        return Alert.ABSENCE if self.attendance.is_absence else Alert.LATENESS


def facts_of(change: Change, zone: ZoneInfo) -> Facts:
    """Raises ValueError or TypeError for dates and statuses ingest never lets through."""
    if change.version.time.tzinfo is None or change.accepted_at.tzinfo is None:
        raise ValueError("time without an offset")
    day = change.lesson_date or _date(change.data.get("date")) or change.version.time.astimezone(zone).date()
    days: tuple[date, ...] = ()
    if change.category is Category.LESSON:
        touched = (_date(_get(change.data.get(side), "date")) for side in ("before", "after"))
        days = tuple(dict.fromkeys((day, *(found for found in touched if found is not None))))
    attendance = None
    if change.category is Category.ATTENDANCE and not change.removed:
        attendance = Attendance(change.data["attendance"])
    return Facts(
        matter=Matter(change.category, change.individual, change.attestation, day),
        day=day,
        recorded_at=change.version.time,
        accepted_at=change.accepted_at,
        attendance=attendance,
        days=days,
    )


def _get(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _date(value: Any) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else None
