"""The templates, compiled once: HTML escaped, texts as they are, and a name nobody gave is an error."""

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import cast

from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    Template,
    pass_eval_context,
    select_autoescape,
)
from jinja2.nodes import EvalContext
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
    made.filters["said"] = _said
    made.filters["capitalize"] = lambda value: value[:1].upper() + value[1:]
    return made


@pass_eval_context
def _said(context: EvalContext, parts: Iterable[str], between: str) -> str:
    """What there is of the parts, joined; the library's `select|join` costs as much as the rest."""
    given = [part for part in parts if part]
    return Markup(between).join(given) if context.autoescape else between.join(map(str, given))  # noqa: S704 - ours


def template(name: str) -> Template:
    return environment().get_template(name)


def macro(name: str) -> Callable[..., str]:
    """The macro `item` of a template: a call of it costs a tenth of an include."""
    return cast("Callable[..., str]", getattr(template(name).module, "item"))  # noqa: B009 - no such attribute to mypy


@cache
def style() -> Markup:
    """The letter's style sheet; ours, so it needs no escaping."""
    return Markup((FOLDER / "email" / "style.css").read_text(encoding="utf-8").replace("\n", ""))  # noqa: S704
