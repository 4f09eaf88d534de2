"""The administrator's pages: staff of the school, their roles, and access sheets (R-D2, R-F4)."""

from collections.abc import Callable, Sequence
from urllib.parse import urlencode

import asyncpg
import segno
from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from dispatcher.people import accounts
from dispatcher.people.accounts import Account, Entry
from dispatcher.people.invitations import Invited
from shared.access import Access, access
from shared.db import AnyConnection
from shared.staff import Role
from shared.web.errors import Problem
from shared.web.guard import staff_of
from shared.web.language import mark
from shared.web.listing import Asked, Shown
from shared.web.site import Site

HOME = "/dispatcher/accounts/"
ADMIN = frozenset({Role.ADMIN})
NOTHING = mark("Такой учётной записи нет.")
_NOT_SELF = mark("Себя отключить нельзя: попросите другого администратора.")
_NOBODY = mark("Листки печатать не для кого: у всех сотрудников школы уже есть пароль.")


class Desk:
    """Routes below `/accounts/`: the list, and what is done by one button."""

    def __init__(self, site: Site, pool_of: Callable[[], asyncpg.Pool], public_url: str) -> None:
        """`public_url` is printed on access sheets."""
        self._pages = site.pages
        self._pool_of = pool_of
        self._public_url = public_url

    def routes(self) -> APIRouter:
        routes = APIRouter(prefix="/accounts")
        routes.add_api_route("/", self.listed, methods=["GET"])
        routes.add_api_route("/disable", self.disable, methods=["POST"])
        routes.add_api_route("/enable", self.enable, methods=["POST"])
        routes.add_api_route("/sheets", self.sheets, methods=["POST"])
        return routes

    @access(Access.STAFF, "the school's own staff", roles=ADMIN)
    async def listed(self, request: Request) -> Response:
        staff, asked = staff_of(request), Asked.of(request)
        async with self._pool_of().acquire(timeout=5) as connection:
            found = await accounts.listed(connection, staff.scope, asked)
            waiting = await accounts.waiting(connection, staff.scope)
        return self._pages.render(
            request, "accounts.html.j2", shown=Shown.of(asked, found), waiting=waiting, entries=Entry
        )

    @access(Access.STAFF, "shuts out a member of the administrator's own school", roles=ADMIN)
    async def disable(self, request: Request) -> Response:
        by, (school, login) = staff_of(request), await _named(request)
        async with self._pool_of().acquire(timeout=5) as connection, connection.transaction():
            account = await known(connection, school, login)
            if account.key == by.key:
                raise Problem(409, _NOT_SELF)
            await accounts.disable(connection, by, account)
        return RedirectResponse(address(account), 303)

    @access(Access.STAFF, "lets a member of the administrator's own school in again", roles=ADMIN)
    async def enable(self, request: Request) -> Response:
        school, login = await _named(request)
        async with self._pool_of().acquire(timeout=5) as connection, connection.transaction():
            account = await known(connection, school, login)
            await accounts.enable(connection, staff_of(request), account)
        return RedirectResponse(address(account), 303)

    @access(Access.STAFF, "one-time codes for staff of the administrator's own school", roles=ADMIN)
    async def sheets(self, request: Request) -> Response:
        """For one account, or for all of the school that have no password yet."""
        by, (school, login) = staff_of(request), await _named(request)
        async with self._pool_of().acquire(timeout=5) as connection, connection.transaction():
            keys = [(school, login)] if login else await accounts.without_password(connection, school)
            invited = await accounts.invite_noted(connection, by, keys)
            people = [(one, await known(connection, one.school, one.login)) for one in invited]
            names = await accounts.schools(connection)
        if not people:
            raise Problem(409, NOTHING if login else _NOBODY)
        return self._pages.render(
            request,
            "access_sheets.html.j2",
            sheets=_with_codes(people, self._public_url),
            names=names,
            base=f"{self._public_url.rstrip('/')}{self._pages.path}/access",
            back=HOME,
        )


async def known(connection: AnyConnection, school: str, login: str) -> Account:
    """The account, or the answer that there is none."""
    found = await accounts.read(connection, school, login)
    if found is None:
        raise Problem(404, NOTHING)
    return found


def _with_codes(
    people: Sequence[tuple[Invited, Account]], public_url: str
) -> list[tuple[Invited, Account, Markup]]:
    """Beside each its picture for a phone's camera."""
    return [
        (
            invited,
            account,
            Markup(  # noqa: S704 - segno draws it from our own address and code
                segno.make(link(public_url, invited.code), error="m").svg_inline(
                    scale=4, border=2, light="#fff", omitsize=True
                )
            ),
        )
        for invited, account in people
    ]


def link(public_url: str, code: str) -> str:
    """Where the code opens."""
    return f"{public_url.rstrip('/')}/dispatcher/access/{code}"


def address(account: Account) -> str:
    return f"{HOME}account?{urlencode({'school': account.school, 'login': account.login})}"


async def _named(request: Request) -> tuple[str, str]:
    """School and login as a button sends them; the guard has compared the school."""
    form = await request.form()
    school, login = form.get("school"), form.get("login", "")
    if not isinstance(school, str) or not school or not isinstance(login, str):
        raise Problem(422, mark("Не сказано, о какой школе речь. Откройте страницу заново."))
    return school, login
