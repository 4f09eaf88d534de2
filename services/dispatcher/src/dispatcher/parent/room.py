"""What the pages of a guardian who is in share: the household, its addresses without saying them, a page."""

from collections.abc import Callable, Collection
from typing import Any

import asyncpg
from fastapi import Request
from starlette.responses import RedirectResponse, Response

from dispatcher.parent import because
from dispatcher.parent.contacts import OwnContact, read_contacts
from dispatcher.parent.household import Household, read_household
from dispatcher.texts.links import Links
from shared.categories import Channel
from shared.clock import Clock
from shared.db import AnyConnection
from shared.parents import Parent
from shared.web.errors import Problem
from shared.web.language import mark
from shared.web.site import Site

HOME = "/dispatcher/me/"
SETTINGS = f"{HOME}settings"
PAPERS = f"{HOME}papers"
NOTHING = mark("Здесь ничего нет.")
_DONE = {
    "saved": mark("Сохранено. Так будет со следующего сообщения."),
    "same": mark("Ничего не изменилось."),
    "undone": mark("Вернули, как было."),
    "stopped": mark("Больше на этот адрес не пишем. Передумаете — нажмите «Включить снова»."),
    "resumed": mark("Адрес снова работает."),
    "push": mark("Уведомления на этом устройстве включены."),
    "confirmed": mark("Адрес подтверждён и работает. Прежний, если он не нужен, можно отключить."),
    "forgotten": mark("Адрес убран."),
}


class Room:
    """`on`: the channels the installation has."""

    def __init__(
        self,
        site: Site,
        pool_of: Callable[[], asyncpg.Pool],
        clock: Clock,
        *,
        links: Links,
        on: Collection[Channel],
    ) -> None:
        self.pages = site.pages
        self.pool_of = pool_of
        self.clock = clock
        self.links = links
        self.on = on

    async def contact(self, connection: AnyConnection, request: Request, parent: Parent) -> OwnContact:
        """The address that the form names; Problem 404 when it is not this guardian's."""
        named = (await request.form()).get("contact")
        for one in await read_contacts(connection, parent, now=self.clock.now()):
            if named == self.name_of(one):
                return one
        raise Problem(404, NOTHING)

    def name_of(self, contact: OwnContact) -> str:
        """What a form calls an address, without saying it."""
        return self.links.digest(f"{contact.channel} {contact.address}")

    async def household(self, connection: AnyConnection, parent: Parent) -> Household:
        return await read_household(connection, parent, on=self.on, now=self.clock.now())

    def render(
        self, request: Request, template: str, household: Household, *, status: int = 200, **more: Any
    ) -> Response:
        """A page of `pages/parent/`."""
        return self.pages.render(
            request,
            f"parent/{template}",
            status=status,
            household=household,
            zone=household.school.timezone.key,
            done=_DONE.get(request.query_params.get("done", "")) if request.method == "GET" else None,
            said=because,
            **more,
        )


def back(page: str, done: str) -> Response:
    """After something was done: the page that says so."""
    return RedirectResponse(f"{page}?done={done}", 303)
