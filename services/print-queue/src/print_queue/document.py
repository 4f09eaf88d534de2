"""What is put on paper, as plain values: no database, no layout, no wording.

Whoever fills a `BatchDocument` decides *what* a family may be told (consent, scope, corrections);
this module only guarantees that what is printed is consistent, and that a class without marks
never shows any (R-A10). Texts are as people typed them: the typesetting makes them safe.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class Section(StrEnum):
    """A part of a sheet; the values are the categories of journal changes (DESIGN §3)."""

    MARK = "mark"
    FINAL_MARK = "final_mark"
    FORECAST = "forecast"
    ATTENDANCE = "attendance"
    HOMEWORK = "homework"
    LESSON = "lesson"
    ASSESSMENT = "assessment"
    REMARK = "remark"
    ANNOUNCEMENT = "announcement"


EVERY_SECTION: frozenset[Section] = frozenset(Section)
#: Never printed for a class without marks (R-A10).
MARKED_SECTIONS: frozenset[Section] = frozenset(
    {Section.MARK, Section.FINAL_MARK, Section.FORECAST, Section.HOMEWORK, Section.ASSESSMENT}
)


class Occasion(StrEnum):
    """Why the batch is printed: the week's close, or final marks that cannot wait for it (R-B1)."""

    WEEK = "week"
    FINAL_MARKS = "final_marks"


class Attendance(StrEnum):
    """The values of `data.attendance` in a journal change."""

    PRESENT = "present"
    ABSENT = "absent"
    ABSENT_ILL = "absent_ill"
    ABSENT_EXCUSED = "absent_excused"
    ABSENT_UNEXCUSED = "absent_unexcused"
    LATE = "late"
    EXEMPT = "exempt"
    REMOTE = "remote"


class LessonChangeKind(StrEnum):
    """The values of `data.change` in a journal change."""

    CANCELLED = "cancelled"
    MOVED = "moved"
    SUBSTITUTED = "substituted"
    ROOM = "room"


class RemarkKind(StrEnum):
    """The values of `data.kind` of a remark."""

    REMARK = "remark"
    PRAISE = "praise"
    RECOMMENDATION = "recommendation"


@dataclass(frozen=True, slots=True)
class Person:
    """A pupil or a guardian. An institution has its name in `family_name` and nothing else."""

    family_name: str
    given_name: str = ""
    patronymic: str = ""

    @property
    def full_name(self) -> str:
        """«Петрова Анна Сергеевна»."""
        return " ".join(part for part in (self.family_name, self.given_name, self.patronymic) if part)


