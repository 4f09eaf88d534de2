"""Names in Russian order, dates and numbers as Russian readers expect them."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from print_queue import russian


def plain(text: str) -> str:
    return text.replace(russian.NBSP, " ")


def test_yo_stands_after_ye_and_not_before_a() -> None:
    names = ["Жуков", "Ёлкина", "Егорова", "Абрамов", "елисеев", "Яковлев"]
    assert sorted(names, key=russian.collation_key) == [
        "Абрамов",
        "Егорова",
        "елисеев",
        "Ёлкина",
        "Жуков",
        "Яковлев",
    ]


def test_a_shorter_surname_stands_first() -> None:
    names = ["Кимова Анна", "Ким Юлия", "Ким-Ли Ада"]
    assert sorted(names, key=russian.collation_key) == ["Ким Юлия", "Ким-Ли Ада", "Кимова Анна"]


def test_tatar_letters_stand_beside_their_russian_ones() -> None:
    assert sorted(["Бикова", "Әминева", "Аминова"], key=russian.collation_key) == [
        "Аминова",
        "Әминева",
        "Бикова",
    ]


@given(st.lists(st.text()))
def test_any_names_can_be_ordered(names: list[str]) -> None:
    once = sorted(names, key=russian.collation_key)
    assert sorted(once, key=russian.collation_key) == once


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        (date(2026, 11, 23), date(2026, 11, 28), "23–28 ноября 2026 г."),
        (date(2026, 11, 30), date(2026, 12, 5), "30 ноября — 5 декабря 2026 г."),
        (date(2026, 12, 28), date(2027, 1, 2), "28 декабря 2026 г. — 2 января 2027 г."),
        (date(2026, 9, 1), date(2026, 9, 1), "1 сентября 2026 г."),
    ],
)
def test_period(first: date, last: date, text: str) -> None:
    assert plain(russian.period(first, last)) == text


def test_a_day_never_parts_with_its_month() -> None:
    assert russian.weekday_and_day(date(2026, 11, 23)) == "пн, 23\u00a0ноября"
    assert russian.short_day(date(2026, 11, 23)) == "пн\u00a023.11"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 листов"),
        (1, "1 лист"),
        (3, "3 листа"),
        (5, "5 листов"),
        (11, "11 листов"),
        (21, "21 лист"),
        (112, "112 листов"),
    ],
)
def test_counted(number: int, text: str) -> None:
    assert plain(russian.counted(number, "лист", "листа", "листов")) == text


def test_decimal_has_a_comma() -> None:
    assert [russian.decimal(Decimal(text)) for text in ("4.35", "4.5", "2", "3.666")] == [
        "4,35",
        "4,5",
        "2",
        "3,67",
    ]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("7Б", "7 «Б»"),
        ("7-б", "7 «Б»"),
        ("10 «А»", "10 «А»"),
        ("11", "11"),
        ("Подготовительный", "Подготовительный"),
    ],
)
def test_quoted_class(name: str, shown: str) -> None:
    assert plain(russian.quoted_class(name)) == shown


@pytest.mark.parametrize(
    ("given_name", "patronymic", "text"),
    [
        ("Анна", "Сергеевна", "Уважаемая Анна Сергеевна!"),
        ("Пётр", "Ильич", "Уважаемый Пётр Ильич!"),
        ("Гүзәл", "Рәшит кызы", "Уважаемая Гүзәл Рәшит кызы!"),
        ("Мамед", "Али оглы", "Уважаемый Мамед Али оглы!"),
        ("Ким", "", "Здравствуйте, Ким!"),
        ("", "", "Здравствуйте!"),
    ],
)
def test_greeting_claims_no_gender_it_does_not_know(given_name: str, patronymic: str, text: str) -> None:
    assert plain(russian.greeting(given_name, patronymic)) == text
