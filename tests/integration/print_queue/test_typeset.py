"""Real Typst: what is on the pages, on which pages, and what happens to texts nobody expected."""

import hashlib
import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psutil
import pypdfium2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from print_queue.document import (
    EVERY_SECTION,
    Announcement,
    Attendance,
    AttendanceEntry,
    BatchDocument,
    Correction,
    FamilyWithoutConsent,
    FinalMark,
    Forecast,
    Homework,
    LessonChange,
    LessonChangeKind,
    Mark,
    Occasion,
    Person,
    PlannedAssessment,
    Remark,
    RemarkKind,
    Section,
    Sheet,
)
from print_queue.typeset import Placement, Typeset, TypesettingFailed, typeset

MONDAY = date(2026, 11, 23)
SHEET_ID = "0192f0c1-7a3b-7c11-8d01-5b1f0e9a77c2"
QUIET = Sheet(SHEET_ID, Person("Ёлкина", "Мария", "Сергеевна"), Person("Ёлкина", "Анна", "Викторовна"))
FULL = replace(
    QUIET,
    corrections=(Correction(Section.MARK, "Алгебра, урок 17 ноября", "3", "4-"),),
    final_marks=(FinalMark("Физика", "2 четверть", None), FinalMark("Химия", "2 четверть", "зач")),
    marks=(
        Mark("Алгебра", MONDAY, "4/5", "Степени", "контрольная работа", Decimal(2), "Следите за знаками"),
    ),
    forecasts=(Forecast("Алгебра", "2 четверть", "4", Decimal("4.35")),),
    attendance=(AttendanceEntry(MONDAY, "Биология", Attendance.LATE, 3, "проспала автобус"),),
    remarks=(Remark("Отличный доклад.", "Орлова Н. П.", RemarkKind.PRAISE, MONDAY),),
    homework=(
        Homework("Литература", "Читать главы 1–4", MONDAY + timedelta(days=1)),
        Homework("Алгебра", "Карточка 7", MONDAY, individual=True),
        Homework("Английский язык", "Диалог", MONDAY, group="Англ. 1"),
    ),
    lesson_changes=(LessonChange(MONDAY, "История", LessonChangeKind.SUBSTITUTED, 2, "Смирнов", "Белова"),),
    assessments=(PlannedAssessment(MONDAY + timedelta(days=9), "Геометрия", "контрольная работа № 3"),),
    announcements=(Announcement("Собрание", "В четверг в 18:30.", "Орлова Н. П.", MONDAY),),
)


def batch(*sheets: Sheet, leaflets: int = 0, **changes: Any) -> BatchDocument:
    values: dict[str, Any] = {
        "batch_id": "0192f0c1-0000-7c11-8d00-5b1f0e9a77c2",
        "school": "МБОУ Ильинская СОШ",
        "class_name": "7Б",
        "week": "2026-W48",
        "period_from": MONDAY,
        "period_to": MONDAY + timedelta(days=5),
        "created_at": datetime(2026, 11, 27, 18, 30, tzinfo=UTC),
        "teachers": ("Орлова Наталья Павловна",),
        "sheets": sheets,
        "without_consent": tuple(
            FamilyWithoutConsent(Person("Тайный", f"Тимур {number}"), Person("Тайная", "Ирина", "Олеговна"))
            for number in range(leaflets)
        ),
    }
    return BatchDocument(**values | changes)


def page_texts(done: Typeset) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(done.pdf)).pages]


def text_of(done: Typeset, part: Placement) -> str:
    return " ".join(page_texts(done)[part.first_page - 1 : part.first_page - 1 + part.page_count])


def test_a_sheet_tells_everything_the_journal_recorded() -> None:
    """R-E1, R-A1 to R-A8, R-A11 on paper."""
    done = typeset(batch(FULL))
    text = text_of(done, done.pages.sheets[0])
    for words in (
        "МБОУ Ильинская СОШ",
        "Ёлкина Мария Сергеевна",
        "7 «Б» класс",
        "23–28 ноября 2026 г.",
        "Уважаемая Анна Викторовна!",
        "Алгебра, урок 17 ноября 3 4-",
        "Физика 2 четверть отложена",
        "Химия 2 четверть зач",
        "Алгебра пн 23.11 Контрольная работа, вес 2. Степени",
        "Следите за знаками",
        "4/5",
        "4,35",
        "пн 23.11 3 Биология опоздание проспала автобус",
        "Отличный доклад.",
        "Орлова Н. П., 23 ноября",
        "вт 24.11 Литература Читать главы 1–4",
        "Индивидуальное задание",
        "Группа: Англ. 1",
        "замена было: Смирнов; стало: Белова",
        "ср 02.12 Геометрия контрольная работа № 3",
        "В четверг в 18:30.",
        "подпись",
        f"Лист {SHEET_ID}",
    ):
        assert words in text, words
    assert done.dropped == ()
    assert done.sha256 == hashlib.sha256(done.pdf).hexdigest()


