"""The little Russian grammar of messages: dates, numbers, enumerations."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

NBSP = "\u00a0"
NBHYPHEN = "\u2011"
_RU = Locale.parse("ru")
_ACCUSATIVE = ("понедельник", "вторник", "среду", "четверг", "пятницу", "субботу", "воскресенье")


@lru_cache(maxsize=2048)
def day(value: date) -> str:
    """«23 ноября»; the number never parts with its month."""
    return format_date(value, "d MMMM", locale=_RU).replace(" ", NBSP)


@lru_cache(maxsize=2048)
def weekday_and_day(value: date) -> str:
    """«пн, 23 ноября»."""
    return f"{format_date(value, 'EEE', locale=_RU)}, {day(value)}"


@lru_cache(maxsize=2048)
def weekday(value: date) -> str:
    """«понедельник, 23 ноября»."""
    return f"{format_date(value, 'EEEE', locale=_RU)}, {day(value)}"


@lru_cache(maxsize=2048)
def by_weekday(value: date) -> str:
    """«на среду, 25 ноября»."""
    return f"на {_ACCUSATIVE[value.weekday()]}, {day(value)}"


@lru_cache(maxsize=2048)
def dated(value: date) -> str:
    """«23 ноября (понедельник)»: inside an enumeration."""
    return f"{day(value)} ({format_date(value, 'EEEE', locale=_RU)})"


def short_day(value: date) -> str:
    """«23.11», where every letter costs."""
    return f"{value:%d.%m}"


def period(first: date, last: date) -> str:
    """«23–28 ноября», «30 ноября — 5 декабря»."""
    if first == last:
        return day(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{day(last)}"
    return f"{day(first)} — {day(last)}"


@lru_cache(maxsize=1024)
def decimal(value: object) -> str:
    """«4,35» for a number or its text; any other text stays as it is."""
    try:
        return str(format_decimal(str(value).replace(",", "."), format="0.##", locale=_RU))
    except (ArithmeticError, ValueError):
        return str(value)


def enumeration(parts: Sequence[str]) -> str:
    """«Иван», «Иван и Мария», «Иван, Мария и Пётр»."""
    return " и ".join(part for part in (", ".join(parts[:-1]), *parts[-1:]) if part)


def capitalised(value: str) -> str:
    return value[:1].upper() + value[1:]


@lru_cache(maxsize=1024)
def quoted_class(name: str) -> str:
    """«7 «Б»» for «7Б», «7-Б» and «7 б»; any other name of a class stays as it is."""
    plain = name.translate({ord(char): None for char in " -«»\"'"})
    if plain[:-1].isdigit() and plain[-1:].isalpha():
        return f"{plain[:-1]}{NBSP}«{plain[-1].upper()}»"
    return name
