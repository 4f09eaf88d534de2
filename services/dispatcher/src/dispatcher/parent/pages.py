"""The pages of a guardian who is in: messages, how to tell, papers and addresses (R-C4, R-C7, R-D1).

Every statement names the guardian of the session; a child is named only if the page knows it today.
"""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from dispatcher.papers import push_subscription
from dispatcher.parent import choices, contacts, preferences
from dispatcher.parent.choices import MODES, NEVER, USUAL, Refused
from dispatcher.parent.contacts import State
from dispatcher.parent.new_contact import BY_CODE
from dispatcher.parent.room import NOTHING, PAPERS, SETTINGS, Room, back
from dispatcher.parent.told import told
from dispatcher.texts import words as languages
from shared.access import Access, access
from shared.categories import Channel
from shared.cells import Unfit
from shared.consent_items import TITLES
from shared.settings import Profile
from shared.web.errors import Problem
from shared.web.guard import parent_of
from shared.web.language import mark
from shared.web.listing import Asked, Shown
from shared.web.visit import visit_of

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


class FamilyPages:
    """Routes `/me/…` behind a guardian's session. `push_key`: the key by which a browser subscribes."""

    def __init__(
        self, room: Room, *, profile_of: Callable[[str], Profile], push_key: Callable[[], str]
    ) -> None:
        self._room = room
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
        async with self._room.pool_of().acquire(timeout=5) as connection:
            household = await self._room.household(connection, parent)
            pupils = [kid.pupil.pupil for kid in household.kids]
            if (one := request.query_params.get("pupil")) is not None:
                if one not in pupils:
                    raise Problem(404, NOTHING)
                pupils = [one]
            found = await told(
                connection, parent, household, words, pupils=pupils, limit=asked.limit, offset=asked.offset
            )
        return self._room.render(
            request,
            "messages.html.j2",
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
        async with self._room.pool_of().acquire(timeout=5) as connection:
            household = await self._room.household(connection, parent)
            own = await preferences.read(connection, parent)
            newest = await preferences.newest(connection, parent)
        profile = self._profile_of(parent.school)
        return self._room.render(
            request,
            "settings.html.j2",
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
            async with self._room.pool_of().acquire(timeout=5) as connection, connection.transaction():
                household = await self._room.household(connection, parent)
                saved = await preferences.change(
                    connection,
                    parent,
                    lambda before: choices.decide(household, before, sent),
                    "preferences.changed",
                )
        except Refused as refused:
            return await self._settings(request, 422, str(refused))
        return back(SETTINGS, "saved" if saved else "same")

    @access(Access.PARENT, "takes back this guardian's last saving")
    async def undo(self, request: Request) -> Response:
        parent = parent_of(request)
        async with self._room.pool_of().acquire(timeout=5) as connection, connection.transaction():
            undone = await preferences.undo(connection, parent)
        return back(SETTINGS, "undone") if undone else await self._settings(request, 409, _CHANGED_SINCE)

    @access(Access.PARENT, "this guardian's own papers and addresses, half hidden")
    async def papers(self, request: Request) -> Response:
        return await self._papers(request)

    async def _papers(self, request: Request, status: int = 200, wrong: str = "") -> Response:
        parent = parent_of(request)
        async with self._room.pool_of().acquire(timeout=5) as connection:
            household = await self._room.household(connection, parent)
        return self._room.render(
            request,
            "papers.html.j2",
            household,
            status=status,
            wrong=wrong,
            states=STATES,
            item_titles=TITLES,
            name_of=self._room.name_of,
            push_key=self._push_key() if Channel.PUSH in self._room.on else "",
            by_code=[one for one in BY_CODE if choices.closed_to_addresses(household, one) is None],
        )

    @access(Access.PARENT, "stops one of this guardian's own addresses")
    async def stop(self, request: Request) -> Response:
        parent = parent_of(request)
        async with self._room.pool_of().acquire(timeout=5) as connection, connection.transaction():
            contact = await self._room.contact(connection, request, parent)
            await contacts.stop(connection, self._room.links, parent, contact)
        return back(PAPERS, "stopped")

    @access(Access.PARENT, "takes back this guardian's own stop of an address")
    async def resume(self, request: Request) -> Response:
        parent = parent_of(request)
        async with self._room.pool_of().acquire(timeout=5) as connection, connection.transaction():
            contact = await self._room.contact(connection, request, parent)
            resumed = contact.usable or await contacts.resume(connection, parent, contact)
        return back(PAPERS, "resumed") if resumed else await self._papers(request, 409, _NOT_RESUMED)

    @access(Access.PARENT, "adds the device in hand, which its own session confirms")
    async def push(self, request: Request) -> Response:
        parent, sent = parent_of(request), (await request.form()).get("subscription")
        try:
            address = push_subscription(sent if isinstance(sent, str) else "")
        except Unfit:
            return await self._papers(request, 422, _NOT_A_SUBSCRIPTION)
        async with self._room.pool_of().acquire(timeout=5) as connection, connection.transaction():
            await contacts.add_device(connection, parent, address, now=self._room.clock.now())
        return back(PAPERS, "push")