@dataclass(frozen=True, slots=True)
class Mark:
    """A current mark and what it was given for (R-A1); `value` is as the journal writes it (R-A9)."""

    course: str
    lesson_date: date
    value: str
    topic: str = ""
    work: str = ""
    weight: Decimal | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class FinalMark:
    """A mark of a period, exam or contest; `value` None means postponed, which is not missing (R-A2)."""

    course: str
    period: str
    value: str | None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the period will end with if it goes on like this (R-A7)."""

    course: str
    period: str
    mark: str
    average: Decimal | None = None


@dataclass(frozen=True, slots=True)
class AttendanceEntry:
    """One lesson missed, late for, or otherwise worth telling (R-A3). `reason`: where known."""

    lesson_date: date
    course: str
    attendance: Attendance
    lesson_number: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Homework:
    """Homework of the class, of a group (its name in `group`), or of this pupil alone (R-A4, R-A13)."""

    course: str
    text: str
    due_on: date | None = None
    group: str = ""
    individual: bool = False


@dataclass(frozen=True, slots=True)
class LessonChange:
    """A change of the timetable (R-A5). `before` and `after` are in words, either may be empty."""

    lesson_date: date
    course: str
    change: LessonChangeKind
    lesson_number: int | None = None
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class PlannedAssessment:
    """A test to come (R-A5)."""

    on: date
    course: str
    kind: str


@dataclass(frozen=True, slots=True)
class Remark:
    """A teacher's words about this pupil (R-A6)."""

    text: str
    author: str
    kind: RemarkKind = RemarkKind.REMARK
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Announcement:
    """An announcement of the class or the school; its sender is always known (R-A8, R-D5)."""

    title: str
    text: str
    author: str
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """Something an earlier sheet said otherwise (R-A11); `now` None means the entry was removed.

    `what` names the entry in words: «Алгебра, урок 17 ноября, контрольная работа».
    """

    section: Section
    what: str
    before: str
    now: str | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """One pupil's week for one guardian.

    `covers` are the sections paper brings to this guardian: one that is not covered is not printed at
    all, one that is covered but empty says that nothing happened (R-B5). `sheet_id` carries no meaning
    and is all that the QR of the slip holds (R-D3); entries are printed in the order given.
    """

    sheet_id: str
    pupil: Person
    guardian: Person
    covers: frozenset[Section] = EVERY_SECTION
    corrections: tuple[Correction, ...] = ()
    final_marks: tuple[FinalMark, ...] = ()
    marks: tuple[Mark, ...] = ()
    forecasts: tuple[Forecast, ...] = ()
    attendance: tuple[AttendanceEntry, ...] = ()
    remarks: tuple[Remark, ...] = ()
    homework: tuple[Homework, ...] = ()
    lesson_changes: tuple[LessonChange, ...] = ()
    assessments: tuple[PlannedAssessment, ...] = ()
    announcements: tuple[Announcement, ...] = ()

    @property
    def entries(self) -> Mapping[Section, tuple[object, ...]]:
        """The entries by section, without the corrections."""
        return {
            Section.FINAL_MARK: self.final_marks,
            Section.MARK: self.marks,
            Section.FORECAST: self.forecasts,
            Section.ATTENDANCE: self.attendance,
            Section.REMARK: self.remarks,
            Section.HOMEWORK: self.homework,
            Section.LESSON: self.lesson_changes,
            Section.ASSESSMENT: self.assessments,
            Section.ANNOUNCEMENT: self.announcements,
        }


@dataclass(frozen=True, slots=True)
class FamilyWithoutConsent:
    """A family that gets the nameless leaflet; the name is seen on the teacher's cover only (R-C11)."""

    pupil: Person
    guardian: Person


@dataclass(frozen=True, slots=True)
class BatchDocument:
    """All that a class teacher hands out at once: a cover, the sheets, the leaflets.

    `week` is the ISO week («2026-W47»), `period_from`-`period_to` the days it covers, both included.
    `created_at` must know its offset: it becomes the PDF's date, so that a reprint is byte-identical.
    Raises ValueError on a document that must not reach paper, saying why.
    """

    batch_id: str
    school: str
    class_name: str
    week: str
    period_from: date
    period_to: date
    created_at: datetime
    teachers: tuple[str, ...] = ()
    sheets: tuple[Sheet, ...] = ()
    without_consent: tuple[FamilyWithoutConsent, ...] = ()
    unmarked: bool = False
    occasion: Occasion = Occasion.WEEK
    hand_out_by: datetime | None = None

    def __post_init__(self) -> None:
        if self.created_at.utcoffset() is None:
            raise ValueError("created_at must carry its offset from UTC")
        if self.period_from > self.period_to:
            raise ValueError(f"the period ends ({self.period_to}) before it begins ({self.period_from})")
        ids = [sheet.sheet_id for sheet in self.sheets]
        if not all(ids):
            raise ValueError("every sheet needs an id")
        if len(set(ids)) != len(ids):
            raise ValueError("two sheets of one batch share an id")

    def sections_of(self, sheet: Sheet) -> frozenset[Section]:
        """The sections that may appear on this sheet of this batch (R-A10, R-B1)."""
        allowed = sheet.covers - MARKED_SECTIONS if self.unmarked else sheet.covers
        return allowed & {Section.FINAL_MARK} if self.occasion is Occasion.FINAL_MARKS else allowed
