"""A printed line in two phrases, for «Исправления»: what it is about, and what was said of it.

Both are kept with the sheet: when the entry changes, the earlier words are the ones the family read (R-A11).
"""

from dataclasses import dataclass

from print_queue import document as doc
from print_queue import russian, wording
from print_queue.contents import Line


@dataclass(frozen=True, slots=True)
class Words:
    what: str
    said: str


def words_of(line: Line) -> Words:
    match line:
        case doc.Mark():
            weight = f"вес{russian.NBSP}{russian.decimal(line.weight)}" if line.weight is not None else ""
            lesson = f"урок {russian.day(line.lesson_date)}"
            return Words(
                _listed(line.course, lesson, line.work, weight, line.topic), _noted(line.value, line.comment)
            )
        case doc.FinalMark():
            return Words(
                _listed(line.course, line.period),
                _noted(wording.POSTPONED if line.value is None else line.value, line.comment),
            )
        case doc.Forecast():
            return Words(_listed(line.course, line.period), line.mark)
        case doc.AttendanceEntry():
            number = f"{line.lesson_number}-й урок" if line.lesson_number is not None else "урок"
            return Words(
                _listed(line.course, f"{number} {russian.day(line.lesson_date)}"),
                _noted(wording.ATTENDANCE[line.attendance], line.reason),
            )
        case doc.Homework():
            due = f" к {russian.day(line.due_on)}" if line.due_on is not None else ""
            return Words(_listed(line.course, f"задание{due}"), line.text)
        case doc.LessonChange():
            number = f"{line.lesson_number}-й урок" if line.lesson_number is not None else "урок"
            return Words(
                _listed(line.course, f"{number} {russian.day(line.lesson_date)}"),
                _noted(wording.LESSON_CHANGES[line.change], line.after),
            )
        case doc.PlannedAssessment():
            return Words(_listed(line.course, line.kind), russian.day(line.on))
        case doc.Remark():
            return Words(_listed(wording.REMARKS[line.kind], line.author), line.text)
        case doc.Announcement():
            return Words(_listed("Объявление", f"«{line.title}»" if line.title else line.author), line.text)


def _listed(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _noted(said: str, note: str) -> str:
    return f"{said} ({note})" if note else said
