"""The little Russian grammar that a printed sheet needs: order of names, dates, plurals, greetings."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Literal

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

NBSP = "\u00a0"
_RU = Locale.parse("ru")
_ALPHABET = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
#: Letters of Tatar and Bashkir stand after the Russian letters they grew out of.
_AFTER = {"ә": "а", "ғ": "г", "ҙ": "з", "җ": "ж", "ҡ": "к", "ң": "н", "ө": "о", "ҫ": "с", "ү": "у", "һ": "х"}
_RANK = {letter: (index, 0) for index, letter in enumerate(_ALPHABET)} | {
    letter: (_ALPHABET.index(base), 1) for letter, base in _AFTER.items()
}

Gender = Literal["feminine", "masculine"]


def collation_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key of a Russian name: ё after е (not before А), case ignored, a space before any letter."""
    key = []
    for letter in name.casefold():
        rank = _RANK.get(letter)
        if rank is not None:
            key.append((2, rank[0] * 2 + rank[1], ""))
        else:
            # Spaces end a surname, so «Ким Юлия» stands before «Кимова Анна»; other letters follow Я.
            key.append(
                (0, 0, "") if letter.isspace() else (3, 0, letter) if letter.isalpha() else (1, 0, letter)
            )
    return tuple(key)


def day(value: date) -> str:
    """«23 ноября»; the number never parts with its month."""
    return format_date(value, "d MMMM", locale=_RU).replace(" ", NBSP)


def weekday_and_day(value: date) -> str:
    """«пн, 23 ноября»."""
    return f"{format_date(value, 'EEE', locale=_RU)}, {day(value)}"


def short_day(value: date) -> str:
    """«пн 23.11», for narrow columns."""
    return f"{format_date(value, 'EEE', locale=_RU)}{NBSP}{value:%d.%m}"


def full_day(value: date) -> str:
    """«23 ноября 2026 г.»."""
    return f"{day(value)}{NBSP}{value.year}{NBSP}г."


def period(first: date, last: date) -> str:
    """«23–28 ноября 2026 г.», «30 ноября — 5 декабря 2026 г.», «28 декабря 2026 г. — 2 января 2027 г.»."""
    if first == last:
        return full_day(first)
    if first.year != last.year:
        return f"{full_day(first)} — {full_day(last)}"
    if first.month != last.month:
        return f"{day(first)} — {full_day(last)}"
    return f"{first.day}–{full_day(last)}"


def counted(number: int, one: str, few: str, many: str) -> str:
    """«1 лист», «3 листа», «5 листов»."""
    form = {"one": one, "few": few}.get(_RU.plural_form(number), many)
    return f"{number}{NBSP}{form}"


def decimal(value: Decimal) -> str:
    """«4,35»: at most two digits after the comma."""
    return str(format_decimal(value, format="0.##", locale=_RU))


def quoted_class(name: str) -> str:
    """«7 «Б»» for «7Б», «7-Б» and «7 б»; any other name of a class stays as it is."""
    plain = name.replace(" ", "").replace("-", "").replace("«", "").replace("»", "")
    number = plain.rstrip("".join({letter for letter in plain if letter.isalpha()}))
    letter = plain[len(number) :]
    if number.isdigit() and len(letter) == 1:
        return f"{number}{NBSP}«{letter.upper()}»"
    return name


def gender(patronymic: str) -> Gender | None:
    """What a patronymic tells, Turkic ones included; None where it tells nothing."""
    ending = patronymic.casefold().strip()
    if ending.endswith(("на", "кызы", "кизи", "гызы", "ҡыҙы")):
        return "feminine"
    if ending.endswith(("ич", "оглы", "улы", "уулу")):
        return "masculine"
    return None


def greeting(given_name: str, patronymic: str) -> str:
    """«Уважаемая Анна Сергеевна!»; a greeting without gender where the patronymic does not tell."""
    if not given_name:
        return "Здравствуйте!"
    address = NBSP.join(part for part in (given_name, patronymic) if part)
    match gender(patronymic):
        case "feminine":
            return f"Уважаемая {address}!"
        case "masculine":
            return f"Уважаемый {address}!"
        case None:
            return f"Здравствуйте, {address}!"


def initials_glued(names: Iterable[str]) -> str:
    """Names in a row with initials that stay with their surname: «Петрова А. С., Ким Ю. В.»."""
    return ", ".join(
        name.replace(". ", f".{NBSP}").replace(" ", NBSP) if "." in name else name for name in names
    )
