"""A sheet's entries as blocks to lay out: tables of cells, notes, or a sentence that nothing happened.

A cell is a list of [style, text] lines; styles are `plain`, `strong`, `note`, `mark`. Widths are
millimetres, null takes what is left. The layout knows nothing of marks or lessons.
"""

from collections.abc import Callable, Sequence
from datetime import date

from print_queue import russian, wording
from print_queue.document import Attendance, AttendanceEntry, Homework, LessonChange, Mark, Section, Sheet
from shared.typesetting.glyphs import Json


def blocks(sheet: Sheet, allowed: frozenset[Section]) -> list[Json]:
    """The sections that are filled or must say that they are empty, in the order they are read."""
    made: list[Json] = []
    for section, entries in sheet.entries.items():
        if section not in allowed:
            continue
        if entries:
            made.append(_BUILDERS[section](sheet))
        elif section in wording.EMPTY_IN_PLACE:
            made.append(
                {"kind": "empty", "title": wording.TITLES[section], "text": wording.EMPTY_IN_PLACE[section]}
            )
    corrections = _corrections(sheet, allowed)
    return [corrections, *made] if corrections else made


def quiet_sentences(sheet: Sheet, allowed: frozenset[Section]) -> str:
    """One paragraph about the covered sections in which nothing happened."""
    return " ".join(
        wording.EMPTY_TOGETHER[section]
        for section, entries in sheet.entries.items()
        if section in allowed and not entries and section in wording.EMPTY_TOGETHER
    )


def is_quiet(sheet: Sheet, allowed: frozenset[Section]) -> bool:
    """Whether there is no news at all, corrections included."""
    return not any(entries for section, entries in sheet.entries.items() if section in allowed) and not any(
        correction.section in allowed for correction in sheet.corrections
    )


def _final_marks(sheet: Sheet) -> Json:
    return _table(
        Section.FINAL_MARK,
        [("Предмет", 52, "start"), ("Период", None, "start"), ("Отметка", 24, "center")],
        [
            [
                _lines(plain=entry.course),
                _lines(plain=entry.period, note=entry.comment),
                _lines(plain=wording.POSTPONED) if entry.value is None else _lines(mark=entry.value),
            ]
            for entry in sheet.final_marks
        ],
    )


def _marks(sheet: Sheet) -> Json:
    return _table(
        Section.MARK,
        [
            ("Предмет", 40, "start"),
            ("Урок", 18, "start"),
            ("За что", None, "start"),
            ("Отметка", 20, "center"),
        ],
        [
            [
                _lines(plain=entry.course),
                _lines(plain=russian.short_day(entry.lesson_date)),
                _lines(plain=_what_for(entry), note=entry.comment),
                _lines(mark=entry.value),
            ]
            for entry in sheet.marks
        ],
    )


def _what_for(mark: Mark) -> str:
    weight = f"вес{russian.NBSP}{russian.decimal(mark.weight)}" if mark.weight is not None else ""
    work = ", ".join(part for part in (mark.work, weight) if part)
    return ". ".join(part for part in (_capitalised(work), mark.topic) if part)


def _forecasts(sheet: Sheet) -> Json:
    return _table(
        Section.FORECAST,
        [
            ("Предмет", 52, "start"),
            ("Период", None, "start"),
            ("Средний балл", 26, "center"),
            ("Ожидается", 24, "center"),
        ],
        [
            [
                _lines(plain=entry.course),
                _lines(plain=entry.period),
                _lines(plain="" if entry.average is None else russian.decimal(entry.average)),
                _lines(mark=entry.mark),
            ]
            for entry in sheet.forecasts
        ],
    )


def _attendance(sheet: Sheet) -> Json:
    return _table(
        Section.ATTENDANCE,
        [
            ("Дата", 18, "start"),
            ("Урок", 13, "center"),
            ("Предмет", 52, "start"),
            ("Что отмечено", None, "start"),
        ],
        [
            [
                _lines(plain=russian.short_day(entry.lesson_date)),
                _lines(plain=_number(entry.lesson_number)),
                _lines(plain=entry.course),
                _lines(plain=_presence(entry), note=entry.reason),
            ]
            for entry in sheet.attendance
        ],
        [entry.lesson_date for entry in sheet.attendance],
    )


def _presence(entry: AttendanceEntry) -> str:
    if entry.attendance is Attendance.ABSENT and entry.reason:
        return wording.ABSENT_WITH_REASON
    return wording.ATTENDANCE[entry.attendance]


