"""A cell of a school's list: cleaned, checked, or refused with a reason for a person (DESIGN §4)."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

LONGEST_ID = 255
LONGEST_TEXT = 4096
"""A browser's PushSubscription is the longest that is meant; past this, quotes went wrong."""

# Zero-width, bidi controls, soft hyphen and BOM: invisible in a list, different for a computer.
INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")
_YES_NO = {
    "yes": True,
    "да": True,
    "true": True,
    "1": True,
    "no": False,
    "нет": False,
    "false": False,
    "0": False,
}
_DATES = ("%Y-%m-%d", "%d.%m.%Y")


class Unfit(Exception):
    """Why a row, or a whole file, cannot be taken; the text is for the school's IT."""


class Cells:
    """One row's cleaned cells by column; every method raises Unfit with a reason for a person.

    `today`: the latest date that can be past. `cleaned`: invisible characters were dropped from a cell.
    """

    def __init__(self, columns: Mapping[str, int], row: list[str], today: date) -> None:
        self.cleaned = False
        self._columns, self._row, self._today = columns, row, today

    def text(self, column: str) -> str | None:
        """The cell without invisible characters, whitespace made plain; None when empty or absent."""
        at = self._columns.get(column)
        if at is None or at >= len(self._row):
            return None
        value = self._row[at]
        if len(value) > LONGEST_TEXT:
            raise Unfit(f"значение в столбце {column} длиннее {LONGEST_TEXT} знаков: проверьте кавычки")
        if value.isascii() and value.isprintable():
            return (" ".join(value.split()) if " " in value else value) or None
        seen = INVISIBLE.sub("", value)
        self.cleaned |= seen != value
        value = unicodedata.normalize("NFC", seen)
        value = " ".join(value.split())
        if not value.replace(" ", "").isprintable():
            raise Unfit(f"в столбце {column} есть непечатный знак: наберите значение заново")
        return value or None

    def need(self, column: str) -> str:
        value = self.text(column)
        if value is None:
            raise Unfit(f"не заполнен столбец {column}")
        return value

    def id(self, column: str) -> str:
        value = self.need(column)
        if len(value) > LONGEST_ID:
            raise Unfit(f"значение в столбце {column} длиннее {LONGEST_ID} знаков")
        return value

    def choice(self, column: str, allowed: Collection[str]) -> str:
        value = self.need(column).lower()
        if value not in allowed:
            raise Unfit(f"в столбце {column} значение «{value}», а можно: {', '.join(allowed)}")
        return value

    def number(self, column: str, allowed: Collection[int]) -> int | None:
        value = self.text(column)
        if value is None:
            return None
        if value not in {str(number) for number in allowed}:
            raise Unfit(f"в столбце {column} значение «{value}», а можно: {', '.join(map(str, allowed))}")
        return int(value)

    def yes(self, column: str) -> bool | None:
        value = self.text(column)
        if value is not None and value.lower() not in _YES_NO:
            raise Unfit(f"в столбце {column} значение «{value}», а можно: yes или no")
        return _YES_NO[value.lower()] if value is not None else None

    def words(self, column: str) -> list[str] | None:
        """Values separated by spaces, commas or semicolons, each once, in order; None when empty."""
        words = [word for word in re.split(r"[\s,;]+", self.text(column) or "") if word]
        return list(dict.fromkeys(words)) or None

    def day(self, column: str) -> date | None:
        value = self.text(column)
        return _date(value, column) if value is not None else None

    def need_day(self, column: str) -> date:
        return _date(self.need(column), column)

    def past_day(self, column: str) -> date | None:
        """A date of something that has happened."""
        day = self.day(column)
        return self._past(day, column) if day is not None else None

    def need_past_day(self, column: str) -> date:
        return self._past(self.need_day(column), column)

    def _past(self, day: date, column: str) -> date:
        if day > self._today:
            raise Unfit(f"в столбце {column} день {day:%d.%m.%Y}, он ещё не наступил: проверьте год")
        return day

    def past_instant(self, column: str, zone: ZoneInfo) -> datetime | None:
        """A past date or a date with time; without an offset it is the school's own time."""
        value = self.text(column)
        if value is None:
            return None
        day, _, clock = value.replace("T", " ", 1).partition(" ")
        try:
            at = datetime.combine(_date(day, column), time.fromisoformat(clock.replace(" ", "")))
        except ValueError as wrong:
            if clock:
                raise Unfit(
                    f"в столбце {column} значение «{value}», а нужно время, например 2026-09-01 10:00"
                ) from wrong
            at = datetime.combine(_date(day, column), time())
        self._past(at.date(), column)
        return at.replace(tzinfo=at.tzinfo or zone)


def in_order(earlier: date | None, later: date | None, words: str) -> None:
    """Raises Unfit when both dates are there and the second is before the first."""
    if earlier is not None and later is not None and later < earlier:
        raise Unfit(f"{words}: {later:%d.%m.%Y} раньше, чем {earlier:%d.%m.%Y}")


def latest_today(now: datetime) -> date:
    """Today's date where the day begins first on Earth: no school is ahead of it."""
    return (now.astimezone(UTC) + timedelta(hours=14)).date()


@lru_cache(maxsize=4096)
def _day(value: str) -> date | None:
    """Lists repeat their dates, and reading one is the dearest thing in a row."""
    for form in _DATES:
        try:
            day = datetime.strptime(value, form).date()  # noqa: DTZ007 - a date has no zone
        except ValueError:
            continue
        if 1900 <= day.year <= 2100:
            return day
    return None


def _date(value: str, column: str) -> date:
    if (day := _day(value)) is not None:
        return day
    raise Unfit(f"в столбце {column} значение «{value}», а нужна дата, например 2026-09-01 или 01.09.2026")
