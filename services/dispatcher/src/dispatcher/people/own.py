"""A person's own pages: the first password by a one-time link, another password, out everywhere."""

from collections.abc import Callable

import asyncpg
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response
from wtforms import PasswordField

from dispatcher.people import invitations, sessions
from dispatcher.people.changing import Changes
from dispatcher.people.passwords import objection
from shared import audit
from shared.access import Access, access
from shared.staff import EVERY_ROLE
from shared.topics import Service
from shared.web.errors import Problem
from shared.web.forms import Form, required, shorter_than
from shared.web.guard import staff_of
from shared.web.language import mark
from shared.web.nav import LOGIN, MY_PAGE
from shared.web.site import Site
from shared.web.visit import client_address, visit_of

_LONG = 100
_NO_LINK = mark(
    "Ссылка не подошла: она уже использована, заменена новой или устарела. Попросите у администратора другую."
)
_DIFFERENT = mark("Пароли не совпали. Введите один и тот же дважды.")
_WRONG_OLD = mark("Это не нынешний пароль, или попыток было слишком много: тогда подождите 15 минут.")


class NewPassword(Form):
    password = PasswordField(mark("Новый пароль"), [required(mark("Придумайте пароль.")), shorter_than(200)])
    again = PasswordField(mark("Ещё раз"), [required(mark("Повторите пароль.")), shorter_than(200)])

    def fits(self, login: str) -> bool:
        """Whether both are the same and may be set for `login`; says beside the field why not."""
        if not self.validate():
            return False
        if (why := objection(self.password.data or "", login)) is not None:
            self.refuse(self.password, why)
        elif self.password.data != self.again.data:
            self.refuse(self.again, _DIFFERENT)
        return not self.errors


class ChangePassword(NewPassword):
    old = PasswordField(
        mark("Нынешний пароль"), [required(mark("Введите нынешний пароль.")), shorter_than(200)]
    )


class OwnPages:
    """Routes `/access`, `/access/{code}` and `/my-access`."""

    def __init__(self, site: Site, pool_of: Callable[[], asyncpg.Pool], changes: Changes) -> None:
        self._pages, self._cookies = site.pages, site.cookies
        self._pool_of = pool_of
        self._changes = changes

    def routes(self) -> APIRouter:
        routes = APIRouter()
        routes.add_api_route("/access", self.type_code, methods=["GET"])
        routes.add_api_route("/access/{code}", self.first, methods=["GET", "POST"])
        routes.add_api_route("/my-access", self.my_access, methods=["GET", "POST"])
        routes.add_api_route("/my-access/everywhere", self.out_everywhere, methods=["POST"])
        return routes

    @access(Access.PUBLIC, "takes the code from an access sheet to its page")
    async def type_code(self, request: Request) -> Response:
        code = request.query_params.get("code", "").strip()
        if code.replace("-", "").replace(" ", "").isalnum() and code.isascii() and len(code) < _LONG:
            return RedirectResponse(f"{self._pages.path}/access/{code.replace(' ', '')}", 303)
        return self._pages.render(request, "access_code.html.j2", wrong="code" in request.query_params)

    @access(Access.ONE_TIME_LINK, "sets the password of the link's account, once")
    async def first(self, request: Request, code: str) -> Response:
        async with self._pool_of().acquire(timeout=5) as connection:
            staff = await invitations.whose(connection, code)
        if staff is None:
            raise Problem(404, _NO_LINK)
        form, sent = await NewPassword.read(request), request.method == "POST"
        if sent and form.fits(staff.login):
            new, address = form.password.data or "", client_address(request)
            if not await self._changes.by_link(self._pool_of(), code, staff, new, address):
                raise Problem(404, _NO_LINK)
            return RedirectResponse(f"{LOGIN}?done=password", 303)
        return self._pages.render(
            request, "first_password.html.j2", status=422 if sent else 200, form=form, person=staff
        )

    @access(Access.STAFF, "one's own name and role; another password for who knows the old", roles=EVERY_ROLE)
    async def my_access(self, request: Request) -> Response:
        form, sent = await ChangePassword.read(request), request.method == "POST"
        if sent and form.fits(staff_of(request).login) and await self._changed(request, form):
            return RedirectResponse(f"{MY_PAGE}?done=password", 303)
        done = request.query_params.get("done") == "password" and not sent
        return self._pages.render(
            request, "my_access.html.j2", status=422 if sent else 200, form=form, done=done
        )

    async def _changed(self, request: Request, form: ChangePassword) -> bool:
        staff, visit = staff_of(request), visit_of(request)
        old, new = form.old.data or "", form.password.data or ""
        token = await self._changes.by_owner(self._pool_of(), staff, old, new, client_address(request))
        if token is None:
            form.refuse(form.old, _WRONG_OLD)
            return False
        visit.to_set.append(self._cookies.set(self._cookies.session, self._cookies.seal(token)))
        return True

    @access(Access.STAFF, "ends all of one's own sessions", roles=EVERY_ROLE)
    async def out_everywhere(self, request: Request) -> Response:
        staff, visit = staff_of(request), visit_of(request)
        async with self._pool_of().acquire(timeout=5) as connection, connection.transaction():
            ended = await sessions.end_all(connection, staff.school, staff.login)
            await audit.note(
                connection,
                Service.DISPATCHER,
                staff,
                "logout.everywhere",
                school=staff.school,
                about=staff.key,
                sessions=ended,
            )
        visit.to_set.append(self._cookies.forget(self._cookies.session))
        return RedirectResponse(f"{LOGIN}?done=everywhere", 303)