def _homework(sheet: Sheet) -> Json:
    return _table(
        Section.HOMEWORK,
        [("К уроку", 18, "start"), ("Предмет", 40, "start"), ("Задание", None, "start")],
        [
            [
                _lines(plain="—" if entry.due_on is None else russian.short_day(entry.due_on)),
                _lines(plain=entry.course),
                _lines(strong=_for_whom(entry), plain=entry.text),
            ]
            for entry in sheet.homework
        ],
        [entry.due_on for entry in sheet.homework],
    )


def _for_whom(homework: Homework) -> str:
    if homework.individual:
        return "Индивидуальное задание"
    return f"Группа: {homework.group}" if homework.group else ""


def _lesson_changes(sheet: Sheet) -> Json:
    return _table(
        Section.LESSON,
        [
            ("Дата", 18, "start"),
            ("Урок", 13, "center"),
            ("Предмет", 52, "start"),
            ("Изменение", None, "start"),
        ],
        [
            [
                _lines(plain=russian.short_day(entry.lesson_date)),
                _lines(plain=_number(entry.lesson_number)),
                _lines(plain=entry.course),
                _lines(plain=wording.LESSON_CHANGES[entry.change], note=_from_to(entry)),
            ]
            for entry in sheet.lesson_changes
        ],
        [entry.lesson_date for entry in sheet.lesson_changes],
    )


def _from_to(change: LessonChange) -> str:
    parts = (
        f"было: {change.before}" if change.before else "",
        f"стало: {change.after}" if change.after else "",
    )
    return "; ".join(part for part in parts if part)


def _assessments(sheet: Sheet) -> Json:
    return _table(
        Section.ASSESSMENT,
        [("Дата", 18, "start"), ("Предмет", 52, "start"), ("Работа", None, "start")],
        [
            [_lines(plain=russian.short_day(entry.on)), _lines(plain=entry.course), _lines(plain=entry.kind)]
            for entry in sheet.assessments
        ],
        [entry.on for entry in sheet.assessments],
    )


def _remarks(sheet: Sheet) -> Json:
    return {
        "kind": "notes",
        "title": wording.TITLES[Section.REMARK],
        "notes": [
            {
                "lead": wording.REMARKS[entry.kind],
                "text": entry.text,
                "signed": _signed(entry.author, entry.on),
            }
            for entry in sheet.remarks
        ],
    }


def _announcements(sheet: Sheet) -> Json:
    return {
        "kind": "notes",
        "title": wording.TITLES[Section.ANNOUNCEMENT],
        "notes": [
            {"lead": entry.title, "text": entry.text, "signed": _signed(entry.author, entry.on)}
            for entry in sheet.announcements
        ],
    }


def _signed(author: str, on: date | None) -> str:
    return author if on is None else f"{author}, {russian.day(on)}"


def _corrections(sheet: Sheet, allowed: frozenset[Section]) -> Json:
    rows: list[Json] = [
        [
            _lines(plain=entry.what),
            _lines(plain=entry.before or "—"),
            _lines(note=wording.REMOVED) if entry.now is None else _lines(strong=entry.now),
        ]
        for entry in sheet.corrections
        if entry.section in allowed
    ]
    if not rows:
        return None
    return {
        "kind": "table",
        "title": wording.CORRECTIONS_TITLE,
        "note": wording.CORRECTIONS_NOTE,
        "columns": _columns([("Запись", None, "start"), ("Было", 42, "start"), ("Стало", 42, "start")]),
        "rows": rows,
        "days": [],
    }


_BUILDERS: dict[Section, Callable[[Sheet], Json]] = {
    Section.FINAL_MARK: _final_marks,
    Section.MARK: _marks,
    Section.FORECAST: _forecasts,
    Section.ATTENDANCE: _attendance,
    Section.REMARK: _remarks,
    Section.HOMEWORK: _homework,
    Section.LESSON: _lesson_changes,
    Section.ASSESSMENT: _assessments,
    Section.ANNOUNCEMENT: _announcements,
}

_Column = tuple[str, int | None, str]


def _table(
    section: Section, columns: Sequence[_Column], rows: Sequence[Json], days: Sequence[date | None] = ()
) -> Json:
    """`days`: the day of each row; where it changes, the layout draws a stronger rule."""
    changes = [index for index in range(1, len(days)) if days[index] != days[index - 1]]
    return {
        "kind": "table",
        "title": wording.TITLES[section],
        "note": "",
        "columns": _columns(columns),
        "rows": list(rows),
        "days": list(changes),
    }


def _columns(columns: Sequence[_Column]) -> Json:
    return [{"title": title, "width": width, "align": align} for title, width, align in columns]


def _lines(**styled: str) -> Json:
    return [[style, text] for style, text in styled.items() if text.strip()]


def _number(number: int | None) -> str:
    return "" if number is None else str(number)


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
