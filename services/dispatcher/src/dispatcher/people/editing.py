"""The administrator's forms: a new member of staff, and one's name, role and e-mail (R-D2)."""

from collections.abc import Callable

import asyncpg
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response
from wtforms import HiddenField, SelectField, StringField

from dispatcher.people import accounts
from dispatcher.people.accounts import Account, Entry, UnfitAccount
from dispatcher.people.desk import ADMIN, HOME, address, known
from shared.access import Access, access
from shared.db import AnyConnection
from shared.staff import WHOLE_INSTALLATION, Role, Staff
from shared.web.errors import Problem
from shared.web.forms import Form, required, shorter_than, tidy
from shared.web.guard import staff_of
from shared.web.language import mark
from shared.web.nav import ROLES
from shared.web.site import Site

_WHOLE = mark("Вся установка")
_TAKEN = mark("Такой логин в этой школе уже есть.")
_OWN_ROLE = mark("Свою роль сменить нельзя: попросите другого администратора.")
_NO_SLASH = mark("Уберите из логина пробелы и знак «/».")
_MEANWHILE = mark("Запись изменилась, пока страница была открыта. Откройте её заново.")


class AccountForm(Form):
    name = StringField(mark("Имя"), [required(mark("Введите имя.")), shorter_than(200)], filters=[tidy])
    role = SelectField(mark("Роль"), choices={role.value: name for role, name in ROLES.items()})
    email = StringField(mark("Почта"), [shorter_than(200)], filters=[tidy])
    was_name, was_role, was_email = HiddenField(), HiddenField(), HiddenField()


class NewAccountForm(AccountForm):
    school = SelectField(mark("Школа"))
    login = StringField(mark("Логин"), [required(mark("Введите логин.")), shorter_than(100)], filters=[tidy])


class Editing:
    """Routes `/accounts/new` and `/accounts/account`."""

    def __init__(self, site: Site, pool_of: Callable[[], asyncpg.Pool]) -> None:
        self._pages = site.pages
        self._pool_of = pool_of

    def routes(self) -> APIRouter:
        routes = APIRouter(prefix="/accounts")
        routes.add_api_route("/new", self.new, methods=["GET", "POST"])
        routes.add_api_route("/account", self.one, methods=["GET"])
        routes.add_api_route("/account", self.change, methods=["POST"])
        return routes

    @access(Access.STAFF, "makes an account of the administrator's own school", roles=ADMIN)
    async def new(self, request: Request) -> Response:
        sent = request.method == "POST"
        async with self._pool_of().acquire(timeout=5) as connection, connection.transaction():
            form = await _new_form(request, connection)
            if sent and form.validate():
                given = _given(form, form.school.data, form.login.data or "")
                if (wrong := await _make(connection, staff_of(request), given)) is None:
                    return RedirectResponse(address(given), 303)
                form.refuse(form[wrong[0]], wrong[1])
        return self._pages.render(
            request, "account_new.html.j2", status=422 if sent else 200, form=form, back=HOME
        )

    @access(Access.STAFF, "one account of the administrator's own school", roles=ADMIN)
    async def one(self, request: Request, school: str, login: str) -> Response:
        async with self._pool_of().acquire(timeout=5) as connection:
            account = await known(connection, school, login)
        shown = {"name": account.name, "role": account.role.value, "email": account.email}
        form = AccountForm(None, data={**shown, **{f"was_{name}": value for name, value in shown.items()}})
        return self._page(request, form, account)

    @access(Access.STAFF, "changes one account of the administrator's own school", roles=ADMIN)
    async def change(self, request: Request, school: str, login: str) -> Response:
        by, form = staff_of(request), await AccountForm.read(request)
        async with self._pool_of().acquire(timeout=5) as connection, connection.transaction():
            account = await known(connection, school, login)
            if form.validate():
                to = _given(form, school, login)
                if account.key == by.key and to.role is not account.role:
                    form.refuse(form.role, _OWN_ROLE)
                elif account.school == WHOLE_INSTALLATION and to.role is Role.TEACHER:
                    form.refuse(form.role, accounts.ONE_SCHOOL)
                elif not await accounts.change(connection, by, _was(form, account), to):
                    raise Problem(409, _MEANWHILE)
                else:
                    return RedirectResponse(HOME, 303)
        return self._page(request, form, account, 422)

    def _page(self, request: Request, form: AccountForm, account: Account, status: int = 200) -> Response:
        return self._pages.render(
            request, "account.html.j2", status=status, form=form, account=account, back=HOME, entries=Entry
        )


async def _new_form(request: Request, connection: AnyConnection) -> NewAccountForm:
    """With the schools this administrator may choose from."""
    staff, form = staff_of(request), await NewAccountForm.read(request)
    known = await accounts.schools(connection)
    form.school.choices = (
        {WHOLE_INSTALLATION: _WHOLE, **known}
        if staff.whole
        else {staff.school: known.get(staff.school, staff.school)}
    )
    return form


async def _make(connection: AnyConnection, by: Staff, given: Account) -> tuple[str, str] | None:
    """Makes the account; else the field that stands in the way, and why."""
    if any(char.isspace() or char == "/" for char in given.login):
        return "login", _NO_SLASH
    try:
        return None if await accounts.create(connection, by, given) else ("login", _TAKEN)
    except UnfitAccount as unfit:
        return "school", str(unfit)


def _given(form: AccountForm, school: str, login: str) -> Account:
    return Account(
        school, login, Role(form.role.data), form.name.data or "", form.email.data or "", Entry.NONE
    )


def _was(form: AccountForm, now: Account) -> Account:
    """As the person saw it; what a form does not say truly is changed by nobody."""
    role = Role(form.was_role.data) if form.was_role.data in set(Role) else now.role
    return Account(
        now.school, now.login, role, form.was_name.data or "", form.was_email.data or "", now.entry
    )