def test_a_quiet_week_is_a_full_sheet_too() -> None:
    """R-B5."""
    done = typeset(batch(QUIET))
    assert done.pages.sheets == (Placement(SHEET_ID, 3, 1),)
    text = text_of(done, done.pages.sheets[0])
    assert "На этой неделе новых записей в журнале не появилось." in text
    assert "На этой неделе отметок не было." in text
    assert "страница 1 из 1" in text


def test_a_class_without_marks_prints_none() -> None:
    """R-A10."""
    done = typeset(batch(FULL, unmarked=True))
    text = text_of(done, done.pages.sheets[0])
    assert "Биология" in text
    for word in ("тметк", "рогноз", "омашн", "онтрольн", "4/5", "Карточка"):
        assert word not in text, word


def test_final_marks_make_an_extra_sheet() -> None:
    """R-B1."""
    done = typeset(batch(FULL, occasion=Occasion.FINAL_MARKS))
    text = text_of(done, done.pages.sheets[0])
    assert "Химия" in text
    assert "Биология" not in text


def test_every_family_starts_on_a_front_side_with_an_empty_back_before_it() -> None:
    long = replace(QUIET, sheet_id="long", homework=tuple(_task(number) for number in range(60)))
    sheets = [replace(FULL, sheet_id=f"id-{number}") for number in range(3)]
    done = typeset(batch(*sheets, long, leaflets=2))
    parts = [done.pages.cover, *done.pages.sheets, *done.pages.leaflets]
    texts = page_texts(done)
    owned = set()
    for part in parts:
        assert part.first_page % 2 == 1
        owned |= set(range(part.first_page, part.first_page + part.page_count))
    for number, text in enumerate(texts, start=1):
        assert (text == "") == (number not in owned)
    for part in done.pages.sheets:
        for number in range(part.page_count):
            page = texts[part.first_page - 1 + number]
            assert f"Лист {part.id} страница {number + 1} из {part.page_count}" in page
            assert not any(f"Лист {other.id} " in page for other in done.pages.sheets if other != part)
            assert ("подпись" in page) == (number == part.page_count - 1)


def _task(number: int) -> Homework:
    return Homework("Обществознание", f"Задание {number}: параграф и вопросы после него", MONDAY)


def test_sixty_tasks_go_over_pages_under_repeated_headings() -> None:
    done = typeset(batch(replace(QUIET, homework=tuple(_task(number) for number in range(60)))))
    (part,) = done.pages.sheets
    assert part.page_count >= 2
    pages = page_texts(done)[part.first_page - 1 : part.first_page - 1 + part.page_count]
    assert all("К уроку Предмет Задание" in page for page in pages)
    assert "(продолжение)" in pages[1]
    assert all(f"Задание {number}:" in " ".join(pages) for number in range(60))


def test_the_cover_counts_paper_and_names_families_nobody_else_sees() -> None:
    """R-D1, R-C11: names of families without a consent stand on the teacher's cover only."""
    second = replace(QUIET, sheet_id="id-2", pupil=Person("Абрамов", "Артём"))
    done = typeset(batch(FULL, second, leaflets=1))
    cover, *others = page_texts(done)
    assert "1 Абрамов Артём Ёлкина Анна Викторовна 1" in cover
    assert "2 личных листа" in cover
    assert "Семьи без действующего согласия" in cover
    assert "Тайный" in cover
    assert not any("Тайн" in page for page in others)
    assert "Абрамов" not in text_of(done, done.pages.sheets[1])


def test_the_leaflet_invites_and_carries_the_application_on_its_back() -> None:
    done = typeset(batch(leaflets=2))
    assert [(part.page_count, part.leaves) for part in done.pages.leaflets] == [(2, 1), (2, 1)]
    front, back = page_texts(done)[2:4]
    assert "лист согласия" in front
    assert "бесплатно" in front
    assert "ЗАЯВЛЕНИЕ" in back
    assert "на бумажном носителе" in back


def test_a_reprint_is_byte_identical() -> None:
    document = batch(FULL, leaflets=1)
    assert typeset(document).pdf == typeset(document).pdf


def test_the_pdf_is_tagged_and_archivable() -> None:
    reader = PdfReader(io.BytesIO(typeset(batch(FULL, leaflets=1)).pdf))
    metadata = reader.trailer["/Root"]["/Metadata"].get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part>" in metadata
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in metadata
    assert "<pdfuaid:part>1</pdfuaid:part>" in metadata
    assert "/StructTreeRoot" in reader.trailer["/Root"]


HOSTILE = '#panic("x") $x$ \\ ] [ *b* _i_ <begin> @ref `raw` #read("/etc/passwd") // /* */ = h'


