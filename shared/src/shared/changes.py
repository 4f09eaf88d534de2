"""A journal change as it travels inside Vestnik (DESIGN §3).

Ingest judges what a journal sends (`ingest.judging`); from then on it is a `Change`. On the bus it is the
CloudEvent in structured JSON with three attributes of ours: `changeid` (the change's own
number), `recordedtime` (when ingest accepted it, school time) and `partitionkey`.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson

from shared.categories import Category

CONTENT_TYPE = "application/cloudevents+json"

TYPES: dict[str, tuple[Category, bool]] = {
    "journal.mark.set": (Category.MARK, False),
    "journal.mark.removed": (Category.MARK, True),
    "journal.final_mark.set": (Category.FINAL_MARK, False),
    "journal.final_mark.removed": (Category.FINAL_MARK, True),
    "journal.forecast.set": (Category.FORECAST, False),
    "journal.attendance.set": (Category.ATTENDANCE, False),
    "journal.attendance.removed": (Category.ATTENDANCE, True),
    "journal.homework.set": (Category.HOMEWORK, False),
    "journal.homework.removed": (Category.HOMEWORK, True),
    "journal.lesson.changed": (Category.LESSON, False),
    "journal.assessment.planned": (Category.ASSESSMENT, False),
    "journal.assessment.removed": (Category.ASSESSMENT, True),
    "journal.remark.set": (Category.REMARK, False),
    "journal.remark.removed": (Category.REMARK, True),
    "journal.announcement.posted": (Category.ANNOUNCEMENT, False),
    "journal.announcement.removed": (Category.ANNOUNCEMENT, True),
}
"""Every type of change: its category and whether it removes the entity."""


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """Which of two revisions of an entity is newer; strictly greater wins (§3)."""

    revision: int
    time: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """An accepted change. `pupil`, else `class_name`, else `grade`, else the school is concerned;
    `pupils` narrows a class to a subgroup. `data` is as the journal sent it."""

    change: UUID
    source: str
    school: str
    type: str
    category: Category
    removed: bool
    entity: str
    version: Version
    accepted_at: datetime
    pupil: str | None
    class_name: str | None
    grade: str | None
    group: str | None
    pupils: tuple[str, ...]
    data: dict[str, Any]

    @property
    def individual(self) -> bool:
        return self.pupil is not None

    @property
    def attestation(self) -> bool:
        period = self.data.get("period")
        return (
            self.category is Category.FINAL_MARK
            and isinstance(period, dict)
            and period.get("kind") == "attestation"
        )

    @property
    def lesson_date(self) -> date | None:
        """The lesson's date, where the change is about a lesson that has one."""
        lesson = self.data.get("lesson")
        value = lesson.get("date") if isinstance(lesson, dict) else None
        return date.fromisoformat(value) if isinstance(value, str) else None


def school_of(source: str) -> tuple[str, str]:
    """School and journal of a source `/schools/{school}/journals/{journal}`. Raises ValueError."""
    match source.split("/"):
        case ["", "schools", school, "journals", journal] if school and journal:
            return school, journal
    raise ValueError(f"not a journal's source: {source!r}")


def source_of(school: str, journal: str) -> str:
    return f"/schools/{school}/journals/{journal}"


def bus_key(school: str, class_name: str | None) -> str:
    """Key on the bus, `school/class`; no pupil in keys (R-D3)."""
    return f"{school}/{class_name or ''}"


def encode(event: dict[str, Any], *, change: UUID, accepted_at: datetime, key: str) -> bytes:
    """The event as it stands on the bus."""
    return orjson.dumps(
        {**event, "changeid": str(change), "recordedtime": accepted_at.isoformat(), "partitionkey": key}
    )


def decode(value: bytes) -> Change:
    """A change from the bus. Raises ValueError or KeyError for what ingest never writes."""
    event = orjson.loads(value)
    return from_event(
        event, change=UUID(event["changeid"]), accepted_at=datetime.fromisoformat(event["recordedtime"])
    )


def from_event(event: dict[str, Any], *, change: UUID, accepted_at: datetime) -> Change:
    """A judged CloudEvent as a value."""
    category, removed = TYPES[event["type"]]
    school, _ = school_of(event["source"])
    data = event["data"]
    grade = data.get("grade")
    return Change(
        change=change,
        source=event["source"],
        school=school,
        type=event["type"],
        category=category,
        removed=removed,
        entity=data["entity"],
        version=Version(data.get("revision") or 0, datetime.fromisoformat(event["time"])),
        accepted_at=accepted_at,
        pupil=event.get("subject"),
        class_name=data.get("class"),
        grade=str(grade) if grade is not None else None,
        group=data.get("group"),
        pupils=tuple(data.get("pupils") or ()),
        data=data,
    )
