"""What is on each sheet: a week's entries, the people, and what earlier sheets said, made a document.

Pure. Nothing reaches a sheet that routing does not give to paper for that very guardian, pupil and
entry (R-C4, R-D4), and nothing changes on paper unnoticed: a correction names what was read before.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from print_queue import document as doc
from print_queue.contents import Line, line_of
from print_queue.entries import Entry, Key
from print_queue.forecasts import current_forecasts
from print_queue.order import in_reading_order
from print_queue.recipients import Asking, Recipient, recipients
from print_queue.week import Timetable
from print_queue.words import Words, words_of
from shared.categories import Attendance, Category
from shared.changes import Version
from shared.families import Name, Pupil, School, SchoolClass

Pair = tuple[str, str]
"""Pupil and guardian."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the latest sheet of a pupil and guardian said of an entity; `weekly`: a week's sheet did."""

    version: Version
    removed: bool
    weekly: bool
    words: Words


@dataclass(frozen=True, slots=True)
class Known:
    """Everything a batch is made of. `moves`: the changes each pair could not be told electronically;
    `told`: the latest printed words by pupil, guardian and entity; `ids` gives fresh ids."""

    school: School
    school_class: SchoolClass
    teachers: tuple[str, ...]
    pupils: tuple[Pupil, ...]
    entries: Mapping[Key, Entry]
    told: Mapping[tuple[str, str, Key], Told]
    moves: Mapping[Pair, AbstractSet[UUID]]
    ids: Iterator[str]


@dataclass(frozen=True, slots=True)
class Printed:
    """An entity that a sheet says, at the version it says it."""

    sheet: str
    pupil: str
    guardian: str
    key: Key
    version: Version
    removed: bool
    words: Words


@dataclass(frozen=True, slots=True)
class Composition:
    """The document, whose each sheet is, and what is said by which."""

    document: doc.BatchDocument
    owners: Mapping[str, Pair]
    printed: tuple[Printed, ...]


