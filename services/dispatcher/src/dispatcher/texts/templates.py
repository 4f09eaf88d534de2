"""The templates, compiled once: HTML escaped, texts as they are, and a name nobody gave is an error.

`templates/email` is the layout of every letter; `templates/<language>/<category>/<channel>.j2` say one
item. An e-mail's item is one template, compiled twice: with the parts of the page and of its plain twin.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from dispatcher.texts.words import Words
from shared.categories import Category

FOLDER = Path(__file__).parent.parent / "templates"


class Form(StrEnum):
    PAGE = "html"
    PLAIN = "txt"


@cache
def environment(words: Words, form: Form) -> Environment:
    made = Environment(
        loader=FileSystemLoader([FOLDER / words.code, FOLDER]),
        autoescape=form is Form.PAGE,  # noqa: S701 - texts are not pages
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    made.filters["said"] = _said_on_page if form is Form.PAGE else _said
    made.filters["capitalize"] = lambda value: value[:1].upper() + value[1:]
    made.filters["sentence"] = lambda value: value if value.endswith((".", "…", "!", "?")) else f"{value}."
    made.filters["quoted"] = words.quoted
    made.globals["w"] = words
    made.globals["parts"] = made.get_template(f"email/parts.{form}.j2").module
    return made


def _said(parts: Iterable[str], between: str) -> str:
    """What there is of the parts, joined; the library's `select|join` costs as much as the rest."""
    return between.join([str(part) for part in parts if part])


def _said_on_page(parts: Iterable[str], between: str) -> Markup:
    return Markup(between).join([part for part in parts if part])  # noqa: S704 - our own separators


@cache
def letter(words: Words, form: Form) -> Template:
    return environment(words, form).get_template(f"email/letter.{form}.j2")


@cache
def item(words: Words, form: Form, category: Category) -> Callable[..., str]:
    """The macro `item` of an e-mail's template: a call of it costs a tenth of an include."""
    module = environment(words, form).get_template(f"{category}/email.j2").module
    return cast("Callable[..., str]", getattr(module, "item"))  # noqa: B009 - no such attribute to mypy


def phrase(words: Words, name: str) -> Template:
    """A template of SMS or push."""
    return environment(words, Form.PLAIN).get_template(f"{name}.j2")


@cache
def style() -> Markup:
    """The letter's style sheet; ours, so it needs no escaping."""
    return Markup((FOLDER / "email" / "style.css").read_text(encoding="utf-8").replace("\n", ""))  # noqa: S704
