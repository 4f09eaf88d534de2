"""The pages of a guardian who is in: messages, how to tell, papers and addresses (R-C4, R-C7, R-D1).

Every statement names the guardian of the session; a child is named only if the page knows it today.
"""

from collections.abc import Callable, Collection
from typing import Any

import asyncpg
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from dispatcher.papers import push_subscription
from dispatcher.parent import because, choices, contacts, preferences
from dispatcher.parent.choices import MODES, NEVER, USUAL, Refused
from dispatcher.parent.contacts import OwnContact, State
from dispatcher.parent.household import Household, read_household
from dispatcher.parent.told import told
from dispatcher.texts import words as languages
from dispatcher.texts.links import Links
from shared.access import Access, access
from shared.categories import Channel
from shared.cells import Unfit
from shared.clock import Clock
from shared.consent_items import TITLES
from shared.db import AnyConnection
from shared.parents import Parent
from shared.settings import Profile
from shared.web.errors import Problem
from shared.web.guard import parent_of
from shared.web.language import mark
from shared.web.listing import Asked, Shown
from shared.web.site import Site
from shared.web.visit import visit_of

HOME = "/dispatcher/me/"
SETTINGS = f"{HOME}settings"
PAPERS = f"{HOME}papers"
_NOTHING = mark("Здесь ничего нет.")
_CHANGED_SINCE = mark(
    "С тех пор настройки изменились: возвращать уже нечего. Посмотрите, что выбрано сейчас."
)
_NOT_A_SUBSCRIPTION = mark("Браузер не дал подписки на уведомления. Ничего не изменено: повторите позже.")
_NOT_RESUMED = mark("Этот адрес нельзя включить здесь. Скажите секретарю школы: он проверит запись.")
STATES = {
    State.USABLE: (mark("работает"), "good"),
    State.UNCONFIRMED: (mark("не подтверждён"), "warn"),
    State.UNSUBSCRIBED: (mark("вы отписались"), ""),
    State.DISPUTED: (mark("остановлен"), "bad"),
    State.FAILED: (mark("сообщения не доходят"), "bad"),
}
_DONE = {
    "saved": mark("Сохранено. Так будет со следующего сообщения."),
    "same": mark("Ничего не изменилось."),
    "undone": mark("Вернули, как было."),
    "stopped": mark("Больше на этот адрес не пишем. Передумаете — нажмите «Включить снова»."),
    "resumed": mark("Адрес снова работает."),
    "push": mark("Уведомления на этом устройстве включены."),
}


