"""The one place that lets people in: it does what a route's mark says (`shared.access`), before the route.

Order of questions for staff: who is it; may this role; is the form ours; is the school theirs. A
neighbour school's things are answered 404: whether they are there is nobody else's business.
"""

import hmac
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar
from urllib.parse import quote, urlsplit

import asyncpg
import structlog
from fastapi import Request
from starlette.datastructures import UploadFile

from shared.access import Access, Mark, mark_of
from shared.db import AnyConnection
from shared.parents import Parent
from shared.staff import Staff
from shared.web.errors import NotLoggedIn, Problem
from shared.web.language import mark
from shared.web.nav import ENTER, LOGIN
from shared.web.sessions import read_family_session, read_session
from shared.web.visit import Visit, visit_of

log = structlog.get_logger()

Person = TypeVar("Person", Staff, Parent)
Read = Callable[[AnyConnection, str], Awaitable[Person | None]]

CSRF_FIELD = "_csrf"
CSRF_HEADER = "x-csrf-token"
_SAFE = {"GET", "HEAD", "OPTIONS"}
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_LARGEST_FORM = 6 * 1024 * 1024  # bytes: a school's list, and nothing that fills the memory
_FORGED = mark("Форма устарела или открыта не на этом сайте. Ничего не изменено: откройте страницу заново.")


class Guard:
    """A dependency of a whole application. `pool_of` gives a pool that may read `people`, None while the
    service is not started; `public_url` is where people find the installation."""

    def __init__(self, pool_of: Callable[[], asyncpg.Pool | None], public_url: str) -> None:
        self._pool_of = pool_of
        self._origin = _origin(public_url)

    async def __call__(self, request: Request) -> None:
        rule = mark_of(request.scope.get("endpoint"))
        if rule is None:
            log.error("web.route_without_mark")
            raise Problem(403, mark("Кому можно открывать эту страницу, не сказано, поэтому она закрыта."))
        visit = visit_of(request)
        match rule.rule:
            case Access.STAFF:
                await self._staff(request, visit, rule)
            case Access.PARENT:
                await self._parent(request, visit)
            case Access.PUBLIC:
                if request.method not in _SAFE:
                    await self._own_form(request, visit)
            case Access.SIGNED_LINK | Access.ONE_TIME_LINK:
                visit.sealed = True
            case Access.JOURNAL_TOKEN | Access.GATEWAY_SECRET:
                pass

    async def _staff(self, request: Request, visit: Visit, rule: Mark) -> None:
        staff = visit.staff = await self._who(request, visit, visit.cookies.session, read_session)
        if staff is None:
            raise NotLoggedIn(_login(request))
        if staff.role not in rule.roles:
            raise Problem(403, mark("Эта страница не для вашей роли. Спросите администратора школы."))
        if request.method not in _SAFE:
            await self._own_form(request, visit)
        for school in await _named(request, "school"):
            if not staff.may_see_school(school):
                raise Problem(404, mark("Здесь ничего нет, или это не ваша школа."))

    async def _parent(self, request: Request, visit: Visit) -> None:
        """A guardian is nobody but themselves: whoever else a request names, there is nothing there."""
        parent = visit.parent = await self._who(request, visit, visit.cookies.family, read_family_session)
        if parent is None:
            raise NotLoggedIn(ENTER)
        if request.method not in _SAFE:
            await self._own_form(request, visit)
        for name, own in (("school", parent.school), ("guardian", parent.guardian)):
            if any(named != own for named in await _named(request, name)):
                raise Problem(404, mark("Здесь ничего нет."))

    async def _who(self, request: Request, visit: Visit, cookie: str, read: Read[Person]) -> Person | None:
        """Whose session the cookie of this name is."""
        seen = visit.cookies.open(request.cookies.get(cookie))
        if seen is None:
            return None
        pool = self._pool_of()
        if pool is None:
            raise Problem(503, mark("Служба ещё запускается. Повторите через минуту."))
        async with pool.acquire(timeout=5) as connection:
            person = await read(connection, seen.token)
        if person is None:
            visit.to_set.append(visit.cookies.forget(cookie))
            return None
        visit.session = seen.token
        if seen.stale:
            visit.to_set.append(visit.cookies.set(cookie, visit.cookies.seal(seen.token)))
        return person

    async def _own_form(self, request: Request, visit: Visit) -> None:
        """Refuses what another site sent: by where it came from, and by the token only our pages hold."""
        headers = request.headers
        foreign = headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}
        origin = headers.get("origin")
        if foreign or (origin is not None and not self._own_origin(request, origin)):
            raise Problem(403, _FORGED)
        given = headers.get(CSRF_HEADER)
        if given is None:
            given = str((await _form(request)).get(CSRF_FIELD, ""))
        if not hmac.compare_digest(given.encode("utf-8", "replace"), visit.csrf.encode()):
            raise Problem(403, _FORGED)

    def _own_origin(self, request: Request, origin: str) -> bool:
        return origin == self._origin or urlsplit(origin).netloc == request.headers.get("host")


def staff_of(request: Request) -> Staff:
    """The member of staff whom the guard let in; for routes marked STAFF only."""
    staff = visit_of(request).staff
    assert staff is not None, "the route is not marked STAFF"
    return staff


def parent_of(request: Request) -> Parent:
    """The guardian whom the guard let in; for routes marked PARENT only."""
    parent = visit_of(request).parent
    assert parent is not None, "the route is not marked PARENT"
    return parent


async def _form(request: Request) -> dict[str, str | UploadFile]:
    """The form's fields, the last of each name; empty when the request brings none."""
    if not request.headers.get("content-type", "").startswith(_FORMS):
        return {}
    length = request.headers.get("content-length", "")
    if not length.isdecimal():
        raise Problem(411, mark("Размер формы не назван. Ничего не изменено."))
    if int(length) > _LARGEST_FORM:
        raise Problem(413, mark("Ничего не изменено. Отправьте меньше за один раз."))
    return dict(await request.form())


async def _named(request: Request, name: str) -> list[str]:
    """Every value that the request gives under this name: path, query, form."""

    def given() -> Iterator[object]:
        yield from (request.path_params.get(name), *request.query_params.getlist(name))

    found = [*given(), *((await request.form()).getlist(name) if request.method not in _SAFE else ())]
    return [value for value in found if isinstance(value, str) and value]


def _login(request: Request) -> str:
    if request.method not in _SAFE:
        return LOGIN
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{LOGIN}?next={quote(request.url.path + query, safe='/')}"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
