"""The operators' levers behind buttons: each with a reason, each answered by the page it was pulled on."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from dispatcher.console.pages import FAMILIES, HOME, NOTHING, may_pause
from dispatcher.operating import cancel, replay
from dispatcher.operating.reroute import ChannelClosed, Rerouting
from dispatcher.sending import pauses
from shared.access import Access, access
from shared.bus import dead
from shared.bus.base import Subscription
from shared.bus.dead import Again
from shared.categories import ELECTRONIC, Channel
from shared.clock import Clock
from shared.deed import Deed, ReasonMissing
from shared.staff import Staff
from shared.topics import Service
from shared.web.errors import Problem
from shared.web.guard import staff_of
from shared.web.language import mark
from shared.web.site import Site

_NO_REASON = mark("Ничего не сделано: напишите причину, от трёх знаков до пятисот.")
_LATE = mark("Ничего не сделано: сообщение уже в другом состоянии. Откройте его страницу заново.")
_TOO_LATE = mark("Ничего не сделано: срок вышел, сообщать поздно.")
_CLOSED = mark("Ничего не сделано: у семьи нет рабочего адреса на этом канале, или канал выключен.")
_NOT_ALLOWED = mark("Ничего не сделано: ждущих сведений, которым согласия открывают этот канал, нет.")
_STILL = mark("Разобрать не удалось: причина ещё не устранена, она показана в списке.")
_WHOLE = mark("Канал общий для всех школ: его останавливает тот, кто отвечает за всю установку.")


class Acts:
    """Routes that change something."""

    def __init__(
        self,
        site: Site,
        pool_of: Callable[[], asyncpg.Pool],
        clock: Clock,
        *,
        rerouting: Rerouting,
        subscriptions: list[Subscription],
    ) -> None:
        self._pages = site.pages
        self._pool_of = pool_of
        self._clock = clock
        self._rerouting = rerouting
        self._subscriptions = subscriptions

    def routes(self) -> APIRouter:
        routes = APIRouter()
        acts: dict[str, Callable[..., Any]] = {
            "/message/{message}/replay": self.replay,
            "/message/{message}/cancel": self.cancel,
            "/change/{change}/stop": self.stop,
            "/family/reroute": self.reroute,
            "/dead-letters/{letter}/replay": self.replay_letter,
            "/dead-letters/{letter}/discard": self.discard_letter,
            "/channel/{channel}/pause": self.pause,
            "/channel/{channel}/resume": self.resume,
        }
        for path, act in acts.items():
            routes.add_api_route(path, act, methods=["POST"])
        return routes

    @access(Access.STAFF, "sends a failed message of the operator's school again", roles=FAMILIES)
    async def replay(self, request: Request, message: UUID) -> Response:
        deed = await _deed(request)
        async with self._pool_of().acquire(timeout=5) as connection:
            done = await replay.replay(connection, [message], deed, now=self._clock.now())
        if not done.replayed:
            raise Problem(409, _TOO_LATE if done.too_late else _LATE)
        return _back(f"message/{message}")

    @access(Access.STAFF, "keeps back a waiting message of the operator's school", roles=FAMILIES)
    async def cancel(self, request: Request, message: UUID) -> Response:
        deed = await _deed(request)
        async with self._pool_of().acquire(timeout=5) as connection:
            done = await cancel.cancel_messages(connection, [message], deed, now=self._clock.now())
        if not done.cancelled:
            raise Problem(409, _LATE)
        return _back(f"message/{message}")

    @access(Access.STAFF, "stops a change of the operator's school, such as an announcement", roles=FAMILIES)
    async def stop(self, request: Request, change: UUID) -> Response:
        deed = await _deed(request)
        async with self._pool_of().acquire(timeout=5) as connection:
            try:
                done = await cancel.stop_change(connection, change, deed, now=self._clock.now())
            except cancel.NoSuchChange:
                raise Problem(404, NOTHING) from None
        return self._pages.render(request, "console_stopped.html.j2", done=done, change=change)

    @access(Access.STAFF, "another channel for a family of the operator's school", roles=FAMILIES)
    async def reroute(self, request: Request) -> Response:
        staff, form = staff_of(request), await request.form()
        school, guardian, to = (str(form.get(name, "")) for name in ("school", "guardian", "to"))
        school = staff.scope or school
        if not school or not guardian or to not in ELECTRONIC:
            raise Problem(422, NOTHING)
        deed = await _deed(request)
        async with self._pool_of().acquire(timeout=5) as connection:
            try:
                done = await self._rerouting.reroute(
                    connection, school=school, guardian=guardian, to=Channel(to), deed=deed
                )
            except ChannelClosed:
                raise Problem(409, _CLOSED) from None
        if not done.moved:
            raise Problem(409, _NOT_ALLOWED)
        return _back(f"family?{urlencode({'school': school, 'guardian': guardian})}")

    @access(Access.STAFF, "a record of the operator's school is read again", roles=FAMILIES)
    async def replay_letter(self, request: Request, letter: UUID) -> Response:
        deed = await _deed(request)
        done = await dead.replay(self._pool_of(), Service.DISPATCHER, self._subscriptions, [letter], deed)
        match done[letter]:
            case Again.NOT_THERE:
                raise Problem(404, NOTHING)
            case Again.REFUSED:
                raise Problem(409, _STILL)
        return _back("dead-letters")

    @access(Access.STAFF, "a record of the operator's school is let go", roles=FAMILIES)
    async def discard_letter(self, request: Request, letter: UUID) -> Response:
        deed = await _deed(request)
        async with self._pool_of().acquire(timeout=5) as connection, connection.transaction():
            done = await dead.discard(connection, Service.DISPATCHER, [letter], deed)
        if not done:
            raise Problem(404, NOTHING)
        return _back("dead-letters")

    @access(Access.STAFF, "stops a channel of the installation", roles=FAMILIES, example={"channel": "email"})
    async def pause(self, request: Request, channel: Channel) -> Response:
        deed = await self._whole(request, channel)
        async with self._pool_of().acquire(timeout=5) as connection, connection.transaction():
            await pauses.pause(connection, channel, deed.reason, by=deed.actor)
        return _back("")

    @access(
        Access.STAFF, "lets a channel of the installation go on", roles=FAMILIES, example={"channel": "email"}
    )
    async def resume(self, request: Request, channel: Channel) -> Response:
        deed = await self._whole(request, channel)
        async with self._pool_of().acquire(timeout=5) as connection, connection.transaction():
            await pauses.resume(connection, channel, deed.reason, by=deed.actor)
        return _back("")

    async def _whole(self, request: Request, channel: Channel) -> Deed:
        if channel not in ELECTRONIC:
            raise Problem(404, NOTHING)
        async with self._pool_of().acquire(timeout=5) as connection:
            if not await may_pause(connection, staff_of(request)):
                raise Problem(409, _WHOLE)
        return await _deed(request)


async def _deed(request: Request) -> Deed:
    staff: Staff = staff_of(request)
    try:
        return Deed(staff, str((await request.form()).get("reason", "")), staff.scope)
    except ReasonMissing:
        raise Problem(422, _NO_REASON) from None


def _back(to: str) -> RedirectResponse:
    return RedirectResponse(f"{HOME}{to}", 303)
