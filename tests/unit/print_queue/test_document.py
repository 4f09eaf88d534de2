"""What may stand on a sheet at all, before any layout; and what the font makes of texts."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from print_queue.document import (
    EVERY_SECTION,
    MARKED_SECTIONS,
    Attendance,
    AttendanceEntry,
    BatchDocument,
    Correction,
    FinalMark,
    Homework,
    Mark,
    Occasion,
    Person,
    Section,
    Sheet,
)
from print_queue.layout import lay_out
from print_queue.sections import blocks, quiet_sentences
from shared.typesetting.glyphs import drawable, filter_text

SHEET = Sheet("s-1", Person("Ким", "Юлия"), Person("Ким", "Вера", "Павловна"))
FILLED = replace(
    SHEET,
    marks=(Mark("Алгебра", date(2026, 11, 23), "5"),),
    final_marks=(FinalMark("Физика", "2 четверть", None),),
    homework=(Homework("Алгебра", "№ 12"),),
    attendance=(AttendanceEntry(date(2026, 11, 23), "Алгебра", Attendance.LATE),),
    corrections=(
        Correction(Section.MARK, "Алгебра", "3", "4"),
        Correction(Section.ATTENDANCE, "Физика", "н", None),
    ),
)


def batch(*sheets: Sheet, **changes: Any) -> BatchDocument:
    values: dict[str, Any] = {
        "batch_id": "b-1",
        "school": "МБОУ Ильинская СОШ",
        "class_name": "7Б",
        "week": "2026-W48",
        "period_from": date(2026, 11, 23),
        "period_to": date(2026, 11, 28),
        "created_at": datetime(2026, 11, 27, 18, 30, tzinfo=UTC),
        "sheets": sheets,
    }
    return BatchDocument(**values | changes)


def titles(made: Any) -> list[str]:
    return [block["title"] for block in made]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"created_at": datetime(2026, 11, 27)}, "offset"),  # noqa: DTZ001 -- the naive one is the point
        ({"period_to": date(2026, 11, 1)}, "before it begins"),
        ({"sheets": (SHEET, SHEET)}, "share an id"),
        ({"sheets": (replace(SHEET, sheet_id=""),)}, "needs an id"),
    ],
)
def test_a_document_that_must_not_reach_paper_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        batch(**changes)


def test_a_class_without_marks_shows_none_of_their_sections() -> None:
    """R-A10: not even as a correction."""
    document = batch(FILLED, unmarked=True)
    allowed = document.sections_of(FILLED)
    assert not allowed & MARKED_SECTIONS
    assert titles(blocks(FILLED, allowed)) == ["Исправления", "Посещаемость"]
    corrections: Any = blocks(FILLED, allowed)[0]
    assert len(corrections["rows"]) == 1


def test_a_quiet_week_says_so_section_by_section() -> None:
    """R-B5: printed also when nothing happened."""
    made: Any = blocks(SHEET, EVERY_SECTION)
    assert [block["text"] for block in made] == [
        "На этой неделе отметок не было.",
        "Пропусков и опозданий не было.",
        "На этой неделе домашние задания не задавались.",
    ]
    assert "Новых объявлений нет." in quiet_sentences(SHEET, EVERY_SECTION)


def test_a_section_that_paper_does_not_cover_is_not_called_empty() -> None:
    """R-C7: marks that go by e-mail are neither printed nor denied on paper."""
    allowed = frozenset({Section.ATTENDANCE, Section.ANNOUNCEMENT})
    assert titles(blocks(FILLED, allowed)) == ["Исправления", "Посещаемость"]
    assert quiet_sentences(FILLED, allowed) == "Новых объявлений нет."


def test_a_postponed_final_mark_is_told_as_postponed() -> None:
    """R-A2: never as missing."""
    made: Any = blocks(FILLED, frozenset({Section.FINAL_MARK}))
    assert made[0]["rows"][0][2] == [["plain", "отложена"]]


def test_the_extra_sheet_holds_final_marks_alone() -> None:
    """R-B1."""
    document = batch(FILLED, occasion=Occasion.FINAL_MARKS)
    assert document.sections_of(FILLED) == {Section.FINAL_MARK}


def test_sheets_lie_in_the_order_of_russian_names() -> None:
    sheets = [
        replace(SHEET, sheet_id=name, pupil=Person(name)) for name in ("Жуков", "Ёлкин", "Егоров", "Абрамов")
    ]
    assert lay_out(batch(*sheets)).sheet_ids == ("Абрамов", "Егоров", "Ёлкин", "Жуков")


def test_what_the_font_lacks_is_reported_with_its_place() -> None:
    sheet = replace(SHEET, homework=(Homework("Алгебра", "Ура 😀😀 \u202eкод\u202c"),))
    dropped = [(lost.place, lost.character.split()[0], lost.times) for lost in lay_out(batch(sheet)).dropped]
    assert dropped == [
        ("s-1", "U+202C", 1),
        ("s-1", "U+202E", 1),
        ("s-1", "U+1F600", 2),
    ]


@pytest.mark.parametrize(
    ("text", "kept", "lost"),
    [
        ("Рәшит, ҡыҙы — «№ 5» ½ ≤", "Рәшит, ҡыҙы — «№ 5» ½ ≤", 0),
        ("и\u0306", "й", 0),
        ("шаг\u200bом", "шагом", 0),
        ("а\x00б\x07", "аб", 2),
        ("число 中", "число ?", 1),
        ("Молодец! 🎉", "Молодец! ", 1),
        ("①\r\nстрока", "1\nстрока", 0),
    ],
)
def test_filter_text(text: str, kept: str, lost: int) -> None:
    counter: Counter[str] = Counter()
    assert filter_text(text, counter) == kept
    assert counter.total() == lost


@given(st.text())
def test_filtered_text_can_always_be_drawn(text: str) -> None:
    kept = filter_text(text, Counter())
    assert set(kept) <= drawable() | {"\n"}
    assert filter_text(kept, Counter()) == kept
