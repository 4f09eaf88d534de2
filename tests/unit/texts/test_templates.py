"""Every template escapes what it should, asks for nothing it was not given, and is used."""

from email import message_from_bytes
from email.policy import default as email_policy

import pytest
from jinja2 import UndefinedError

from dispatcher.texts import samples, sms, templates
from dispatcher.texts.letter import LetterWriter
from dispatcher.texts.links import Links
from dispatcher.texts.preview import spoken
from dispatcher.texts.templates import FOLDER, Form
from dispatcher.texts.words import LANGUAGES, of
from shared.categories import ELECTRONIC, Category

MARKUP = "<script>alert(1)</script> & {{ 7 * 7 }} {% raw %}"
LINKS = Links(public_url="https://vestnik.example", key=lambda: b"k")


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_name_nobody_gave_fails_the_render(language: str, form: Form) -> None:
    """A slip in a template stops that message, and never sends a gap to a family."""
    template = templates.environment(of(language), form).from_string("Отметка {{ f.mark }}{{ nobody }}")
    with pytest.raises(UndefinedError):
        template.render(f={"mark": "5"})
    with pytest.raises(UndefinedError):
        templates.environment(of(language), form).from_string("{{ f.nobody }}").render(f={})


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_announcement_arrives_as_it_was_written(language: str) -> None:
    """Markup and braces of a text are text, on the page, in its twin and in an SMS."""
    view = spoken(
        samples.view([samples.news(Category.ANNOUNCEMENT, title="A < {{ B }}", text=MARKUP)]), language
    )
    letter = message_from_bytes(
        LetterWriter(mail_from="v@e.example", links=LINKS).write(view, address="m@e.example"),
        policy=email_policy,
    )
    page, plain = (letter.get_body((kind,)) for kind in ("html", "plain"))
    assert page is not None
    assert plain is not None
    assert MARKUP in plain.get_content()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; {{ 7 * 7 }} {% raw %}" in page.get_content()
    assert "<script" not in page.get_content()
    assert "A < {{ B }}" in sms.write(view).decode()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_is_whole(language: str) -> None:
    """Every category on every channel, and no template that nobody uses."""
    expected = {f"{category}/{channel}.j2" for category in Category for channel in ELECTRONIC}
    folder = FOLDER / language
    assert {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()} == expected


def test_an_unknown_language_is_russian() -> None:
    assert of("tt") is of("ru")
    assert of("en-GB") is of("en")
    assert of("") is of("ru")
