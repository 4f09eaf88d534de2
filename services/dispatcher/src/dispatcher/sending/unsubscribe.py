"""Links that end the mail to an address: one-click unsubscribing (RFC 8058), and «not my child» (R-C6).

Opening a link changes nothing, for scanners open every link in a letter; only its button, or the
mail program's POST, does. An address that was stopped is on the suppression list like any other that
failed, so the next channel or paper follows.
"""

from collections.abc import Callable

import asyncpg
import structlog
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from dispatcher.outcomes import notify_staff
from dispatcher.sending.suppression import Source, Stop, new_epoch, suppress
from dispatcher.texts.links import Claim, Links, Purpose
from shared.access import Access, access
from shared.categories import Channel
from shared.clock import Clock
from shared.db import AnyConnection
from shared.web.language import mark
from shared.web.pages import Pages

log = structlog.get_logger()

_BECAUSE = {Purpose.UNSUBSCRIBE: Source.UNSUBSCRIBED, Purpose.NOT_MINE: Source.NOT_MINE}

_ASK = {
    Purpose.UNSUBSCRIBE: (
        mark("Отписаться от писем"),
        mark(
            "Письма из школы на этот адрес больше не придут. Сведения об учёбе вы будете получать "
            "другим способом из вашего заявления, а если его нет, на бумаге."
        ),
        mark("Отписаться"),
    ),
    Purpose.NOT_MINE: (
        mark("Это не мой ребёнок"),
        mark(
            "Похоже, адрес записан в школе по ошибке. Нажмите кнопку, и письма на него прекратятся, "
            "а школа проверит запись."
        ),
        mark("Больше не писать на этот адрес"),
    ),
}
_DONE = {
    Purpose.UNSUBSCRIBE: (
        mark("Вы отписаны"),
        mark("Писем на этот адрес больше не будет. Передумаете — скажите секретарю школы."),
    ),
    Purpose.NOT_MINE: (
        mark("Спасибо"),
        mark("Писем на этот адрес больше не будет. Школа проверит запись."),
    ),
}
_WRONG = (
    mark("Ссылка не подошла"),
    mark("Возможно, она скопирована не целиком. Откройте её из письма ещё раз или напишите в школу."),
)


def router(pages: Pages, pool_of: Callable[[], asyncpg.Pool], links: Links, clock: Clock) -> APIRouter:
    """Routes `/u/{token}` and `/not-mine/{token}`."""
    routes = APIRouter()

    def page(
        request: Request, title: str, text: str, button: str | None = None, *, status: int = 200
    ) -> HTMLResponse:
        return pages.render(request, "message.html.j2", status=status, title=title, text=text, button=button)

    def ask(request: Request, token: str, purpose: Purpose) -> HTMLResponse:
        claim = read(links, token, purpose)
        return page(request, *_WRONG, status=404) if claim is None else page(request, *_ASK[purpose])

    async def act(request: Request, token: str, purpose: Purpose) -> HTMLResponse:
        claim = read(links, token, purpose)
        if claim is None:
            return page(request, *_WRONG, status=404)
        async with pool_of().acquire() as connection, connection.transaction():
            if await stop(connection, links, claim) and purpose is Purpose.NOT_MINE:
                await notify_staff(
                    connection,
                    kind="not_my_child",
                    at=clock.now(),
                    school=claim.school,
                    guardian=claim.guardian,
                )
        return page(request, *_DONE[purpose])

    @routes.get("/u/{token}")
    @access(Access.SIGNED_LINK, "shows a button, changes nothing")
    async def ask_unsubscribe(request: Request, token: str) -> HTMLResponse:
        return ask(request, token, Purpose.UNSUBSCRIBE)

    @routes.post("/u/{token}")
    @access(Access.SIGNED_LINK, "stops mail to the one address the link was made for")
    async def unsubscribe(request: Request, token: str) -> HTMLResponse:
        return await act(request, token, Purpose.UNSUBSCRIBE)

    @routes.get("/not-mine/{token}")
    @access(Access.SIGNED_LINK, "shows a button, changes nothing")
    async def ask_not_mine(request: Request, token: str) -> HTMLResponse:
        return ask(request, token, Purpose.NOT_MINE)

    @routes.post("/not-mine/{token}")
    @access(Access.SIGNED_LINK, "stops mail to the one address the link was made for")
    async def not_mine(request: Request, token: str) -> HTMLResponse:
        return await act(request, token, Purpose.NOT_MINE)

    return routes


def read(links: Links, token: str, purpose: Purpose) -> Claim | None:
    """What the link says, if we made it for this purpose."""
    try:
        claim = links.read(token)
    except ValueError:
        return None
    return claim if claim is not None and claim.purpose is purpose else None


async def stop(connection: AnyConnection, links: Links, claim: Claim) -> bool:
    """Stop the address the link was made for; False when it was stopped before, or is gone."""
    addresses = await connection.fetch(
        """SELECT channel, address FROM consent.contact
           WHERE school = $1 AND guardian = $2 AND stopped_at IS NULL""",
        claim.school,
        claim.guardian,
    )
    meant = [
        (row["channel"], row["address"]) for row in addresses if links.digest(row["address"]) == claim.address
    ]
    stopped = await connection.fetch(
        """UPDATE consent.contact SET stopped_at = now(), stopped_because = $3
           WHERE school = $1 AND guardian = $2 AND stopped_at IS NULL
             AND (channel, address) IN (SELECT * FROM unnest($4::text[], $5::text[])) RETURNING 1""",
        claim.school,
        claim.guardian,
        _BECAUSE[claim.purpose].value,
        [channel for channel, _ in meant],
        [address for _, address in meant],
    )
    if not stopped:
        return False
    because = _BECAUSE[claim.purpose]
    stops = [
        Stop(claim.school, Channel(channel), address, because.value, because) for channel, address in meant
    ]
    await suppress(connection, stops)
    await new_epoch(connection, claim.school)
    await connection.execute(
        "INSERT INTO dispatch.audit (actor, action, school, about) VALUES ('guardian', $1, $2, $3)",
        f"contact.{because}",
        claim.school,
        claim.guardian,
    )
    log.info("contact.stopped", because=because.value)
    return True
