"""Russian: every word that messages say by themselves outside the templates."""

from collections.abc import Sequence
from datetime import date

from dispatcher.texts import courses, russian
from dispatcher.texts.words.abbreviations import ABBREVIATIONS
from dispatcher.texts.words.contract import Words
from shared.categories import Attendance, Category

_NBSP = russian.NBSP


class Russian(Words):
    code = "ru"

    titles = {
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
    subjects = {
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
    attendance = {
        Attendance.PRESENT: "присутствие на уроке",
        Attendance.ABSENT: "отсутствие на уроке",
        Attendance.ABSENT_ILL: "отсутствие по болезни",
        Attendance.ABSENT_EXCUSED: "отсутствие по уважительной причине",
        Attendance.ABSENT_UNEXCUSED: "отсутствие без уважительной причины",
        Attendance.LATE: "опоздание",
        Attendance.EXEMPT: "освобождение от урока",
        Attendance.REMOTE: "дистанционное обучение",
    }
    attendance_short = {
        Attendance.PRESENT: "присутствие",
        Attendance.LATE: "опоздание",
        Attendance.EXEMPT: "освобождение",
        Attendance.REMOTE: "дистанционно",
    }
    absence_short = "пропуск"
    lesson_changes = {
        "cancelled": "урок отменён",
        "moved": "урок перенесён",
        "substituted": "замена урока",
        "room": "другой кабинет",
    }
    lesson_changed = "изменение урока"
    remarks = {"remark": "замечание", "praise": "благодарность", "recommendation": "рекомендация"}
    remark = "запись учителя"
    periods = {
        "quarter": "четверть",
        "trimester": "триместр",
        "half_year": "полугодие",
        "year": "год",
        "exam": "экзамен",
        "contest": "олимпиада или конкурс",
        "attestation": "аттестация",
    }
    postponed = "отложена"
    labels = {
        "correction": "исправление",
        "course": "предмет",
        "when": "дата",
        "due_when": "срок",
        "lesson": "урок",
        "what": "вид работы",
        "weight": "вес",
        "topic": "тема",
        "comment": "комментарий",
        "period": "период",
        "average": "средний балл",
        "author": "автор",
        "title": "заголовок",
    }
    abbreviations = ABBREVIATIONS
    ellipsis = "…"

    correction = "Исправление."
    updated = "Запись обновлена."
    earlier_text = "Раньше было так:"
    told_before = "Раньше мы сообщали:"
    empty_week = "На этой неделе в журнале записей не было."
    nothing_new = "Новых записей в журнале нет."
    not_yours = "Не ваш ребёнок? Сообщите в школу."
    mistake = "Письмо попало к вам по ошибке?"
    mistake_todo = (
        "Если вы не знаете никого из названных здесь детей, сообщите нам об этом: писем больше не будет."
    )
    not_mine = "Это не мой ребёнок"
    because = (
        "Вы получили это письмо, потому что подписали в школе согласие на обработку персональных данных "
        "и разрешили писать на этот адрес."
    )
    own_page = "Что и куда вам отправлено"
    unsubscribe = "Отписаться от писем"
    unsubscribed = (
        "После отказа от писем сведения будут приходить другим разрешённым вами способом или на бумаге."
    )
    lead_fixed = "Исправление в журнале"
    lead_one = "Новая запись в журнале"
    lead_many = "Новые записи в журнале"
    about_many = "новые записи в журнале"

    def greeting(self, polite: str) -> str:
        return f"Здравствуйте, {polite.replace(' ', russian.NBSP)}!" if polite else "Здравствуйте!"

    def day(self, value: date) -> str:
        return russian.day(value)

    def weekday(self, value: date) -> str:
        return russian.weekday(value)

    def weekday_short(self, value: date) -> str:
        return russian.weekday_and_day(value)

    def dated(self, value: date) -> str:
        return russian.dated(value)

    def short_day(self, value: date) -> str:
        return russian.short_day(value)

    def due(self, value: date) -> str:
        return russian.by_weekday(value)

    def week(self, first: date, last: date) -> str:
        return f"неделя {russian.period(first, last)}"

    def journal_of(self, value: date) -> str:
        return f"Журнал за {russian.day(value)}"

    def journal_of_week(self, first: date, last: date) -> str:
        return f"Журнал за неделю {russian.period(first, last)}"

    def no_entries(self, week: str) -> str:
        return f"{russian.capitalised(week)}: записей не было"

    def decimal(self, value: object) -> str:
        return russian.decimal(value)

    def enumeration(self, parts: Sequence[str]) -> str:
        return russian.enumeration(parts)

    def and_more(self, count: int) -> str:
        return f"и ещё {count}"

    def quoted(self, value: str) -> str:
        return courses.quoted(value)

    def school_class(self, name: str) -> str:
        return russian.quoted_class(name)

    def lesson(self, number: str) -> str:
        return f"{number}{russian.NBHYPHEN}й{russian.NBSP}урок" if number.isdigit() else f"урок {number}"

    def room(self, name: str) -> str:
        return f"кабинет{russian.NBSP}{name}"

    def course(self, name: str) -> str:
        return name

    def inner_course(self, name: str) -> str:
        return courses.within(name)

    def by_course(self, name: str) -> str:
        return courses.by(name)

    def work(self, kind: str) -> str:
        return kind

    def period(self, name: str) -> str:
        return name

    def difference(self, label: str, before: str, after: str) -> str:
        if before == self.postponed:
            said = f"раньше была отложена, теперь {after}"
        elif after == self.postponed:
            said = f"было{_NBSP}{before}, теперь отложена"
        elif before and after:
            said = f"было{_NBSP}{before}, стало{_NBSP}{after}"
        elif after:
            said = f"раньше не было, стало{_NBSP}{after}"
        else:
            said = f"было{_NBSP}{before}, теперь не указано"
        said = said if said.endswith(".") else f"{said}."
        return russian.capitalised(f"{label}: {said}" if label else said)


RUSSIAN = Russian()
