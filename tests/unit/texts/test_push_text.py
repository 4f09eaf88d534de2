"""A push notice: what the service worker shows, small enough for every push service."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.channels.base import topic
from dispatcher.channels.push import PAYLOAD_MAX
from dispatcher.texts import push, samples
from dispatcher.texts.links import Links
from dispatcher.texts.russian import NBHYPHEN, NBSP
from dispatcher.view import MessageView
from shared.categories import Category

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


@given(st.lists(st.text(max_size=3000), min_size=1, max_size=5))
def test_never_too_large(titles: list[str]) -> None:
    said(samples.view([samples.news(Category.ANNOUNCEMENT, title=title) for title in titles]))
