"""What a lawyer reads in the docs is what the program does (R-C4)."""

from pathlib import Path

from shared.categories import Channel
from shared.consent import ITEMS, MATRIX
from shared.consent_items import TITLES, Meaning, Section, Titled
from shared.consent_page import SUBJECTS, WAYS, page
from shared.web.language import Language, Texts

PAGE = Path(__file__).parents[3] / "docs" / "consent.md"


def test_the_page_in_the_docs_is_the_table_in_the_code() -> None:
    """R-C4: after a change of the table, `python -m shared.consent_page > docs/consent.md`."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_row_way_and_item_has_its_words() -> None:
    assert set(SUBJECTS) == set(MATRIX)
    assert {*WAYS} == {*Channel, "page"} == {way for row in MATRIX.values() for way in row}
    assert set(TITLES) == ITEMS


def test_alternatives_are_said_as_such() -> None:
    assert str(Titled(("6.9/6.12",))).count(" или ") == 1
    assert str(Titled(("withdrawn",))) == "withdrawn"


def test_what_is_put_together_is_said_in_the_reader_s_language() -> None:
    say = Texts("dispatcher", Language.EN).say
    lacks = "лист без %(missing)s"
    assert say(lacks, missing=Titled(("4.3", "6.9/6.12"))) == (
        "лист без 4.3 (marks), 6.9 (sending marks and attendance by e-mail) or "
        "6.12 (disclosure and access in another way)"
    )
    assert say(Section("4")) == "4. Education"
    assert say(Meaning(("1.3", "4.3"))) == "contact details; marks"
    assert str(Meaning(())) == "—"
