"""An e-mail for any view: a valid message, the two bodies alike, and nothing that breaks out."""

import html
import re
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as email_policy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.texts import samples
from dispatcher.texts.letter import LetterWriter
from dispatcher.texts.links import Links
from dispatcher.view import Child, Item, Kind, MessageView
from shared.categories import Category
from shared.families import Name, School

LINKS = Links(public_url="https://vestnik.example", key=lambda: b"k")
WRITER = LetterWriter(mail_from="Вестник <vestnik@школа.рф>", links=LINKS)
HOSTILE = [
    "<script>alert(1)</script>",
    "{{ 7 * 7 }} {% raw %}",
    "x\r\nBcc: spy@evil.example",
    "\u202eлокомотив\u202c\u2066x",
    "Ёлочка 🎄👩‍👧",
    '"><img src=x onerror=y>',
    "=?utf-8?b?0L/RgNC40LLQtdGC?=",
    "\x00\x1b[31m",
    "&amp; O'Нил",
]


def write(view: MessageView, address: str = "mama@example.org") -> EmailMessage:
    raw = WRITER.write(view, address=address)
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")
    letter = message_from_bytes(raw, policy=email_policy)
    assert not letter.defects
    return letter


def body(letter: EmailMessage, kind: str) -> str:
    found = letter.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


def visible(page: str) -> str:
    """The words of a page."""
    page = re.sub(r"<style>.*?</style>|<title>.*?</title>", "", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", " ", page))


def words(text: str) -> set[str]:
    return set(re.findall(r"[\w«»]+", text))


def test_headers() -> None:
    view = samples.view([samples.news(Category.MARK)])
    letter = write(view)
    assert letter["From"] == "МБОУ Ильинская СОШ <vestnik@xn--80atdl2c.xn--p1ai>"
    assert letter["To"] == "Анна Сергеевна <mama@example.org>"
    assert letter["Subject"] == "Иван П. — отметка"
    assert letter["Message-ID"] == f"<{view.message}@xn--80atdl2c.xn--p1ai>"
    assert letter["Date"] == "Mon, 23 Nov 2026 18:30:00 +0300"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Content-Language"] == "ru"
    link = str(letter["List-Unsubscribe"])
    assert re.fullmatch(r"<https://vestnik\.example/dispatcher/u/[\w-]+>", link)
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link.strip("<>") in body(letter, "plain")
    assert link.strip("<>") in body(letter, "html")
    assert [part.get_content_type() for part in letter.iter_parts()] == ["text/plain", "text/html"]


def test_a_retry_is_the_same_letter() -> None:
    view = samples.digest()
    assert WRITER.write(view, address="m@e.org") == WRITER.write(view, address="m@e.org")


def test_an_idn_recipient_stands_in_ascii() -> None:
    letter = write(samples.view([samples.news(Category.MARK)]), "mama@школа.рф")
    assert letter["To"].addresses[0].addr_spec == "mama@xn--80atdl2c.xn--p1ai"


def test_a_cyrillic_mailbox_stands_in_utf8() -> None:
    raw = WRITER.write(samples.view([samples.news(Category.MARK)]), address="мама@example.org")
    assert "<мама@example.org>".encode() in raw


def hostile_view(text: str) -> MessageView:
    child = Child("p", Name(text, text, text), text)
    data = {
        "course": {"name": text, "teacher": text},
        "lesson": {"date": text, "number": text, "topic": text},
        "work": {"kind": text, "weight": text},
        "mark": {"value": text},
        "comment": text,
        "period": {"name": text},
        "average": text,
        "attendance": text,
        "raw": text,
        "due_on": text,
        "text": text,
        "title": text,
        "author": text,
        "kind": text,
        "change": text,
        "before": text,
        "after": {"room": text, "date": text},
        "date": text,
        "group": text,
    }
    items = [
        item
        for category in Category
        for item in (
            Item(samples.change(category, data), (child,)),
            Item(samples.change(category, data, revision=2), (child,), told=samples.change(category, {})),
            Item(samples.change(category, {}, revision=2), (child,), told=samples.change(category, data)),
        )
    ]
    return replace(
        samples.view(items, first=True),
        school=School("s", text, samples.SCHOOL.timezone),
        guardian=replace(samples.GUARDIAN, name=Name(text, text, text), guardian=text, school=text),
    )


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("kind", Kind)
def test_hostile_text_stays_text(text: str, kind: Kind) -> None:
    letter = write(replace(hostile_view(text), kind=kind), text + "@example.org")
    assert set(letter.keys()) == set(write(samples.digest()).keys())
    page, plain = body(letter, "html"), body(letter, "plain")
    assert "<script" not in page
    assert "<img" not in page
    assert "49" not in plain
    for unseen in "\u202e\u2066\x00\x1b":
        assert unseen not in page + plain + str(letter["Subject"])
    if "{{" in text:
        assert "{{ 7 * 7 }}" in plain


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=120))
def test_any_text_makes_a_valid_letter(text: str) -> None:
    letter = write(hostile_view(text), text)
    assert len(letter["To"].addresses) <= 1
    assert set(letter.keys()) == set(write(samples.digest()).keys())


