"""What is taught: courses by grade, their topics, kinds of work and homework, and the day's bells."""

import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.journal.school import Class

LESSONS_A_DAY = 5
FIRST_BELL = time(8, 30)
LESSON, BREAK = timedelta(minutes=45), timedelta(minutes=10)

TEACHERS = {
    "Русский язык": "Тёплых А. С.",
    "Литература": "Тёплых А. С.",
    "Литературное чтение": "Тёплых А. С.",
    "Математика": "Корнеева Л. П.",
    "Алгебра": "Корнеева Л. П.",
    "Геометрия": "Корнеева Л. П.",
    "Английский язык": "Уиллоу Е. М.",
    "История": "Летописцев Р. И.",
    "Биология": "Полынина О. Ю.",
    "Физика": "Маятников Г. В.",
    "Химия": "Ртищева И. К.",
    "География": "Меридианов П. П.",
    "Окружающий мир": "Полынина О. Ю.",
    "Физическая культура": "Стадионов Т. А.",
}
PRIMARY = ("Русский язык", "Литературное чтение", "Математика", "Окружающий мир", "Физическая культура")
MIDDLE = (
    "Русский язык",
    "Литература",
    "Математика",
    "Английский язык",
    "История",
    "Биология",
    "География",
    "Физическая культура",
)
SENIOR = (
    "Русский язык",
    "Литература",
    "Алгебра",
    "Геометрия",
    "Английский язык",
    "История",
    "Физика",
    "Химия",
    "Биология",
    "Физическая культура",
)
TOPICS: dict[str, tuple[str, ...]] = {
    "Русский язык": ("Причастный оборот", "Правописание «не» с глаголами", "Сложное предложение"),
    "Литература": ("«Дубровский»: герои и время", "Лирика Тютчева", "Басни Крылова"),
    "Литературное чтение": ("Сказки о животных", "Стихи об осени", "Рассказы о детях"),
    "Математика": ("Сложение дробей", "Проценты", "Координатный луч"),
    "Алгебра": ("Квадратные неравенства", "Системы уравнений", "Арифметическая прогрессия"),
    "Геометрия": ("Теорема синусов", "Площадь круга", "Векторы"),
    "Английский язык": ("Past Simple: неправильные глаголы", "My Town", "Travelling by train"),
    "История": ("Древняя Русь в XI веке", "Реформы Петра I", "Смутное время"),
    "Биология": ("Строение клетки", "Лист и его функции", "Обмен веществ"),
    "Физика": ("Второй закон Ньютона", "Импульс тела", "Свободное падение"),
    "Химия": ("Растворимость солей", "Ряд активности металлов", "Реакции обмена"),
    "География": ("Рельеф и полезные ископаемые", "Климатические пояса", "Реки России"),
    "Окружающий мир": ("Времена года", "Правила перехода улицы", "Домашние животные"),
    "Физическая культура": ("Лыжная подготовка", "Волейбол: подача снизу", "Гимнастика"),
}
WORKS = (
    ("Ответ на уроке", 1.0),
    ("Самостоятельная работа", 1.5),
    ("Контрольная работа", 2.0),
    ("Проект", 1.8),
)
VALUES = ("5", "5", "4", "4", "4", "4-", "3", "3", "5-", "4/5", "2", "зач", "н/а")
COMMENTS = {
    "5": ("", "", "", "Молодец!", "Лучшая работа в классе"),
    "4": ("", "", "", "Не хватило одного шага в решении", "Почти отлично"),
    "3": ("", "", "Повтори правило", "Есть ошибки в вычислениях"),
    "2": ("", "Пересдача в четверг", "Жду на консультации"),
}
"""What a teacher adds to a mark, by its first figure."""
HOMEWORK = (
    "§ 17, вопросы 1–3 устно, № 412 письменно",
    "Выучить наизусть, стр. 58",
    "Подготовить сообщение на две минуты",
    "Упр. 203, повторить правило",
    "№ 5.12–5.18, кроме чётных",
)


@dataclass(frozen=True, slots=True)
class Lesson:
    course: str
    day: date
    number: int
    topic: str
    zone: ZoneInfo

    @property
    def starts(self) -> datetime:
        bell = datetime.combine(self.day, FIRST_BELL, self.zone)
        return bell + (self.number - 1) * (LESSON + BREAK)

    @property
    def ends(self) -> datetime:
        return self.starts + LESSON

    def data(self) -> dict[str, Any]:
        """`course` and `lesson` of a change."""
        return {
            "course": course(self.course),
            "lesson": {"date": self.day.isoformat(), "number": self.number, "topic": self.topic},
        }


def course(name: str) -> dict[str, str]:
    return {"name": name, "teacher": TEACHERS[name]}


def courses(grade: int) -> tuple[str, ...]:
    return PRIMARY if grade <= 4 else MIDDLE if grade <= 8 else SENIOR


def timetable(group: Class, day: date, zone: ZoneInfo, rng: random.Random) -> list[Lesson]:
    """The class's lessons of a day: the same courses on the same weekday, fresh topics."""
    names = courses(group.grade)
    shift = day.weekday() * LESSONS_A_DAY + group.grade
    today = [names[(shift + number) % len(names)] for number in range(min(LESSONS_A_DAY, len(names)))]
    return [Lesson(name, day, number, rng.choice(TOPICS[name]), zone) for number, name in enumerate(today, 1)]
