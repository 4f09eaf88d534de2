"""A push notice: what the service worker shows, small enough for every push service."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.channels.base import topic
from dispatcher.channels.push import PAYLOAD_MAX
from dispatcher.texts import push, samples
from dispatcher.texts.links import Links
from dispatcher.texts.preview import spoken
from dispatcher.texts.russian import NBHYPHEN, NBSP
from dispatcher.view import Child, MessageView
from shared.categories import Category
from shared.families import Name, School

MOSCOW = samples.SCHOOL.timezone
LINKS = Links(public_url="https://vestnik.example/", key=lambda: b"k")


def said(view: MessageView) -> dict[str, Any]:
    content = push.write(view, links=LINKS)
    assert len(content) <= PAYLOAD_MAX
    return dict(json.loads(content.decode().replace(NBSP, " ").replace(NBHYPHEN, "-")))


def test_one_child_is_the_title() -> None:
    assert said(samples.view([samples.news(Category.ATTENDANCE)])) == {
        "title": "Иван П.",
        "body": "Пропуск, алгебра, 2-й урок, пн, 23 ноября",
        "url": "https://vestnik.example/dispatcher/me/",
        "tag": topic(samples.MESSAGE),
    }


def test_several_children_are_named_line_by_line() -> None:
    notice = said(samples.digest())
    lines = notice["body"].split("\n")
    assert notice["title"] == "МБОУ Ильинская СОШ"
    assert all(line.startswith("Иван П.: ") for line in lines[:-1])
    assert lines[-1].startswith("и ещё ")


@pytest.mark.parametrize("category", Category)
def test_details_stay_behind_the_link(category: Category) -> None:
    """R-D3: no surname, no value that was not asked for, no text, and no name in the address."""
    notice = said(samples.view([samples.news(category)]))
    assert notice["url"] == "https://vestnik.example/dispatcher/me/"
    for secret in ("Петров", "Кузнецова", "§", "олимпиад", "4,35"):
        assert secret not in notice["body"]


HOSTILE = st.one_of(
    st.text(max_size=2000),
    st.text(alphabet='🎄👩‍👧ә"\\', min_size=300, max_size=2000),
    st.text(alphabet="слово ", max_size=2000),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(HOSTILE, HOSTILE), min_size=1, max_size=5), st.sampled_from(["ru", "en"]))
def test_never_too_large(texts: list[tuple[str, str]], language: str) -> None:
    """Whatever a journal writes: within the push services' limit, and within what a phone shows."""
    items = [
        samples.news(Category.ANNOUNCEMENT, title=title, child=Child(f"p-{n}", Name(name, name), "7Б"))
        for n, (title, name) in enumerate(texts)
    ]
    notice = said(replace(spoken(samples.view(items), language), school=School("s", texts[0][0], MOSCOW)))
    assert len(notice["title"]) <= push.TITLE_MAX
    assert len(notice["body"]) <= push.BODY_MAX


def test_a_long_title_ends_with_a_whole_word() -> None:
    notice = said(samples.view([samples.news(Category.ANNOUNCEMENT, title="Собрание родителей " * 40)]))
    assert re.search(r"\b(Собрание|родителей)…$", notice["body"])
