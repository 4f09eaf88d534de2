"""Small grammar, as a teacher of Russian would check it."""

from datetime import date

import pytest

from dispatcher.texts import courses, russian
from dispatcher.texts.words.abbreviations import ABBREVIATIONS


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (date(2026, 11, 23), date(2026, 11, 28), "23–28 ноября"),
        (date(2026, 11, 30), date(2026, 12, 5), "30 ноября — 5 декабря"),
        (date(2026, 11, 23), date(2026, 11, 23), "23 ноября"),
    ],
)
def test_periods(first: date, last: date, said: str) -> None:
    assert russian.period(first, last).replace(russian.NBSP, " ") == said


def test_days() -> None:
    assert russian.weekday_and_day(date(2026, 11, 23)) == "пн, 23\u00a0ноября"


@pytest.mark.parametrize(
    ("names", "said"),
    [([], ""), (["Иван"], "Иван"), (["Иван", "Мария"], "Иван и Мария"), (["А", "Б", "В"], "А, Б и В")],
)
def test_enumerations(names: list[str], said: str) -> None:
    assert russian.enumeration(names) == said


@pytest.mark.parametrize(
    ("value", "said"), [(4.35, "4,35"), ("4.50", "4,5"), ("4,1", "4,1"), (2, "2"), ("—", "—")]
)
def test_decimals(value: object, said: str) -> None:
    assert russian.decimal(value) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [("7Б", "7 «Б»"), ("11-а", "11 «А»"), ("5 «в»", "5 «В»"), ("Подготовишки", "Подготовишки")],
)
def test_classes(name: str, said: str) -> None:
    assert russian.quoted_class(name).replace(russian.NBSP, " ") == said


def test_courses() -> None:
    assert courses.by("Алгебра") == "по алгебре"
    assert courses.by("РУССКИЙ ЯЗЫК") == "по русскому языку"
    assert courses.by("Робототехника") == "по предмету «Робототехника»"
    assert courses.within("Русский язык") == "русский язык"
    assert courses.within("ОБЗР") == "ОБЗР"


def test_quotes_inside_quotes() -> None:
    assert courses.quoted("Война и мир") == "«Война и мир»"
    assert courses.quoted("Роман «Война и мир»") == "«Роман „Война и мир“»"
    assert courses.quoted("«Родина»") == "«Родина»"


def test_weekdays_in_their_cases() -> None:
    wednesday = date(2026, 11, 25)
    assert russian.weekday(wednesday) == "среда, 25\u00a0ноября"
    assert russian.by_weekday(wednesday) == "на среду, 25\u00a0ноября"
    assert russian.by_weekday(date(2026, 11, 27)) == "на пятницу, 27\u00a0ноября"
    assert russian.dated(wednesday) == "25\u00a0ноября (среда)"


def test_the_tables_are_in_order_and_shorten() -> None:
    assert list(courses.COURSES) == sorted(courses.COURSES)
    lengths = [len(long) for long in ABBREVIATIONS]
    assert lengths == sorted(lengths, reverse=True)
    assert all(len(short) < len(long) for long, short in ABBREVIATIONS.items())
    assert all(long == long.casefold() for long in ABBREVIATIONS)
