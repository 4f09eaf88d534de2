"""Every word that messages say by themselves outside the templates: a head teacher can read and argue."""

from shared.categories import Attendance, Category

TITLES: dict[Category, str] = {
    Category.FINAL_MARK: "Итоговые отметки",
    Category.MARK: "Отметки",
    Category.FORECAST: "Прогноз итоговых отметок",
    Category.ATTENDANCE: "Посещаемость",
    Category.REMARK: "Слово учителя",
    Category.HOMEWORK: "Домашние задания",
    Category.LESSON: "Изменения в расписании",
    Category.ASSESSMENT: "Контрольные и проверочные работы",
    Category.ANNOUNCEMENT: "Объявления",
}
"""Sections of a letter, in the order they are read."""

SUBJECTS: dict[Category, str] = {
    Category.FINAL_MARK: "итоговая отметка",
    Category.MARK: "отметка",
    Category.FORECAST: "прогноз итоговой отметки",
    Category.ATTENDANCE: "посещаемость",
    Category.REMARK: "слово учителя",
    Category.HOMEWORK: "домашнее задание",
    Category.LESSON: "изменение в расписании",
    Category.ASSESSMENT: "контрольная работа",
    Category.ANNOUNCEMENT: "объявление",
}
"""What an urgent letter is about. No value: subjects show on locked screens (R-D3)."""

ATTENDANCE: dict[Attendance, str] = {
    Attendance.PRESENT: "присутствие на уроке",
    Attendance.ABSENT: "отсутствие на уроке",
    Attendance.ABSENT_ILL: "отсутствие по болезни",
    Attendance.ABSENT_EXCUSED: "отсутствие по уважительной причине",
    Attendance.ABSENT_UNEXCUSED: "отсутствие без уважительной причины",
    Attendance.LATE: "опоздание",
    Attendance.EXEMPT: "освобождение от урока",
    Attendance.REMOTE: "дистанционное обучение",
}
ATTENDANCE_SHORT: dict[Attendance, str] = {
    Attendance.PRESENT: "присутствие",
    Attendance.LATE: "опоздание",
    Attendance.EXEMPT: "освобождение",
    Attendance.REMOTE: "дистанционно",
}
"""For SMS and push; every absence is only «пропуск» there: the reason may be about health (R-D3)."""
ABSENCE_SHORT = "пропуск"

LESSON_CHANGES: dict[str, str] = {
    "cancelled": "урок отменён",
    "moved": "урок перенесён",
    "substituted": "замена урока",
    "room": "другой кабинет",
}
LESSON_CHANGED = "изменение урока"

REMARKS: dict[str, str] = {
    "remark": "замечание",
    "praise": "благодарность",
    "recommendation": "рекомендация",
}
REMARK = "запись учителя"

PERIODS: dict[str, str] = {
    "quarter": "четверть",
    "trimester": "триместр",
    "half_year": "полугодие",
    "year": "год",
    "exam": "экзамен",
    "contest": "олимпиада или конкурс",
    "attestation": "аттестация",
}
"""For a period the journal gave no name."""

POSTPONED = "отложена"
