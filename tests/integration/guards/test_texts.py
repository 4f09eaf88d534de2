"""Every text of every page has its English, with the same places for values."""

import re

import pytest
from babel.messages.pofile import read_po

from shared.web.catalogues import PACKAGES, catalogue_file, raw_russian, texts_of

PLACES = re.compile(r"%\(\w+\)s")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_text_has_its_english(package: str) -> None:
    """After a text changed: `python -m shared.web.catalogues`, then translate what is empty."""
    found, file = texts_of(package), catalogue_file(package)
    known = {}
    if file.exists():
        with file.open("rb") as source:
            known = {str(entry.id): str(entry.string) for entry in read_po(source, locale="en") if entry.id}
    assert {said for said in found if not known.get(said)} == set(), "not translated"
    assert set(known) - found == set(), "no page says it"
    for said, english in known.items():
        assert sorted(PLACES.findall(said)) == sorted(PLACES.findall(english)), said
        assert ("|" in said) == ("|" in english), said


@pytest.mark.parametrize("package", PACKAGES)
def test_no_template_speaks_past_the_catalogue(package: str) -> None:
    assert raw_russian(package) == set()


def test_the_search_finds_texts_wherever_pages_have_them() -> None:
    """In templates, in calls of macros, in code, in pieces joined by Python."""
    assert {"Добавить сотрудника", "Имя или логин", "Логин", "сотрудник|сотрудника|сотрудников"} <= texts_of(
        "dispatcher"
    )
    assert any(said.endswith("если его нет, на бумаге.") for said in texts_of("dispatcher"))
