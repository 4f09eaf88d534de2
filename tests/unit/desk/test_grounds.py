"""R-C2: a refusal rests on the closed list and says what would mend it."""

import io
from dataclasses import asdict
from datetime import date
from typing import Any

import pytest
from pypdf import PdfReader

from dispatcher.desk.grounds import BY_KEY, GROUNDS
from dispatcher.desk.refusals import RefusalEntry, check_refusal, letter_of, letter_pdf

TODAY = date(2026, 11, 24)
ENTRY = RefusalEntry(
    number="12/2026",
    issued_on=TODAY,
    applicant="Ковалёва Ольга Петровна",
    about="предоставить доступ к электронному дневнику ученика Ковалёва Артёма, 7Б",
    grounds=("corrections", "no_birth_certificate"),
    officer="Секретарь учебной части Н. П. Седова",
)


def entry(**other: Any) -> RefusalEntry:
    return RefusalEntry(**{**asdict(ENTRY), **other})


def test_every_ground_has_its_clause_and_a_way_out() -> None:
    assert len(BY_KEY) == len(GROUNDS)
    for ground in GROUNDS:
        assert ground.clause.startswith("пункт"), ground.key
        assert all((ground.said, ground.bring, ground.title)), ground.key
        assert " " not in ground.key, "keys stand side by side in the register"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"number": " "}, "number"),
        ({"issued_on": date(2026, 11, 25)}, "issued_on"),
        ({"applicant": ""}, "applicant"),
        ({"about": " "}, "about"),
        ({"officer": "\x07"}, "officer"),
        ({"grounds": ()}, "grounds"),
        ({"grounds": ("because",)}, "grounds"),
        ({"details": "а" * 1001}, "details"),
    ],
)
def test_what_keeps_a_refusal_from_being_issued(wrong: dict[str, object], field: str) -> None:
    assert [one.field for one in check_refusal(entry(**wrong), today=TODAY)] == [field]
    assert check_refusal(ENTRY, today=TODAY) == []


def test_the_letter_says_all_that_001_asks_for() -> None:
    """001 5.1.3, 3.1-3.4: school, number, date, whom, what was asked, why with its clause, what to bring,
    that nothing else may be asked for, where to appeal, who signs."""
    pdf = letter_pdf(letter_of(ENTRY, school="МБОУ Ильинская СОШ"), ENTRY.issued_on)
    text = " ".join(PdfReader(io.BytesIO(pdf)).pages[0].extract_text().split())
    for said in (
        "МБОУ Ильинская СОШ",
        "№ 12/2026",
        "24 ноября 2026 г.",
        "Кому: Ковалёва Ольга Петровна",
        "доступ к электронному дневнику ученика Ковалёва Артёма, 7Б",
        "Не представлено свидетельство о рождении ученика",
        "пункты 3.1 и 3.4",
        "пункты 3.3.3 и 3.4",
        "Свидетельство о рождении ребёнка.",
        "Других документов школа требовать не вправе (пункт 3.2",
        "обжаловать",
        "Секретарь учебной части Н. П. Седова",
        "подпись",
    ):
        assert said in text, said
    assert text.index("свидетельство") < text.index("подчистки"), "in the order of the table"


def test_equal_words_give_equal_bytes_and_markup_stays_text() -> None:
    evil = letter_of(entry(applicant="#panic() *Жирная* $x$ 😀", details="= не заголовок"), school="Школа")
    once, twice = letter_pdf(evil, TODAY), letter_pdf(evil, TODAY)
    assert once == twice
    assert "#panic() *Жирная* $x$" in PdfReader(io.BytesIO(once)).pages[0].extract_text()
