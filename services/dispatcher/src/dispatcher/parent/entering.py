"""Coming in: a contact is typed, a link goes there if it is known, a button behind the link opens the page.

Whether a contact is known shows neither in the answer nor in its time: the work is done after it.
"""

from collections import defaultdict
from collections.abc import Callable
from uuid import UUID

import asyncpg
import structlog
from fastapi import APIRouter, Request
from starlette.background import BackgroundTask
from starlette.responses import RedirectResponse, Response
from wtforms import StringField

from dispatcher.papers import email_address, phone_number
from dispatcher.parent import links, sessions
from dispatcher.parent.letter import LinkLetters
from dispatcher.parent.links import Link
from dispatcher.people import throttle
from dispatcher.people.throttle import PER_ADDRESS, PER_CONTACT, Throttle
from dispatcher.sending.direct import Direct
from shared import audit
from shared.access import Access, access
from shared.categories import Channel
from shared.cells import Unfit
from shared.clock import Clock
from shared.topics import Service
from shared.web.errors import Problem
from shared.web.forms import Form, required, shorter_than, tidy
from shared.web.guard import parent_of
from shared.web.language import mark
from shared.web.nav import ENTER
from shared.web.site import Site
from shared.web.visit import client_address, visit_of

log = structlog.get_logger()

HOME = "/dispatcher/me/"
WHO = "family"
_NOT_A_CONTACT = mark(
    "Напишите адрес почты (вид: name@mail.ru) или номер мобильного (вид: +7 900 123-45-67)."
)
_TOO_MANY = mark("Ссылку запрашивали уже несколько раз. Проверьте почту и СМС или подождите 15 минут.")
_NO_LINK = mark(
    "Ссылка не подошла: она уже использована, заменена новой или устарела. Запросите другую, это быстро."
)


class AskForm(Form):
    contact = StringField(
        mark("Адрес почты или номер мобильного"),
        [required(mark("Напишите адрес или номер.")), shorter_than(254)],
        filters=[tidy],
    )


class Entering:
    """Routes `/me/enter`, `/me/in/{token}` and `/me/logout`."""

    def __init__(
        self,
        site: Site,
        pool_of: Callable[[], asyncpg.Pool],
        clock: Clock,
        *,
        throttle: Throttle,
        direct: Direct,
        letters: LinkLetters,
    ) -> None:
        self._pages, self._cookies = site.pages, site.cookies
        self._pool_of = pool_of
        self._clock = clock
        self._throttle = throttle
        self._direct = direct
        self._letters = letters

    def routes(self) -> APIRouter:
        routes = APIRouter()
        routes.add_api_route("/me/enter", self.ask, methods=["GET", "POST"])
        routes.add_api_route("/me/in/{token}", self.come_in, methods=["GET", "POST"])
        routes.add_api_route("/me/logout", self.log_out, methods=["POST"])
        return routes

    @access(Access.PUBLIC, "takes a contact and answers the same to everybody; asking is throttled")
    async def ask(self, request: Request) -> Response:
        form, sent = await AskForm.read(request), request.method == "POST"
        done = request.query_params.get("done")
        if not sent or not form.validate():
            status = 422 if sent else 200
            return self._pages.render(request, "parent/enter.html.j2", status=status, form=form, done=done)
        try:
            channel, address = contact_of(form.contact.data or "")
        except Unfit:
            form.refuse(form.contact, _NOT_A_CONTACT)
            return self._pages.render(request, "parent/enter.html.j2", status=422, form=form, done=None)
        keys = self._throttle.family_keys(address, client_address(request))
        async with self._pool_of().acquire(timeout=5) as connection:
            fine = await throttle.may_try(connection, keys, most=(PER_CONTACT, PER_ADDRESS))
        if not fine:
            form.refuse(form.contact, _TOO_MANY)
            return self._pages.render(request, "parent/enter.html.j2", status=429, form=form, done=None)
        answer = RedirectResponse(f"{ENTER}?done=sent", 303)
        answer.background = BackgroundTask(self._send, channel, address)
        return answer

    @access(Access.ONE_TIME_LINK, "shows a button, for scanners open every link; the button lets in, once")
    async def come_in(self, request: Request, token: str) -> Response:
        now = self._clock.now()
        if request.method == "GET":
            async with self._pool_of().acquire(timeout=5) as connection:
                parent = await links.whose(connection, token, now=now)
            if parent is None:
                return self._refused(request)
            return self._pages.render(request, "parent/come_in.html.j2", name=parent.name)
        async with self._pool_of().acquire(timeout=5) as connection, connection.transaction():
            parent = await links.use(connection, token, now=now)
            if parent is None:
                return self._refused(request)
            session = await sessions.begin(connection, parent)
            await audit.note(
                connection,
                Service.DISPATCHER,
                WHO,
                "family.entered",
                school=parent.school,
                about=parent.guardian,
            )
        visit_of(request).to_set.append(self._cookies.set(self._cookies.family, self._cookies.seal(session)))
        return RedirectResponse(HOME, 303)

    @access(Access.PARENT, "ends the session it is called in")
    async def log_out(self, request: Request) -> Response:
        parent, visit = parent_of(request), visit_of(request)
        async with self._pool_of().acquire(timeout=5) as connection, connection.transaction():
            await sessions.end(connection, visit.session or "")
            await audit.note(
                connection,
                Service.DISPATCHER,
                WHO,
                "family.left",
                school=parent.school,
                about=parent.guardian,
            )
        visit.to_set.append(self._cookies.forget(self._cookies.family))
        return RedirectResponse(f"{ENTER}?done=out", 303)

    def _refused(self, request: Request) -> Response:
        if not visit_of(request).wants_html:
            raise Problem(404, _NO_LINK)
        return self._pages.render(request, "parent/no_link.html.j2", status=404, text=_NO_LINK)

    async def _send(self, channel: Channel, address: str) -> None:
        """After the answer: links to whoever has this contact, and nothing to anybody else."""
        now = self._clock.now()
        async with self._pool_of().acquire(timeout=5) as connection, connection.transaction():
            made = await links.make(connection, channel, address, now=now)
            await throttle.forget_old(connection)
            for one in made:
                parent = one.parent
                await audit.note(
                    connection,
                    Service.DISPATCHER,
                    WHO,
                    "family.link_made",
                    school=parent.school,
                    about=parent.guardian,
                    channel=channel.value,
                )
        if channel is Channel.EMAIL:
            together: dict[str, list[Link]] = defaultdict(list)
            for one in made:
                together[one.address].append(one)
            for to, held in together.items():
                message, school = await self._number(), held[0].parent.school
                content = self._letters.mail(message, held, now=now)
                await self._direct.mail(message, school=school, address=to, content=content)
        else:
            for one in made:  # each school pays for its own
                await self._direct.sms(
                    await self._number(),
                    school=one.parent.school,
                    address=one.address,
                    text=self._letters.sms(one),
                )

    async def _number(self) -> UUID:
        number: UUID = await self._pool_of().fetchval("SELECT uuidv7()")
        return number


def contact_of(said: str) -> tuple[Channel, str]:
    """What was typed as an address in its one spelling. Raises Unfit."""
    if "@" in said:
        return Channel.EMAIL, email_address(said)
    return Channel.SMS, phone_number(said)
