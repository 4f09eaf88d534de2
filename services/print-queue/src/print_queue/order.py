"""The order in which the lines of one section are read: by subject for marks, by day for the rest."""

from collections.abc import Sequence
from datetime import date

from print_queue import document as doc
from print_queue.contents import Line
from print_queue.russian import collation_key


def in_reading_order(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Lines of one kind; the same whatever order they came in."""
    return tuple(sorted(lines, key=_rank))


def _rank(line: Line) -> tuple[object, ...]:
    match line:
        case doc.Mark():
            return (
                collation_key(line.course),
                line.lesson_date,
                line.value,
                line.work,
                line.topic,
                line.comment,
            )
        case doc.FinalMark():
            return (collation_key(line.course), line.period, line.value or "", line.comment)
        case doc.Forecast():
            return (collation_key(line.course), line.period)
        case doc.AttendanceEntry():
            return (line.lesson_date, line.lesson_number or 0, collation_key(line.course))
        case doc.Homework():
            return (line.due_on or date.max, collation_key(line.course), line.group, line.text)
        case doc.LessonChange():
            return (line.lesson_date, line.lesson_number or 0, collation_key(line.course), line.after)
        case doc.PlannedAssessment():
            return (line.on, collation_key(line.course), line.kind)
        case doc.Remark():
            return (line.on or date.max, line.author, line.text)
        case doc.Announcement():
            return (line.on or date.max, line.title, line.text)
