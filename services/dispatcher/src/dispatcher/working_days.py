"""Russian working days, official transfers included (R-B8: ten of them).

The days come from the package `holidays`, which follows the government's yearly decree; a year it
does not know yet must be written into the settings, for a guessed calendar would miss a legal term.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache

from shared.errors import ForPeople
from shared.settings import YearOfWork

_LONGEST = 400
_DECREES = "special_public_holidays"
"""Where the package keeps the decree's days of a year; without them it would count by weekends alone."""


class YearMissing(ForPeople):
    """A year whose transfers of days off nobody has told us."""


@lru_cache(maxsize=16)
def _official(year: int) -> tuple[frozenset[date], frozenset[date]]:
    """Days off and working weekends of a year. Raises YearMissing."""
    from holidays import country_holidays  # noqa: PLC0415 - slow to load, and wanted for few pages

    known = country_holidays("RU", years=year)
    if year not in getattr(known, _DECREES, {}):
        raise YearMissing(
            f"Производственный календарь на {year} год ещё не известен программе: срок в рабочих днях "
            f"посчитать нельзя. Обновите Вестник или перечислите дни в vestnik.toml: [working_days.{year}] "
            'off = ["…"], working = ["…"].'
        )
    return frozenset(known), frozenset(day for day in known.weekend_workdays if day.year == year)


class WorkingDays:
    """`years`: what the installation says itself; it goes before what the package knows."""

    def __init__(self, years: Mapping[int, YearOfWork] | None = None) -> None:
        self._years = years or {}

    def works(self, day: date) -> bool:
        """Raises YearMissing."""
        if (own := self._years.get(day.year)) is not None:
            off, working = frozenset(own.off), frozenset(own.working)
        else:
            off, working = _official(day.year)
        return day in working or (day.weekday() < 5 and day not in off)

    def after(self, day: date, count: int) -> date:
        """The `count`-th working day after `day`, which itself does not count (191 ГК РФ)."""
        left = count
        for n in range(1, _LONGEST):
            candidate = day + timedelta(days=n)
            left -= self.works(candidate)
            if left == 0:
                return candidate
        raise ValueError(f"no {count} working days within {_LONGEST} days after {day}")

    def between(self, day: date, end: date) -> int:
        """Working days after `day` up to and including `end`; 0 when the end has passed."""
        return sum(self.works(day + timedelta(days=n)) for n in range(1, (end - day).days + 1))
