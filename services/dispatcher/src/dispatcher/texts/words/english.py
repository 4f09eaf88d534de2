"""English: the same messages for guardians whose `language` is `en`. Names, topics and texts stay as the
school wrote them; subjects of the school plan, kinds of work and periods are said in English."""

import re
from collections.abc import Sequence
from datetime import date

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

from dispatcher.texts import courses
from dispatcher.texts.words.contract import Words
from shared.categories import Attendance, Category

_EN = Locale.parse("en_GB")
_NBSP = "\u00a0"
_PERIOD = re.compile(r"(\S+)[- ](четверть|триместр|полугодие)", re.IGNORECASE)
_WORKS = {
    "диктант": "dictation",
    "домашнее задание": "homework",
    "домашняя работа": "homework",
    "зачёт": "pass/fail test",
    "изложение": "retelling",
    "контрольная работа": "test",
    "лабораторная работа": "lab work",
    "ответ на уроке": "answer in class",
    "практическая работа": "practical work",
    "проверочная работа": "short test",
    "проект": "project",
    "работа на уроке": "work in class",
    "самостоятельная работа": "independent work",
    "словарный диктант": "vocabulary dictation",
    "сочинение": "essay",
    "тест": "quiz",
    "экзамен": "exam",
}


class English(Words):
    code = "en"

    titles = {
        Category.FINAL_MARK: "Final marks",
        Category.MARK: "Marks",
        Category.FORECAST: "Forecast of final marks",
        Category.ATTENDANCE: "Attendance",
        Category.REMARK: "From the teachers",
        Category.HOMEWORK: "Homework",
        Category.LESSON: "Timetable changes",
        Category.ASSESSMENT: "Tests ahead",
        Category.ANNOUNCEMENT: "Announcements",
    }
    subjects = {
        Category.FINAL_MARK: "final mark",
        Category.MARK: "mark",
        Category.FORECAST: "forecast of a final mark",
        Category.ATTENDANCE: "attendance",
        Category.REMARK: "a teacher's note",
        Category.HOMEWORK: "homework",
        Category.LESSON: "timetable change",
        Category.ASSESSMENT: "test",
        Category.ANNOUNCEMENT: "announcement",
    }
    attendance = {
        Attendance.PRESENT: "present in class",
        Attendance.ABSENT: "absent from class",
        Attendance.ABSENT_ILL: "absent: illness",
        Attendance.ABSENT_EXCUSED: "absent: excused",
        Attendance.ABSENT_UNEXCUSED: "absent: unexcused",
        Attendance.LATE: "late for class",
        Attendance.EXEMPT: "exempt from class",
        Attendance.REMOTE: "learning remotely",
    }
    attendance_short = {
        Attendance.PRESENT: "present",
        Attendance.LATE: "late",
        Attendance.EXEMPT: "exempt",
        Attendance.REMOTE: "remote",
    }
    absence_short = "absent"
    lesson_changes = {
        "cancelled": "lesson cancelled",
        "moved": "lesson moved",
        "substituted": "lesson substituted",
        "room": "another room",
    }
    lesson_changed = "lesson changed"
    remarks = {"remark": "remark", "praise": "praise", "recommendation": "recommendation"}
    remark = "teacher's note"
    periods = {
        "quarter": "quarter",
        "trimester": "trimester",
        "half_year": "half-year",
        "year": "year",
        "exam": "exam",
        "contest": "contest",
        "attestation": "attestation",
    }
    postponed = "postponed"
    labels = {
        "correction": "correction",
        "course": "subject",
        "when": "date",
        "due_when": "due date",
        "lesson": "lesson",
        "what": "kind of work",
        "weight": "weight",
        "topic": "topic",
        "comment": "comment",
        "period": "period",
        "average": "average",
        "author": "author",
        "title": "title",
    }
    abbreviations = {
        "fundamentals of security and defence": "security",
        "moral and spiritual culture of russia": "moral culture",
        "religions and secular ethics": "religions, ethics",
        "algebra and calculus": "algebra",
        "probability and statistics": "probability",
        "physical education": "PE",
        "foreign language": "foreign lang.",
        "native language": "native lang.",
        "recommendation": "recomm.",
        "russian language": "Russian",
        "computer science": "IT",
        "announcement": "announc.",
        "correction": "corr.",
        "final mark": "fin. mark",
        "half-year": "half",
    }
    ellipsis = "..."  # the one sign would cost the whole text its Latin alphabet: 70 letters instead of 160

    correction = "Correction."
    updated = "The entry was updated."
    earlier_text = "It used to say:"
    told_before = "We told you before:"
    empty_week = "There were no entries in the journal this week."
    nothing_new = "There are no new entries in the journal."
    not_yours = "Not your child? Please tell the school."
    mistake = "Did this letter reach you by mistake?"
    mistake_todo = "If you know none of the children named here, tell us, and no more letters will come."
    not_mine = "This is not my child"
    because = (
        "You received this letter because you signed the school's consent to the processing of personal data "
        "and allowed writing to this address."
    )
    own_page = "What was sent to you and where"
    unsubscribe = "Unsubscribe from letters"
    unsubscribed = "After that the school will tell you in another way that you allowed, or on paper."
    lead_fixed = "A correction in the journal"
    lead_one = "A new entry in the journal"
    lead_many = "New entries in the journal"
    about_many = "new entries in the journal"

    def greeting(self, polite: str) -> str:
        return f"Hello, {polite.replace(' ', _NBSP)}!" if polite else "Hello!"

    def day(self, value: date) -> str:
        return _said(value, "d MMMM")

    def weekday(self, value: date) -> str:
        return f"{_said(value, 'EEEE')}, {self.day(value)}"

    def weekday_short(self, value: date) -> str:
        return f"{_said(value, 'EEE')}, {_said(value, 'd MMM')}"

    def dated(self, value: date) -> str:
        return f"{self.day(value)} ({_said(value, 'EEEE')})"

    def short_day(self, value: date) -> str:
        return _said(value, "d MMM")

    def due(self, value: date) -> str:
        return f"for {self.weekday(value)}"

    def week(self, first: date, last: date) -> str:
        if (first.year, first.month) == (last.year, last.month):
            return f"week of {first.day}–{self.day(last)}"
        return f"week of {self.day(first)} – {self.day(last)}"

    def journal_of(self, value: date) -> str:
        return f"Journal of {self.day(value)}"

    def journal_of_week(self, first: date, last: date) -> str:
        return f"Journal of the {self.week(first, last)}"

    def no_entries(self, week: str) -> str:
        return f"{week[:1].upper()}{week[1:]}: no entries"

    def decimal(self, value: object) -> str:
        try:
            return str(format_decimal(str(value).replace(",", "."), format="0.##", locale=_EN))
        except (ArithmeticError, ValueError):
            return str(value)

    def enumeration(self, parts: Sequence[str]) -> str:
        return " and ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)

    def and_more(self, count: int) -> str:
        return f"and {count} more"

    def quoted(self, value: str) -> str:
        return f'"{value}"'

    def school_class(self, name: str) -> str:
        return name

    def lesson(self, number: str) -> str:
        return f"lesson{_NBSP}{number}"

    def room(self, name: str) -> str:
        return f"room{_NBSP}{name}"

    def course(self, name: str) -> str:
        said = courses.english(name)
        return f"{said[:1].upper()}{said[1:]}"

    def inner_course(self, name: str) -> str:
        return courses.english(name)

    def by_course(self, name: str) -> str:
        return f"in {courses.english(name)}"

    def work(self, kind: str) -> str:
        return _WORKS.get(kind.casefold(), kind)

    def period(self, name: str) -> str:
        name = re.sub(r"(\S+) учебный год", r"school year \1", name)
        found = _PERIOD.fullmatch(name)
        if found is None:
            return name
        what = {"четверть": "quarter", "триместр": "trimester", "полугодие": "half-year"}[found[2].lower()]
        return f"{what} {found[1].removesuffix('-я').removesuffix('-й').removesuffix('-е')}"

    def difference(self, label: str, before: str, after: str) -> str:
        if before and after:
            said = f"was {before}, now {after}"
        elif after:
            said = f"was not there before, now {after}"
        else:
            said = f"was {before}, now not stated"
        said = said if said.endswith(".") else f"{said}."
        said = f"{label}: {said}" if label else said
        return f"{said[:1].upper()}{said[1:]}"


def _said(value: date, how: str) -> str:
    return format_date(value, how, locale=_EN).replace(" ", _NBSP)


ENGLISH = English()
