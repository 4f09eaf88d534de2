"""The first page: does everything run, and what should be done next. Counts only, no person (R-D3)."""

from collections.abc import Sequence

from fastapi import Request
from fastapi.responses import HTMLResponse

from shared.access import Access, access
from shared.service import Context, Part
from shared.web.language import mark
from shared.web.site import Site

NAMES = {
    "/ingest": (mark("Приём"), mark("принимает изменения из электронного журнала")),
    "/dispatcher": (mark("Рассылка"), mark("решает, кому, что и когда сообщить, и отправляет")),
    "/print": (mark("Печать"), mark("собирает недельные листы для семей, выбравших бумагу")),
}
CHANNELS = (
    (mark("Почта"), "smtp_url", "VESTNIK_SMTP_URL"),
    ("SMS", "smsaero_api_key", "VESTNIK_SMSAERO_API_KEY"),
)


def add_home(site: Site, parts: Sequence[Part], context: Context) -> None:
    """Adds `/` to the root's site."""

    @site.app.get("/")
    @access(Access.PUBLIC, "states of services and channels, no person and no number about persons")
    async def home(request: Request) -> HTMLResponse:
        services = [(*NAMES[part.path], await part.problems()) for part in parts]
        channels = [
            (name, getattr(context.settings, setting) is not None, variable)
            for name, setting, variable in CHANNELS
        ]
        return site.pages.render(
            request,
            "home.html.j2",
            services=services,
            channels=channels,
            ready=not any(problems for *_, problems in services),
            now=context.clock.now(),
            real=context.settings.clock_start is None,
        )