class FamilyPages:
    """Routes `/me/…` behind a guardian's session. `on`: the channels the installation has; `push_key`: the
    key by which a browser subscribes."""

    def __init__(
        self,
        site: Site,
        pool_of: Callable[[], asyncpg.Pool],
        clock: Clock,
        *,
        links: Links,
        on: Collection[Channel],
        profile_of: Callable[[str], Profile],
        push_key: Callable[[], str],
    ) -> None:
        self._pages = site.pages
        self._pool_of = pool_of
        self._clock = clock
        self._links = links
        self._on = on
        self._profile_of = profile_of
        self._push_key = push_key

    def routes(self) -> APIRouter:
        routes = APIRouter()
        pages: dict[str, tuple[str, Callable[..., Any]]] = {
            "/me/": ("GET", self.messages),
            "/me/settings": ("GET", self.settings),
            "/me/settings/save": ("POST", self.save),
            "/me/settings/undo": ("POST", self.undo),
            "/me/papers": ("GET", self.papers),
            "/me/contacts/stop": ("POST", self.stop),
            "/me/contacts/resume": ("POST", self.resume),
            "/me/push": ("POST", self.push),
        }
        for path, (method, page) in pages.items():
            routes.add_api_route(path, page, methods=[method])
        return routes

    @access(Access.PARENT, "what this guardian was told about their own children")
    async def messages(self, request: Request) -> Response:
        parent, asked = parent_of(request), Asked.of(request, "pupil")
        words = languages.of(visit_of(request).language.value)
        async with self._pool_of().acquire(timeout=5) as connection:
            household = await self._household(connection, parent)
            pupils = [kid.pupil.pupil for kid in household.kids]
            if (one := request.query_params.get("pupil")) is not None:
                if one not in pupils:
                    raise Problem(404, _NOTHING)
                pupils = [one]
            found = await told(
                connection, parent, household, words, pupils=pupils, limit=asked.limit, offset=asked.offset
            )
        return self._render(
            request,
            "parent/messages.html.j2",
            household,
            shown=Shown.of(asked, found),
            pupil=one,
            school_class=words.school_class,
        )

    @access(Access.PARENT, "this guardian's own choices, and what their papers leave open")
    async def settings(self, request: Request) -> Response:
        return await self._settings(request)

    async def _settings(self, request: Request, status: int = 200, wrong: str = "") -> Response:
        parent = parent_of(request)
        async with self._pool_of().acquire(timeout=5) as connection:
            household = await self._household(connection, parent)
            own = await preferences.read(connection, parent)
            newest = await preferences.newest(connection, parent)
        profile = self._profile_of(parent.school)
        return self._render(
            request,
            "parent/settings.html.j2",
            household,
            status=status,
            rows=choices.rows(household, own),
            newest=newest,
            wrong=wrong,
            modes=MODES,
            usual=USUAL,
            never=NEVER,
            channels=choices.CHANNELS,
            quiet=profile.quiet_hours,
        )

    @access(Access.PARENT, "changes this guardian's own preferences")
    async def save(self, request: Request) -> Response:
        parent = parent_of(request)
        sent = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        try:
            async with self._pool_of().acquire(timeout=5) as connection, connection.transaction():
                household = await self._household(connection, parent)
                saved = await preferences.change(
                    connection,
                    parent,
                    lambda before: choices.decide(household, before, sent),
                    "preferences.changed",
                )
        except Refused as refused:
            return await self._settings(request, 422, str(refused))
        return _back(SETTINGS, "saved" if saved else "same")

    @access(Access.PARENT, "takes back this guardian's last saving")
    async def undo(self, request: Request) -> Response:
        parent = parent_of(request)
        async with self._pool_of().acquire(timeout=5) as connection, connection.transaction():
            undone = await preferences.undo(connection, parent)
        return _back(SETTINGS, "undone") if undone else await self._settings(request, 409, _CHANGED_SINCE)

    @access(Access.PARENT, "this guardian's own papers and addresses, half hidden")
    async def papers(self, request: Request) -> Response:
        return await self._papers(request)

    async def _papers(self, request: Request, status: int = 200, wrong: str = "") -> Response:
        parent = parent_of(request)
        async with self._pool_of().acquire(timeout=5) as connection:
            household = await self._household(connection, parent)
        return self._render(
            request,
            "parent/papers.html.j2",
            household,
            status=status,
            wrong=wrong,
            states=STATES,
            item_titles=TITLES,
            name_of=self._name_of,
            push_key=self._push_key() if Channel.PUSH in self._on else "",
        )

    @access(Access.PARENT, "stops one of this guardian's own addresses")
    async def stop(self, request: Request) -> Response:
        parent = parent_of(request)
        async with self._pool_of().acquire(timeout=5) as connection, connection.transaction():
            contact = await self._contact(connection, request, parent)
            await contacts.stop(connection, self._links, parent, contact)
        return _back(PAPERS, "stopped")

    @access(Access.PARENT, "takes back this guardian's own stop of an address")
    async def resume(self, request: Request) -> Response:
        parent = parent_of(request)
        async with self._pool_of().acquire(timeout=5) as connection, connection.transaction():
            contact = await self._contact(connection, request, parent)
            resumed = contact.usable or await contacts.resume(connection, parent, contact)
        return _back(PAPERS, "resumed") if resumed else await self._papers(request, 409, _NOT_RESUMED)

    @access(Access.PARENT, "adds the device in hand, which its own session confirms")
    async def push(self, request: Request) -> Response:
        parent, sent = parent_of(request), (await request.form()).get("subscription")
        try:
            address = push_subscription(sent if isinstance(sent, str) else "")
        except Unfit:
            return await self._papers(request, 422, _NOT_A_SUBSCRIPTION)
        async with self._pool_of().acquire(timeout=5) as connection, connection.transaction():
            await contacts.add_device(connection, parent, address, now=self._clock.now())
        return _back(PAPERS, "push")

    async def _contact(self, connection: AnyConnection, request: Request, parent: Parent) -> OwnContact:
        """The address that the form names; 404 when it is not this guardian's."""
        named = (await request.form()).get("contact")
        for one in await contacts.read_contacts(connection, parent, now=self._clock.now()):
            if named == self._name_of(one):
                return one
        raise Problem(404, _NOTHING)

    def _name_of(self, contact: OwnContact) -> str:
        """What a form calls an address, without saying it."""
        return self._links.digest(f"{contact.channel} {contact.address}")

    async def _household(self, connection: AnyConnection, parent: Parent) -> Household:
        return await read_household(connection, parent, on=self._on, now=self._clock.now())

    def _render(
        self, request: Request, template: str, household: Household, *, status: int = 200, **more: Any
    ) -> Response:
        return self._pages.render(
            request,
            template,
            status=status,
            household=household,
            zone=household.school.timezone.key,
            done=_DONE.get(request.query_params.get("done", "")) if request.method == "GET" else None,
            said=because,
            **more,
        )


def _back(page: str, done: str) -> Response:
    return RedirectResponse(f"{page}?done={done}", 303)