@dataclass(slots=True)
class _Draft:
    lines: list[Line] = field(default_factory=list)
    corrections: list[tuple[Entry, doc.Correction]] = field(default_factory=list)
    printed: list[tuple[Entry, Words]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Occasion:
    """Which batch: its name, the interval it tells of, and until when it must be handed out."""

    kind: doc.Occasion
    name: str
    opened_at: datetime
    closed_at: datetime
    hand_out_by: datetime | None


def compose(known: Known, occasion: Occasion, asking: Asking, timetable: Timetable) -> Composition:
    """The batch of a class. A week's has a sheet for every recipient; one of final marks only for
    those who have something to read on it."""
    due, unasked = recipients(known.pupils, asking)
    weekly = occasion.kind is doc.Occasion.WEEK
    sheets, owners, printed = [], {}, []
    for recipient in due:
        if not weekly and doc.Section.FINAL_MARK not in recipient.covers:
            continue
        draft = _draft(known, occasion, asking, recipient)
        if not weekly and not draft.printed:
            continue
        sheet = _sheet(next(known.ids), recipient, draft)
        pair = (recipient.pupil.pupil, recipient.guardianship.guardian.guardian)
        sheets.append(sheet)
        owners[sheet.sheet_id] = pair
        printed += [
            Printed(sheet.sheet_id, *pair, entry.key, entry.version, entry.removed, words)
            for entry, words in draft.printed
        ]
    first, last = timetable.days_told_of(occasion.opened_at, occasion.closed_at)
    document = doc.BatchDocument(
        batch_id=next(known.ids),
        school=known.school.name,
        class_name=known.school_class.name,
        week=occasion.name if weekly else timetable.name_of(occasion.closed_at),
        period_from=first,
        period_to=last,
        created_at=occasion.closed_at.astimezone(timetable.timezone),
        teachers=known.teachers,
        sheets=tuple(sheets),
        without_consent=tuple(
            doc.FamilyWithoutConsent(_person(one.pupil.name), _person(one.guardianship.guardian.name))
            for one in unasked
            if weekly
        ),
        unmarked=known.school_class.unmarked,
        occasion=occasion.kind,
        hand_out_by=occasion.hand_out_by,
    )
    return Composition(document, owners, tuple(printed))


def _draft(known: Known, occasion: Occasion, asking: Asking, recipient: Recipient) -> _Draft:
    timezone = known.school.timezone
    pupil, guardian = recipient.pupil.pupil, recipient.guardianship.guardian.guardian
    weekly = occasion.kind is doc.Occasion.WEEK
    moved = known.moves.get((pupil, guardian), frozenset())
    draft = _Draft()
    for entry in known.entries.values():
        told = known.told.get((pupil, guardian, entry.key))
        concerned = not entry.removed and entry.concerns(
            pupil, known.school_class.name, known.school_class.grade
        )
        if (
            not (concerned or told)
            or entry.category is Category.FORECAST
            or not (weekly or entry.category is Category.FINAL_MARK)
            or not asking.on_paper(entry.matter(timezone), recipient.pupil, recipient.guardianship)
        ):
            continue
        if told is not None and not told.removed and told.version < entry.version:
            _correct(draft, entry, told, line_of(entry, timezone) if concerned else None)
        elif concerned and (entry.fresh or entry.change in moved) and _is_news(told, weekly=weekly):
            line = line_of(entry, timezone)
            if isinstance(line, doc.AttendanceEntry) and not Attendance(line.attendance.value).alarms:
                continue
            draft.lines.append(line)
            draft.printed.append((entry, words_of(line)))
    if weekly:
        own = [entry for entry in known.entries.values() if entry.pupil == pupil]
        draft.lines += [
            line_of(entry, timezone)
            for entry in current_forecasts(own, since=asking.first_day)
            if asking.on_paper(entry.matter(timezone), recipient.pupil, recipient.guardianship)
        ]
    return draft


def _is_news(told: Told | None, *, weekly: bool) -> bool:
    """Not told yet, or told and taken back; what an extra sheet told, the week's sheet tells too (R-E1)."""
    return told is None or told.removed or (weekly and not told.weekly)


def _correct(draft: _Draft, entry: Entry, told: Told, line: Line | None) -> None:
    """R-A11. A revision that reads the same corrects nothing."""
    if line is None:
        now, words = None, told.words
    else:
        words = words_of(line)
        if words == told.words:
            return
        now = words.said if words.said != told.words.said else words.what
    before = told.words.said if now is None or words.said != told.words.said else told.words.what
    section = doc.Section(entry.category.value)
    draft.corrections.append((entry, doc.Correction(section, words.what, before, now)))
    draft.printed.append((entry, words))


def _sheet(sheet_id: str, recipient: Recipient, draft: _Draft) -> doc.Sheet:
    def of(kind: type[Any]) -> tuple[Any, ...]:
        return in_reading_order([line for line in draft.lines if isinstance(line, kind)])

    return doc.Sheet(
        sheet_id=sheet_id,
        pupil=_person(recipient.pupil.name),
        guardian=_person(recipient.guardianship.guardian.name),
        covers=recipient.covers,
        corrections=tuple(
            correction
            for entry, correction in sorted(
                draft.corrections, key=lambda pair: (pair[0].category, pair[0].key)
            )
        ),
        final_marks=of(doc.FinalMark),
        marks=of(doc.Mark),
        forecasts=of(doc.Forecast),
        attendance=of(doc.AttendanceEntry),
        remarks=of(doc.Remark),
        homework=of(doc.Homework),
        lesson_changes=of(doc.LessonChange),
        assessments=of(doc.PlannedAssessment),
        announcements=of(doc.Announcement),
    )


def _person(name: Name) -> doc.Person:
    return doc.Person(name.family, name.given, name.patronymic)
