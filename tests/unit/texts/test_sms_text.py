"""An SMS says who, what, course and date in two segments and nothing more (DESIGN §6, R-D3, R-C9)."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.texts import samples, sms
from dispatcher.texts.segments import segments
from dispatcher.view import Child, Item, MessageView
from shared.categories import Category
from shared.families import Name


def said(*items: Item) -> str:
    return sms.write(samples.view(items)).decode()


def test_who_what_course_date() -> None:
    assert said(samples.news(Category.ATTENDANCE)) == "Иван П.: пропуск, алгебра, 2-й урок, 23.11"


@pytest.mark.parametrize("category", [Category.MARK, Category.FINAL_MARK, Category.FORECAST])
def test_values_only_where_the_guardian_chose_sms_for_them(category: Category) -> None:
    value = re.compile(r"\b(5|4|4,35)\b(?!-й)")
    quiet = [samples.news(category), samples.correction(category)]
    assert not any(value.search(said(item)) for item in quiet)
    assert value.search(said(samples.news(category, chosen=True)))
    assert value.search(said(samples.correction(category, chosen=True)))


def test_an_absence_never_says_why() -> None:
    """R-D3: the reason may be about health."""
    texts = {
        said(samples.news(Category.ATTENDANCE, attendance=kind))
        for kind in ("absent", "absent_ill", "absent_excused", "absent_unexcused")
    }
    assert texts == {"Иван П.: пропуск, алгебра, 2-й урок, 23.11"}


@pytest.mark.parametrize("category", Category)
@pytest.mark.parametrize("chosen", [True, False])
def test_no_surname_no_teacher_no_text(category: Category, chosen: bool) -> None:  # noqa: FBT001
    for text in (
        said(samples.news(category, chosen=chosen)),
        said(samples.correction(category, chosen=chosen)),
    ):
        assert "Петров" not in text
        assert "Олегович" not in text
        assert "Кузнецова" not in text
        assert "§" not in text
        assert "олимпиад" not in text
        assert "Задача" not in text


@pytest.mark.parametrize("category", Category)
def test_nobody_is_asked_for_money(category: Category) -> None:
    """R-C9"""
    assert not re.search(r"оплат|плат|руб|скидк|акци|http", said(samples.news(category)), re.IGNORECASE)


def test_words_are_shortened_only_as_far_as_the_next_segment_asks() -> None:
    """R-C9: the school pays for each."""
    lesson = {"date": "2026-11-23", "number": 4}
    names = ("Физическая культура", "Изобразительное искусство", "Русский язык")
    items = [samples.news(Category.ATTENDANCE, course={"name": name}, lesson=lesson) for name in names]
    one = said(items[1])
    assert one == "Иван П.: пропуск, изобразительное искусство, 4-й урок, 23.11"
    assert segments(one) == 1
    assert said(samples.news(Category.HOMEWORK, course={"name": f"{names[1]} (мальчики)"})) == (
        "Иван П.: домашнее задание, ИЗО (мальчики), на 25.11"
    )
    three = said(*items)
    assert "ИЗО" in three
    assert "физическая культура" in three
    assert "русский язык" in three
    assert segments(three) == 2


def test_words_are_shortened_whole() -> None:
    names = ("Подготовка к русский языковой олимпиаде и прочему важному",)
    assert "языковой" in said(samples.news(Category.HOMEWORK, course={"name": names[0]}))


def test_a_long_name_of_the_journal_gives_way_and_the_date_stays() -> None:
    title = "Общешкольное родительское собрание для законных представителей обучающихся девятых классов " * 2
    text = said(samples.news(Category.ANNOUNCEMENT, title=title))
    assert segments(text) == 2
    assert text.endswith("…», 23.11")
    assert re.search(r"\w…»", text)


def test_the_first_message_offers_not_my_child() -> None:
    """R-C6"""
    view = samples.view([samples.news(Category.ATTENDANCE)], first=True)
    assert sms.write(view).decode() == (
        "Иван П.: пропуск, алгебра, 2-й урок, 23.11. Не ваш ребёнок? Сообщите в школу."
    )


def test_english_stays_in_the_cheap_alphabet() -> None:
    child = Child("p-9", Name("Smith", "John"), "7Б")
    view = samples.view([samples.news(Category.ANNOUNCEMENT, child=child, title="Long news " * 60)])
    view = replace(view, guardian=replace(view.guardian, language="en"))
    text = sms.write(view).decode()
    assert text.isascii()
    assert segments(text) <= 2
    assert len(text) > 70


def test_what_does_not_fit_is_counted() -> None:
    text = said(*(samples.news(Category.MARK, course={"name": f"Предмет {n}"}) for n in range(9)))
    assert (listed := text.count("новая отметка")) >= 2
    assert text.endswith(f"; и ещё {9 - listed}")


def test_two_children() -> None:
    text = said(
        samples.news(Category.ATTENDANCE),
        samples.news(Category.ATTENDANCE, child=samples.MARIA, attendance="late"),
    )
    assert text == (
        "Иван П.: пропуск, алгебра, 2-й урок, 23.11. Мария П.: опоздание, алгебра, 2-й урок, 23.11"
    )


def test_both_at_once() -> None:
    item = replace(samples.news(Category.ANNOUNCEMENT), children=(samples.IVAN, samples.MARIA))
    assert said(item) == "Иван П. и Мария П.: объявление «Родительское собрание», 23.11"


def test_an_empty_view() -> None:
    assert sms.write(samples.empty_week()).decode() == "Новых записей в журнале нет."


ALPHABETS = st.one_of(
    st.text(max_size=300),
    st.text(alphabet="әөүҗңһӘӨ ", max_size=200),
    st.text(alphabet="🎄👩‍👧€{ ", max_size=150),
    st.text(alphabet="а ", min_size=200, max_size=400),
)


@st.composite
def anything(draw: st.DrawFn) -> MessageView:
    made = []
    for category in draw(st.lists(st.sampled_from(Category), max_size=6)):
        text = draw(ALPHABETS)
        child = Child("p", Name(draw(ALPHABETS), draw(ALPHABETS)), "7Б")
        data = {
            "course": {"name": text},
            "lesson": {"date": "2026-11-23", "number": text},
            "title": text,
            "mark": {"value": text},
            "period": {"name": text},
            "kind": text,
            "change": "moved",
            "before": text,
            "after": {"room": text, "teacher": text},
        }
        told = draw(st.sampled_from([None, samples.change(category, samples.NEWS[category])]))
        newer = samples.change(category, {**samples.NEWS[category], **data}, revision=2)
        made.append(Item(newer, (child,) * draw(st.integers(1, 3)), told=told, chosen=draw(st.booleans())))
    view = samples.view(made, first=draw(st.booleans()))
    return replace(view, guardian=replace(view.guardian, language=draw(st.sampled_from(["ru", "en", "tt"]))))


@settings(max_examples=60, deadline=None)
@given(anything())
def test_never_more_than_two_segments_and_never_empty(view: MessageView) -> None:
    text = sms.write(view).decode()
    assert segments(text) <= sms.SEGMENTS
    assert len(text) >= 2  # the gateway's least
    assert not re.search(r"[\x00-\x1f\u202a-\u202e]", text)
