"""An SMS says who, what, course and date in two segments and nothing more (DESIGN §6, R-D3, R-C9)."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.texts import samples, sms
from dispatcher.texts.segments import segments
from dispatcher.view import Child, Item, MessageView
from shared.categories import Category
from shared.families import Name


def said(*items: Item) -> str:
    return sms.write(samples.view(items)).decode()


def test_who_what_course_date() -> None:
    assert said(samples.news(Category.ATTENDANCE)) == "Иван П.: пропуск, 2-й урок, алгебра, 23.11"


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
    assert texts == {"Иван П.: пропуск, 2-й урок, алгебра, 23.11"}


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


def test_short_names_of_courses_only_when_needed() -> None:
    one = samples.news(Category.ATTENDANCE, course={"name": "Физическая культура"})
    other = samples.news(Category.ATTENDANCE, course={"name": "Изобразительное искусство"})
    third = samples.news(Category.ATTENDANCE, course={"name": "Русский язык"})
    assert "физическая культура" in said(one, other)
    three = said(one, other, third)
    assert "физ-ра" in three
    assert "ИЗО" in three
    assert "и ещё" not in three


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
        "Иван П.: пропуск, 2-й урок, алгебра, 23.11. Мария П.: опоздание, 2-й урок, алгебра, 23.11"
    )


def test_both_at_once() -> None:
    item = replace(samples.news(Category.ANNOUNCEMENT), children=(samples.IVAN, samples.MARIA))
    assert said(item) == "Иван П. и Мария П.: объявление «Родительское собрание», 23.11"


def test_an_empty_view() -> None:
    assert sms.write(samples.empty_week()).decode() == "Новых записей в журнале нет."


names = st.text(min_size=1, max_size=300)


@st.composite
def anything(draw: st.DrawFn) -> MessageView:
    made = []
    for category in draw(st.lists(st.sampled_from(Category), max_size=8)):
        child = Child("p", Name(draw(names), draw(names)), "7Б")
        item = samples.news(
            category,
            child=child,
            chosen=draw(st.booleans()),
            course={"name": draw(names)},
            title=draw(names),
            mark={"value": draw(names)},
            kind=draw(names),
        )
        made.append(item)
    return samples.view(made)


@given(anything())
def test_never_more_than_two_segments_and_never_empty(view: MessageView) -> None:
    text = sms.write(view).decode()
    assert segments(text) <= sms.SEGMENTS
    assert len(text) >= 2  # the gateway's least
    assert not re.search(r"[\x00-\x1f\u202a-\u202e]", text)
