"""R-C11: blank forms a family can fill in, two leaves printed on both sides."""

import io
from datetime import date

from pypdf import PdfReader

from dispatcher.desk.blanks import WORDING, Child, applications, invitations, items_to_tick
from shared.consent import ITEMS

TODAY = date(2026, 9, 12)
SCHOOL = "МБОУ Ильинская СОШ"
OWN = {"1": ("1.3",), "2": ("4.3", "4.6"), "3": ("6.9", "6.12"), "4": ()}


def pages(pdf: bytes) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages]


def test_the_sheet_has_every_item_in_its_own_words() -> None:
    """001 Appendix 2, 1.1 to 6.15."""
    assert set(WORDING) == ITEMS
    *_, sheet = pages(invitations([None], school=SCHOOL, unmarked=False, form={}, today=TODAY))
    for item, said in WORDING.items():
        assert f"{item} {said}" in sheet, item
    assert "в течение 10 (десяти) рабочих дней" in sheet


def test_each_family_begins_on_a_leaf_of_its_own() -> None:
    found = pages(
        invitations(
            [Child("Ковалёв Артём Игоревич", "7Б"), None], school=SCHOOL, unmarked=False, form={}, today=TODAY
        )
    )
    assert len(found) == 8, "invitation and application, consent sheet on both sides; twice"
    first, second = found[:4], found[4:]
    assert "Школьные новости" in first[0]
    assert "Школьные новости" in second[0]
    assert "ЗАЯВЛЕНИЕ" in first[1]
    assert "Ковалёв Артём Игоревич" in first[1]
    assert "7 «Б»" in first[2]
    assert not any("Ковалёв" in page for page in (first[0], *second)), "nobody's name where none is meant"


def test_a_class_without_marks_is_promised_none() -> None:
    """R-A10."""
    marked, unmarked = (
        pages(invitations([None], school=SCHOOL, unmarked=one, form={}, today=TODAY))[0]
        for one in (False, True)
    )
    assert "об отметках" in marked
    assert "отметк" not in unmarked
    assert "домашн" not in unmarked


def test_a_schools_own_sheet_names_its_own_items() -> None:
    assert items_to_tick({}) == {
        "email": "1.3, 4.3, 6.9",
        "phone": "1.3, 4.3, 6.8, 6.9",
        "paper": "4.3, 6.10",
        "attestation": "4.6",
    }
    assert items_to_tick(OWN) == {
        "email": "1, 2, 3",
        "phone": "нет в листе",
        "paper": "нет в листе",
        "attestation": "2",
    }
    *_, sheet = pages(invitations([None], school=SCHOOL, unmarked=False, form=OWN, today=TODAY))
    assert "1 Информация для связи" in sheet
    assert "6.10" not in sheet


def test_the_application_alone() -> None:
    (page,) = pages(applications([Child("Ковалёв Артём", "7Б")], school=SCHOOL, today=TODAY))
    assert "ЗАЯВЛЕНИЕ" in page
    assert page.count("Ковалёв Артём") == 2
