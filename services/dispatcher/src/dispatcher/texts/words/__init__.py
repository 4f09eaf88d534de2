"""What messages say by themselves, one object a language; a school's own words stay as it wrote them."""

from dispatcher.texts.words.contract import Words
from dispatcher.texts.words.english import ENGLISH
from dispatcher.texts.words.russian import RUSSIAN

__all__ = ["LANGUAGES", "Words", "of"]

LANGUAGES: dict[str, Words] = {words.code: words for words in (RUSSIAN, ENGLISH)}


def of(language: str) -> Words:
    """The words for a guardian's `language`; Russian for one that has none here."""
    return LANGUAGES.get(language.partition("-")[0], RUSSIAN)