@pytest.mark.parametrize("category", Category)
@pytest.mark.parametrize("removed", [True, False])
@pytest.mark.parametrize("told", [None, {}])
def test_the_least_a_journal_sends_is_enough(
    category: Category,
    removed: bool,  # noqa: FBT001
    told: dict[str, str] | None,
) -> None:
    """StrictUndefined: every branch of every template, with nothing in `data`."""
    if removed and category in {Category.FORECAST, Category.LESSON}:
        return
    change = samples.change(category, {}, removed=removed)
    earlier = samples.change(category, told) if told is not None else None
    letter = write(samples.view([Item(change, (samples.IVAN,), told=earlier)]))
    assert "None" not in body(letter, "plain")


@pytest.mark.parametrize("view", [samples.digest(first=True), samples.empty_week(), samples.typical()])
def test_the_twins_say_the_same(view: MessageView) -> None:
    letter = write(view)
    page, plain = words(visible(body(letter, "html"))), words(body(letter, "plain"))
    addresses = words(" ".join(re.findall(r"https://\S+", body(letter, "plain"))))
    assert page <= plain
    assert plain - page <= addresses


def test_no_asset_is_fetched() -> None:
    page = body(write(samples.digest(first=True)), "html")
    assert not re.search(r"<(img|link|script|iframe)|url\(|@import", page)
    assert set(re.findall(r'href="(https://[^/]+)', page)) == {"https://vestnik.example"}


def test_grouped_by_child_then_category_then_lesson() -> None:
    lessons = [("2026-11-23", 5), ("2026-11-23", 2), ("2026-11-20", 7)]
    items = [
        samples.news(Category.HOMEWORK),
        samples.news(Category.MARK, child=samples.MARIA, course={"name": "Музыка"}),
        *(
            samples.news(Category.MARK, course={"name": f"Курс {n}"}, lesson={"date": on, "number": n})
            for on, n in lessons
        ),
    ]
    plain = body(write(samples.view(items, kind=Kind.DAILY)), "plain")
    order = ["Иван Петров", "Курс 7", "Курс 2", "Курс 5", "Домашние", "Мария Петрова", "Музыка"]
    assert sorted(order, key=plain.index) == order


def test_a_late_mark_shows_its_lessons_date() -> None:
    """R-A12"""
    item = samples.news(Category.MARK, lesson={"date": "2026-11-18", "number": 1})
    plain = body(write(samples.view([item], kind=Kind.DAILY)), "plain")
    assert "Журнал за 23\u00a0ноября" in plain
    assert "среда, 18\u00a0ноября" in plain
    assert "Исправление" not in plain


@pytest.mark.parametrize("value", ["4-", "4/5", "зач", "н/а", "12", "100", "5+"])
def test_any_scale(value: str) -> None:
    """R-A9"""
    plain = body(write(samples.view([samples.news(Category.MARK, mark={"value": value})])), "plain")
    assert f"* Алгебра: {value}\n" in plain


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        (samples.correction(Category.MARK), "Исправление. Было\u00a05, стало\u00a04."),
        (samples.removal(Category.MARK), "Отметка 5 по алгебре за 23\u00a0ноября удалена."),
        (samples.correction(Category.ATTENDANCE), "Было\u00a0отсутствие на уроке, стало\u00a0опоздание."),
        (
            samples.news(Category.FINAL_MARK, mark={}, postponed=True),
            "Итоговая отметка будет выставлена позже.",
        ),
    ],
)
def test_corrections_and_postponed(item: Item, sentence: str) -> None:
    """R-A2, R-A11"""
    letter = write(samples.view([item]))
    assert sentence in body(letter, "plain")
    assert sentence in re.sub(r"[ \n]+", " ", visible(body(letter, "html")))


def test_absence_corrected_to_presence() -> None:
    told = samples.change(Category.ATTENDANCE, samples.NEWS[Category.ATTENDANCE])
    now = samples.change(
        Category.ATTENDANCE, {**samples.NEWS[Category.ATTENDANCE], "attendance": "present"}, revision=2
    )
    plain = body(write(samples.view([Item(now, (samples.IVAN,), told=told)])), "plain")
    assert "Исправление. Было\u00a0отсутствие на уроке, стало\u00a0присутствие на уроке." in plain


def test_an_empty_week_says_so() -> None:
    """R-B6"""
    letter = write(samples.empty_week())
    assert letter["Subject"] == "Неделя 23–28 ноября: записей не было"
    assert "На этой неделе в журнале записей не было." in body(letter, "plain")


def test_the_first_letter_offers_not_my_child() -> None:
    """R-C6"""
    offer = re.compile(r"https://vestnik\.example/dispatcher/not-mine/([\w-]+)")
    assert not offer.search(body(write(samples.digest()), "plain"))
    found = offer.search(body(write(samples.digest(first=True)), "plain"))
    assert found
    assert LINKS.read(found[1]) is not None


def test_subjects_carry_no_value() -> None:
    for category in Category:
        subject = str(write(samples.view([samples.news(category)]))["Subject"])
        assert not re.search(r"\b[45]\b|Петров|§", subject)
