"""The templates, compiled once: HTML escaped, texts as they are, and a name nobody gave is an error."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape
from markupsafe import Markup

FOLDER = Path(__file__).parent.parent / "templates"


@cache
def environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    made.filters["capitalize"] = lambda value: value[:1].upper() + value[1:]
    return made


def template(name: str) -> Template:
    return environment().get_template(name)


def macro(name: str) -> Callable[..., str]:
    """The macro `item` of a template: a call of it costs a tenth of an include."""
    return cast("Callable[..., str]", getattr(template(name).module, "item"))  # noqa: B009 - no such attribute to mypy


@cache
def style() -> Markup:
    """The letter's style sheet; ours, so it needs no escaping."""
    return Markup((FOLDER / "email" / "style.css").read_text(encoding="utf-8").replace("\n", ""))  # noqa: S704
