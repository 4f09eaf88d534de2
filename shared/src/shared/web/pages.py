"""Pages of one service: templates of its own in the common layout, in the reader's language.

Templates stand in `<package>/pages/*.html.j2`, English in `<package>/locale/en.po`, files in
`<package>/static/`. In a template: `_('…')`, `count(n, 'один|два|пять')`, `asset('x.svg')`, `csrf()`,
`day(date)`, `moment(instant, 'Europe/Moscow')`, `staff`, `here` (the path), and the macros of
`forms.html.j2` and `tables.html.j2`.
"""

from datetime import date, datetime
from functools import lru_cache, partial
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from babel.numbers import format_decimal
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from shared.web import nav
from shared.web.assets import Assets
from shared.web.errors import told
from shared.web.language import Language, Texts
from shared.web.visit import visit_of


class Pages:
    """`package` has the templates; `path` is where the service answers, "" for the root."""

    def __init__(self, package: str, path: str) -> None:
        self.path = path
        self.assets = Assets(("shared.web", package))
        self._environment = _environment(package)
        self._texts = {language: Texts(package, language) for language in Language}

    def render(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        **context: Any,
    ) -> HTMLResponse:
        """The page in the reader's language. `context` is what the template needs, besides the above."""
        visit = visit_of(request)
        language, texts = visit.language, self._texts[visit.language]
        sections = nav.sections_of(visit.staff, visit.parent)
        other = Language.EN if language is Language.RU else Language.RU
        body = self._environment.get_template(template).render(
            _=texts.say,
            count=texts.count,
            day=partial(_day, language),
            moment=partial(_moment, language),
            decimal=partial(_decimal, language),
            asset=self.asset,
            csrf=lambda: visit.csrf,
            language=language,
            other_language=f"?{urlencode({**request.query_params, 'lang': other.value})}",
            staff=visit.staff,
            parent=visit.parent,
            nav=sections,
            section=nav.current(sections, request.url.path),
            here=request.url.path,
            **context,
        )
        return HTMLResponse(body, status, headers)

    def error(
        self,
        request: Request,
        status: int,
        text: str | None = None,
        headers: dict[str, str] | None = None,
        *,
        login: str = nav.LOGIN,
    ) -> HTMLResponse:
        """The page of an error; without `text`, what is usually said with this status. `login` is where
        one comes in, for an error of not being in."""
        title, said = told(status, text)
        return self.render(
            request,
            "error.html.j2",
            status=status,
            headers=headers,
            title=title,
            text=said,
            code=status,
            login=login,
        )

    def texts(self, request: Request) -> Texts:
        """What a route needs to say something by itself, in the reader's language."""
        return self._texts[visit_of(request).language]

    def asset(self, name: str) -> str:
        return f"{self.path}/static/{self.assets.address(name)}"


@lru_cache
def _environment(package: str) -> Environment:
    common = PackageLoader("shared.web", "templates")
    own = [PackageLoader(package, "pages")] if files(package).joinpath("pages").is_dir() else []
    made = Environment(
        loader=ChoiceLoader([*own, common]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
    )
    made.globals.update(
        my_page=nav.MY_PAGE,
        login=nav.LOGIN,
        logout=nav.LOGOUT,
        family_logout=nav.FAMILY_LOGOUT,
        role_names=nav.ROLES,
    )
    return made


def _day(language: Language, value: date) -> str:
    """«23 ноября 2026»: a sentence may end with it."""
    return format_date(value, "d MMMM y", locale=language.locale)


def _moment(language: Language, value: datetime, zone: str = "UTC") -> str:
    """«23 нояб. 2026 г., 18:30», by the clocks of `zone`."""
    there = value.astimezone(ZoneInfo(zone))
    day = format_date(there, "medium", locale=language.locale)
    return f"{day}, {format_time(there, 'short', locale=language.locale)}"


def _decimal(language: Language, value: float, digits: int = 1) -> str:
    """«0,5»: always so many digits after the comma."""
    return str(format_decimal(value, format=f"0.{'0' * digits}", locale=language.locale))
