"""What `data` of each type must look like (DESIGN §3): a model a type, unknown fields kept.

Required is what a text for the family must contain; what is optional may be absent or null,
but when it is there it has the kind the contract says.
"""

import re
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from ingest.envelope import LONGEST_ID, has_control
from shared.categories import Attendance

LONGEST_LABEL = 1_000
LONGEST_TEXT = 20_000
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _fail(words: str) -> PydanticCustomError:
    return PydanticCustomError("ours", "{words}", {"words": words})


def _day(value: str) -> str:
    try:
        found = date.fromisoformat(value) if _DAY.fullmatch(value) else None
    except ValueError:
        found = None
    if found is None or not 1900 <= found.year <= 2100:
        raise _fail("должно быть датой вида 2026-11-23")
    return value


def _filled(value: str) -> str:
    if not value.strip():
        raise _fail("не должно быть пустым")
    return value


def _name(value: str) -> str:
    if has_control(_filled(value)):
        raise _fail("содержит недопустимый знак")
    return value


def _plain(value: Any) -> Any:
    """A string or a number: "4-", "зач", 5."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise _fail("должно быть строкой или числом")
    if isinstance(value, str) and len(value) > LONGEST_ID:
        raise _fail(f"длиннее {LONGEST_ID} знаков")
    return value


def _filled_plain(value: Any) -> Any:
    return _filled(_plain(value)) if isinstance(value, str) else _plain(value)


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _fail("должно быть числом")
    return value


Id = Annotated[str, Field(max_length=LONGEST_ID), AfterValidator(_name)]
Label = Annotated[str, Field(max_length=LONGEST_LABEL)]
FilledLabel = Annotated[Label, AfterValidator(_filled)]
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
FilledText = Annotated[Text, AfterValidator(_filled)]
Day = Annotated[str, AfterValidator(_day)]
Plain = Annotated[Any, AfterValidator(_plain)]
FilledPlain = Annotated[Any, AfterValidator(_filled_plain)]
Number = Annotated[Any, AfterValidator(_number)]
Revision = Annotated[int, Field(ge=0, le=2**63 - 1)]
LessonNumber = Annotated[int, Field(ge=0, le=99)]


class Shape(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow", defer_build=True)


class PeriodKind(StrEnum):
    QUARTER = "quarter"
    TRIMESTER = "trimester"
    HALF_YEAR = "half_year"
    YEAR = "year"
    EXAM = "exam"
    CONTEST = "contest"
    ATTESTATION = "attestation"


class LessonChange(StrEnum):
    CANCELLED = "cancelled"
    MOVED = "moved"
    SUBSTITUTED = "substituted"
    ROOM = "room"


class RemarkKind(StrEnum):
    REMARK = "remark"
    PRAISE = "praise"
    RECOMMENDATION = "recommendation"


def _word(kind: type[StrEnum]) -> Any:
    def known(value: str) -> str:
        if value not in set(kind):
            raise _fail(f"должно быть одним из: {', '.join(kind)}")
        return value

    return Annotated[str, AfterValidator(known)]


class Course(Shape):
    name: FilledLabel
    teacher: Label | None = None


class AnyLesson(Shape):
    date: Day | None = None
    number: LessonNumber | None = None
    topic: Text | None = None


class Lesson(AnyLesson):
    date: Day


class Work(Shape):
    kind: Label | None = None
    weight: Number | None = None


class MaybeMark(Shape):
    value: FilledPlain | None = None
    scale: Plain | None = None


class Mark(MaybeMark):
    value: FilledPlain


class MaybePeriod(Shape):
    kind: _word(PeriodKind) | None = None  # type: ignore[valid-type] # built from the table above
    name: FilledLabel
    ends_on: Day | None = None


class Period(MaybePeriod):
    kind: _word(PeriodKind)  # type: ignore[valid-type]


class Data(Shape):
    """What every change has; all that a `.removed` needs."""

    entity: Id
    revision: Revision | None = None
    class_: Annotated[Id | None, Field(alias="class")] = None
    grade: FilledPlain | None = None
    group: FilledLabel | None = None
    pupils: list[Id] | None = None


class MarkSet(Data):
    course: Course
    lesson: Lesson
    work: Work | None = None
    mark: Mark
    comment: Text | None = None


class FinalMarkSet(Data):
    course: Course
    period: Period
    mark: MaybeMark | None = None
    postponed: bool | None = None

    @model_validator(mode="after")
    def _told(self) -> Self:
        if not self.postponed and (self.mark is None or self.mark.value is None):
            raise PydanticCustomError("absent", "{path}", {"path": "mark.value"})
        return self


class ForecastSet(Data):
    course: Course
    period: MaybePeriod
    mark: MaybeMark | None = None
    average: Plain | None = None

    @model_validator(mode="after")
    def _told(self) -> Self:
        if self.average is None and (self.mark is None or self.mark.value is None):
            raise PydanticCustomError("absent", "{path}", {"path": "mark.value"})
        return self


class AttendanceSet(Data):
    course: Course | None = None
    lesson: Lesson
    attendance: _word(Attendance)  # type: ignore[valid-type]
    raw: Plain | None = None


class HomeworkSet(Data):
    course: Course
    lesson: AnyLesson | None = None
    due_on: Day | None = None
    text: FilledText


class LessonChanged(Data):
    course: Course | None = None
    lesson: Lesson
    change: _word(LessonChange)  # type: ignore[valid-type]


class AssessmentPlanned(Data):
    course: Course
    date: Day
    kind: Label | None = None


class RemarkSet(Data):
    author: Label | None = None
    text: FilledText
    kind: _word(RemarkKind) | None = None  # type: ignore[valid-type]


class AnnouncementPosted(Data):
    """Its author is known (R-D5)."""

    author: FilledLabel
    title: Label | None = None
    text: FilledText


SHAPES: dict[str, type[Data]] = {
    "journal.mark.set": MarkSet,
    "journal.final_mark.set": FinalMarkSet,
    "journal.forecast.set": ForecastSet,
    "journal.attendance.set": AttendanceSet,
    "journal.homework.set": HomeworkSet,
    "journal.lesson.changed": LessonChanged,
    "journal.assessment.planned": AssessmentPlanned,
    "journal.remark.set": RemarkSet,
    "journal.announcement.posted": AnnouncementPosted,
}
"""The shape of each type; the types that remove are `Data`."""

_WORDS = {
    "string_type": "должно быть строкой",
    "int_type": "должно быть целым числом",
    "int_from_float": "должно быть целым числом",
    "bool_type": "должно быть true или false",
    "list_type": "должно быть списком",
    "model_type": "должно быть объектом",
    "dict_type": "должно быть объектом",
    "greater_than_equal": "слишком мало",
    "less_than_equal": "слишком велико",
    "too_long": "слишком длинное",
}


def misshapen(type_: str, data: dict[str, Any]) -> str | None:
    """What is wrong with `data` of an event of this type, in words; None when nothing is."""
    try:
        SHAPES.get(type_, Data).model_validate(data)
    except ValidationError as wrong:
        return _in_words(wrong.errors(include_url=False)[0])
    return None


def _in_words(error: ErrorDetails) -> str:
    path = ".".join(["data", *(str(part) for part in error["loc"])])
    match error["type"]:
        case "absent":
            return f"нет поля {path}.{error['ctx']['path']}: добавьте его и пришлите событие снова"
        case "missing":
            return f"нет поля {path}: добавьте его и пришлите событие снова"
        case _ if error["input"] is None:
            return f"нет поля {path}: добавьте его и пришлите событие снова"
        case "ours":
            words = str(error["ctx"]["words"])
        case "string_too_long":
            words = f"длиннее {error['ctx']['max_length']} знаков"
        case kind:
            words = _WORDS.get(kind, "записано неверно")
    return f"поле {path} {words}: исправьте его и пришлите событие снова"
