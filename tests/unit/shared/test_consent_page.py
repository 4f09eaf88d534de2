"""What a lawyer reads in the docs is what the program does (R-C4)."""

from pathlib import Path

from shared.categories import Channel
from shared.consent import ITEMS, MATRIX
from shared.consent_items import TITLES, titled
from shared.consent_page import SUBJECTS, WAYS, page

PAGE = Path(__file__).parents[3] / "docs" / "consent.md"


def test_the_page_in_the_docs_is_the_table_in_the_code() -> None:
    """R-C4: after a change of the table, `python -m shared.consent_page > docs/consent.md`."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_row_way_and_item_has_its_words() -> None:
    assert set(SUBJECTS) == set(MATRIX)
    assert {*WAYS} == {*Channel, "page"} == {way for row in MATRIX.values() for way in row}
    assert set(TITLES) == ITEMS


def test_alternatives_are_said_as_such() -> None:
    assert titled("6.9/6.12").count(" или ") == 1
    assert titled("withdrawn") == "withdrawn"