def test_markup_is_printed_as_it_is_typed() -> None:
    sheet = replace(
        QUIET,
        pupil=Person(HOSTILE),
        guardian=Person(HOSTILE),
        homework=(Homework(HOSTILE, HOSTILE, MONDAY, group=HOSTILE),),
        announcements=(Announcement(HOSTILE, HOSTILE, HOSTILE),),
    )
    done = typeset(batch(sheet, class_name=HOSTILE, school=HOSTILE, teachers=(HOSTILE,)))
    together = text_of(done, done.pages.sheets[0]).replace(" ", "")
    assert together.count(HOSTILE.replace(" ", "")) >= 7


def test_texts_the_font_cannot_draw_do_not_stop_the_class() -> None:
    words = "Әнием үги җыр һәм ңгө 😀 \u202eтсет\u202c \x00\x07 中 и\u0306"
    done = typeset(batch(replace(QUIET, homework=(Homework("Татарча", words, MONDAY),))))
    text = text_of(done, done.pages.sheets[0])
    assert "Әнием үги җыр һәм ңгө" in text
    assert "тсет" in text
    lost = {entry.character.split()[0] for entry in done.dropped if entry.place == SHEET_ID}
    assert lost == {"U+1F600", "U+202E", "U+202C", "U+0000", "U+0007", "U+4E2D"}


def test_a_word_of_three_hundred_letters_stays_inside_the_page() -> None:
    word = "Ы" * 300
    sheet = replace(QUIET, pupil=Person(word), homework=(Homework(word, word, MONDAY),))
    done = typeset(batch(sheet))
    pdf = pypdfium2.PdfDocument(done.pdf)
    for page in pdf:
        text = page.get_textpage()
        boxes = [text.get_charbox(index) for index in range(text.count_chars())]
        assert all(left > 40 and right < page.get_width() - 40 for left, _, right, _ in boxes if right > left)
    pdf.close()


def test_a_name_without_one_drawable_letter_does_not_stop_the_class() -> None:
    done = typeset(
        batch(replace(QUIET, pupil=Person("😀", "\u00ad"), guardian=Person("")), school="", class_name="")
    )
    assert "Имя не указано" in text_of(done, done.pages.sheets[0])


def test_a_text_longer_than_a_page_flows_on() -> None:
    done = typeset(batch(replace(QUIET, homework=(Homework("История", "слово " * 3000 + "конец", None),))))
    (part,) = done.pages.sheets
    assert part.page_count > 2
    assert "конец" in text_of(done, part)


def test_a_worker_that_takes_too_long_is_killed() -> None:
    with pytest.raises(TypesettingFailed, match=r"не уложилась в 0\.02 с"):
        typeset(batch(FULL), time_limit=timedelta(seconds=0.02))
    assert not [
        child for child in psutil.Process().children() if "typesetting.worker" in " ".join(child.cmdline())
    ]


def test_a_sheet_whose_id_cannot_be_printed_fails_the_batch() -> None:
    """What the footer says must be what the register knows: no sheet leaves under another id."""
    with pytest.raises(TypesettingFailed, match=r"7Б.*листы в пачке не те"):
        typeset(batch(replace(QUIET, sheet_id="😀")))


texts = st.text(max_size=40)
people = st.builds(Person, family_name=texts, given_name=texts, patronymic=texts)
days = st.dates(date(2000, 1, 1), date(2099, 12, 31))
sheets_of_anything = st.builds(
    Sheet,
    sheet_id=st.uuids().map(str),
    pupil=people,
    guardian=people,
    covers=st.frozensets(st.sampled_from(sorted(EVERY_SECTION))),
    marks=st.lists(st.builds(Mark, texts, days, texts, texts, texts), max_size=40).map(tuple),
    homework=st.lists(st.builds(Homework, texts, st.text(max_size=300)), max_size=40).map(tuple),
    remarks=st.lists(st.builds(Remark, texts, texts), max_size=3).map(tuple),
)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    sheets=st.lists(sheets_of_anything, max_size=6, unique_by=lambda sheet: sheet.sheet_id),
    leaflets=st.integers(0, 3),
    unmarked=st.booleans(),
)
def test_any_batch_is_typeset_with_one_front_side_a_family(
    sheets: list[Sheet],
    leaflets: int,
    unmarked: bool,  # noqa: FBT001 -- Hypothesis fills it by name
) -> None:
    done = typeset(batch(*sheets, leaflets=leaflets, unmarked=unmarked))
    assert {part.id for part in done.pages.sheets} == {sheet.sheet_id for sheet in sheets}
    assert all(part.first_page % 2 == 1 for part in (*done.pages.sheets, *done.pages.leaflets))
    assert len(done.pages.leaflets) == leaflets
