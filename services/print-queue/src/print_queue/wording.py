"""Every word a sheet says by itself, in one place a head teacher can read and argue about."""

from collections.abc import Mapping

from print_queue.document import Attendance, LessonChangeKind, RemarkKind, Section

TITLES: Mapping[Section, str] = {
    Section.FINAL_MARK: "Итоговые отметки",
    Section.MARK: "Отметки",
    Section.FORECAST: "Прогноз итоговых отметок",
    Section.ATTENDANCE: "Посещаемость",
    Section.REMARK: "Слово учителя",
    Section.HOMEWORK: "Домашние задания",
    Section.LESSON: "Изменения в расписании",
    Section.ASSESSMENT: "Контрольные и проверочные работы",
    Section.ANNOUNCEMENT: "Объявления",
}
CORRECTIONS_TITLE = "Исправления"
CORRECTIONS_NOTE = "В прошлых листах эти записи были другими. Верны сведения из столбца «Стало»."
REMOVED = "запись удалена"
POSTPONED = "отложена"
NAMELESS = "Имя не указано"

#: Said in the section's own place, for families look there first (R-B5).
EMPTY_IN_PLACE: Mapping[Section, str] = {
    Section.MARK: "На этой неделе отметок не было.",
    Section.ATTENDANCE: "Пропусков и опозданий не было.",
    Section.HOMEWORK: "На этой неделе домашние задания не задавались.",
}
#: Gathered into one closing paragraph, so that a quiet week does not become a page of headings.
EMPTY_TOGETHER: Mapping[Section, str] = {
    Section.FORECAST: "Прогноза итоговых отметок на этой неделе нет.",
    Section.REMARK: "Замечаний и похвал от учителей не поступало.",
    Section.LESSON: "Изменений в расписании нет.",
    Section.ASSESSMENT: "Контрольных и проверочных работ не запланировано.",
    Section.ANNOUNCEMENT: "Новых объявлений нет.",
}
LEAD = "Сообщаем, что появилось в журнале за эту неделю."
LEAD_QUIET = "На этой неделе новых записей в журнале не появилось."
LEAD_FINAL_MARKS = "Сообщаем итоговые отметки, о которых стало известно."

ATTENDANCE: Mapping[Attendance, str] = {
    Attendance.PRESENT: "присутствие на уроке",
    Attendance.ABSENT: "отсутствие, причина неизвестна",
    Attendance.ABSENT_ILL: "отсутствие по болезни",
    Attendance.ABSENT_EXCUSED: "отсутствие по уважительной причине",
    Attendance.ABSENT_UNEXCUSED: "отсутствие без уважительной причины",
    Attendance.LATE: "опоздание",
    Attendance.EXEMPT: "освобождение от урока",
    Attendance.REMOTE: "дистанционное обучение",
}
#: With the reason told beside it, the plain absence does not claim that it is unknown.
ABSENT_WITH_REASON = "отсутствие"

LESSON_CHANGES: Mapping[LessonChangeKind, str] = {
    LessonChangeKind.CANCELLED: "урок отменён",
    LessonChangeKind.MOVED: "урок перенесён",
    LessonChangeKind.SUBSTITUTED: "замена",
    LessonChangeKind.ROOM: "другой кабинет",
}
REMARKS: Mapping[RemarkKind, str] = {
    RemarkKind.REMARK: "Замечание",
    RemarkKind.PRAISE: "Благодарность",
    RemarkKind.RECOMMENDATION: "Рекомендация",
}
