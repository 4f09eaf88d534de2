"""The first page: does everything run, and what should be done next. Counts only, no person (R-D3)."""

from collections.abc import Sequence

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from shared.access import Access, access
from shared.service import Context, Part

NAMES = {
    "/ingest": ("Приём", "принимает изменения из электронного журнала"),
    "/dispatcher": ("Рассылка", "решает, кому, что и когда сообщить, и отправляет"),
    "/print": ("Печать", "собирает недельные листы для семей, выбравших бумагу"),
}
CHANNELS = (
    ("Почта", "smtp_url", "VESTNIK_SMTP_URL"),
    ("SMS", "smsaero_api_key", "VESTNIK_SMSAERO_API_KEY"),
)


def add_home(app: FastAPI, parts: Sequence[Part], context: Context) -> None:
    """Adds `/` to the root application."""
    pages = Environment(
        loader=PackageLoader("onebox", "pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    page = pages.get_template("home.html.j2")

    @app.get("/")
    @access(Access.PUBLIC, "states of services and channels, no person and no number about persons")
    async def home() -> HTMLResponse:
        services = [(*NAMES[part.path], await part.problems()) for part in parts]
        channels = [
            (name, getattr(context.settings, setting) is not None, variable)
            for name, setting, variable in CHANNELS
        ]
        return HTMLResponse(
            page.render(
                services=services,
                channels=channels,
                ready=not any(problems for *_, problems in services),
                now=context.clock.now(),
                real=context.settings.clock_start is None,
            )
        )
