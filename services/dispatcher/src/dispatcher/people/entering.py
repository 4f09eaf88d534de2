"""Pages of logging in and out."""

from collections.abc import Callable

import asyncpg
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response
from wtforms import PasswordField, StringField

from dispatcher.people import sessions
from dispatcher.people.login import LoggedIn, Logins, TooManyTries
from shared import audit
from shared.access import Access, access
from shared.staff import EVERY_ROLE
from shared.topics import Service
from shared.web.forms import Form, required, shorter_than, tidy
from shared.web.guard import staff_of
from shared.web.language import mark
from shared.web.nav import LOGIN, first_page
from shared.web.site import Site
from shared.web.visit import client_address, visit_of

WRONG = mark(
    "Логин или пароль не подошли. Если такой логин есть в нескольких школах, "
    "напишите его вместе со школой: школа/логин."
)
TOO_MANY = mark(
    "Слишком много неудачных попыток. Подождите 15 минут или попросите администратора о новой ссылке."
)
_DONE = {
    "password": mark("Пароль сохранён. Теперь войдите с ним."),
    "out": mark("Вы вышли."),
    "everywhere": mark("Вы вышли на всех устройствах."),
}


class LoginForm(Form):
    login = StringField(mark("Логин"), [required(mark("Введите логин.")), shorter_than(200)], filters=[tidy])
    password = PasswordField(mark("Пароль"), [required(mark("Введите пароль.")), shorter_than(200)])


def router(site: Site, pool_of: Callable[[], asyncpg.Pool], logins: Logins) -> APIRouter:
    """Routes `/login` and `/logout`."""
    routes = APIRouter()

    def page(request: Request, form: LoginForm, status: int = 200) -> Response:
        done = _DONE.get(request.query_params.get("done", ""))
        return site.pages.render(request, "login.html.j2", status=status, form=form, done=done)

    @routes.get("/login")
    @access(Access.PUBLIC, "the form by which staff come in")
    async def ask(request: Request) -> Response:
        return page(request, LoginForm())

    @routes.post("/login")
    @access(Access.PUBLIC, "lets staff in by their password; guessing is throttled")
    async def log_in(request: Request) -> Response:
        form = await LoginForm.read(request)
        if not form.validate():
            return page(request, form, 422)
        login, password = form.login.data or "", form.password.data or ""
        outcome = await logins.log_in(pool_of(), login, password, client_address(request))
        if not isinstance(outcome, LoggedIn):
            throttled = isinstance(outcome, TooManyTries)
            form.refuse(form.password, TOO_MANY if throttled else WRONG)
            return page(request, form, 429 if throttled else 422)
        visit = visit_of(request)
        visit.to_set.append(site.cookies.set(site.cookies.session, site.cookies.seal(outcome.token)))
        wanted = own_path(request.query_params.get("next"))
        return RedirectResponse(wanted or first_page(outcome.staff), 303)

    @routes.post("/logout")
    @access(Access.STAFF, "ends the session it is called in", roles=EVERY_ROLE)
    async def log_out(request: Request) -> Response:
        staff, visit = staff_of(request), visit_of(request)
        async with pool_of().acquire() as connection, connection.transaction():
            await sessions.end(connection, visit.session or "")
            await audit.note(
                connection, Service.DISPATCHER, staff, "logout.done", school=staff.school, about=staff.key
            )
        visit.to_set.append(site.cookies.forget(site.cookies.session))
        return RedirectResponse(f"{LOGIN}?done=out", 303)

    return routes


def own_path(wanted: str | None) -> str | None:
    """Where to go after logging in: a path of this installation, or nowhere."""
    fit = wanted and wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if fit else None
