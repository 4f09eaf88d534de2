"""Two languages: texts in code and templates are Russian, `locale/en.po` of each package says them in
English. The catalogue is read at start, so nothing compiled is kept; a text it lacks stays Russian.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import Any

from babel import Locale
from babel.messages.pofile import read_po

LOCALES = {"ru": Locale.parse("ru"), "en": Locale.parse("en_GB")}


class Language(StrEnum):
    RU = "ru"
    EN = "en"

    @property
    def locale(self) -> Locale:
        return LOCALES[self.value]


def mark(text: str) -> str:
    """Marks a text in Python for the catalogue; pages translate it where they show it."""
    return text


def choose(asked: str | None, kept: str | None, accepted: str | None) -> Language:
    """`?lang=`, else the cookie, else the first of our languages that the browser names, else Russian."""
    named = [part.split(";")[0].strip()[:2].lower() for part in (accepted or "").split(",")]
    return next((Language(one) for one in (asked, kept, *named) if one in LOCALES), Language.RU)


@lru_cache
def catalogue(package: str) -> Mapping[str, str]:
    """Russian → English of one package; empty when it has no catalogue."""
    file = files(package).joinpath("locale", "en.po")
    if not file.is_file():
        return {}
    with file.open("rb") as source:
        read = read_po(source, locale="en")
    return {str(entry.id): str(entry.string) for entry in read if entry.id and entry.string}


class Worded(ABC):
    """A text or a value put together of several texts, so that a page may say each in its language; `str`
    is the Russian."""

    @abstractmethod
    def said(self, say: Callable[[str], str]) -> str: ...

    def __str__(self) -> str:
        return self.said(str)


class Texts:
    """The texts of one package and of the common pages, in one language."""

    def __init__(self, package: str, language: Language) -> None:
        self._locale = language.locale
        self._known: Mapping[str, str] = (
            {} if language is Language.RU else {**catalogue("shared.web"), **catalogue(package)}
        )

    def say(self, text: str | Worded, **values: Any) -> str:
        """`_('Осталось %(n)s', n=3)`, in the page's language."""
        if isinstance(text, Worded):
            return text.said(self.say)
        said = self._known.get(text, text)
        if not values:
            return said
        return said % {
            name: value.said(self.say) if isinstance(value, Worded) else value
            for name, value in values.items()
        }

    def count(self, number: int, forms: str) -> str:
        """`count(5, 'семья|семьи|семей')` → «5 семей»: forms for 1, 2 and 5, or for 1 and 2 in English."""
        one, *rest = self.say(forms).split("|")
        form = {"one": one, "few": rest[0]}.get(self._locale.plural_form(number), rest[-1])
        return f"{number}\u00a0{form}"
