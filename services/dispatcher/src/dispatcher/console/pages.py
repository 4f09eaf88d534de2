"""The operators' pages for looking: numbers with their rows, families with an audit (R-B10, R-D2)."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Request
from starlette.responses import Response

from dispatcher import deadlines, reconcile, why, words
from dispatcher.console import drawing, overview
from dispatcher.console.family import read_message, read_name
from dispatcher.deadlines import SAID
from dispatcher.desk.find import find
from dispatcher.ledger import Period
from dispatcher.ledger_rows import lines, period_of, zone_of
from dispatcher.notices.notice import instant
from dispatcher.people import accounts
from dispatcher.sending.limits import Limits
from dispatcher.why_words import sentences
from shared import audit
from shared.access import Access, access
from shared.bus import dead
from shared.categories import Channel
from shared.clock import Clock
from shared.db import AnyConnection
from shared.staff import Role, Staff
from shared.topics import Service
from shared.web.errors import Problem
from shared.web.guard import staff_of
from shared.web.language import mark
from shared.web.listing import Asked, Shown
from shared.web.site import Site

HOME = "/dispatcher/"
LOOK = frozenset({Role.OPERATOR, Role.ADMIN, Role.IT})
FAMILIES = frozenset({Role.OPERATOR, Role.ADMIN})
NOTHING = mark("Такого нет, или это не ваша школа.")
_PAGE = 50
_REFRESH = {"Refresh": "60"}


class Console:
    """Routes for reading. An operator sees one school, an account of the whole installation all."""

    def __init__(
        self,
        site: Site,
        pool_of: Callable[[], asyncpg.Pool],
        clock: Clock,
        allowed: Mapping[Channel, Limits],
    ) -> None:
        """`allowed` are the providers' limits."""
        self._pages = site.pages
        self._pool_of = pool_of
        self._clock = clock
        self._allowed = allowed

    def routes(self) -> APIRouter:
        routes = APIRouter()
        pages: dict[str, Callable[..., Any]] = {
            "/": self.home,
            "/ledger": self.rows,
            "/check": self.check,
            "/late": self.late,
            "/dead-letters": self.dead_letters,
            "/families": self.families,
            "/family": self.family,
            "/message/{message}": self.message,
        }
        for path, page in pages.items():
            routes.add_api_route(path, page, methods=["GET"])
        return routes

    @access(Access.STAFF, "numbers without names", roles=LOOK)
    async def home(self, request: Request) -> Response:
        staff = staff_of(request)
        async with self._pool_of().acquire(timeout=5) as connection:
            period = await _period(connection, request, staff)
            found = await overview.read(connection, period, self._clock.now(), self._allowed)
            zone = await zone_of(connection, period.school)
            schools = await accounts.schools(connection) if staff.whole else {}
        return self._pages.render(
            request,
            "console.html.j2",
            headers=_REFRESH,
            found=found,
            bar=drawing.bar(found.total.columns),
            line=drawing.line,
            words=words,
            said=SAID,
            asked=request.query_params,
            period=_address(request),
            schools=schools,
            zone=zone.key,
            levers=await self._levers(staff),
        )

    @access(Access.STAFF, "decisions by ids, without names", roles=FAMILIES)
    async def rows(self, request: Request) -> Response:
        staff, asked = staff_of(request), Asked.of(request, "from", "to", "school", "place")
        place = request.query_params.get("place") or None
        async with self._pool_of().acquire(timeout=5) as connection:
            period = await _period(connection, request, staff)
            found = await lines(connection, period, place=place, limit=asked.limit, offset=asked.offset)
            zone = await zone_of(connection, period.school)
        return self._pages.render(
            request,
            "console_rows.html.j2",
            shown=Shown.of(asked, found),
            place=place if place in words.LEDGER else None,
            words=words,
            zone=zone.key,
            back=f"{HOME}?{_address(request)}",
        )

    @access(Access.STAFF, "rows of the ledger that disagree, by ids", roles=LOOK)
    async def check(self, request: Request) -> Response:
        staff = staff_of(request)
        async with self._pool_of().acquire(timeout=5) as connection:
            period = await _period(connection, request, staff)
            found = await reconcile.check(connection, period)
        return self._pages.render(
            request, "console_check.html.j2", found=found[:200], number=len(found), words=words
        )

    @access(Access.STAFF, "late decisions by ids", roles=FAMILIES)
    async def late(self, request: Request) -> Response:
        staff, now = staff_of(request), self._clock.now()
        after = _after(request)
        async with self._pool_of().acquire(timeout=5) as connection:
            school = _school(request, staff)
            found = await deadlines.page(connection, now, school=school, after=after, limit=_PAGE)
            zone = await zone_of(connection, school)
        following = None
        if len(found) == _PAGE:
            deadline, change, guardian = found[-1].key
            following = "?" + urlencode({"after": f"{deadline.isoformat()} {change} {guardian}"})
        return self._pages.render(
            request,
            "console_late.html.j2",
            found=found,
            following=following,
            words=words,
            said=SAID,
            zone=zone.key,
        )

    @access(Access.STAFF, "what the bus set aside, without its content", roles=LOOK)
    async def dead_letters(self, request: Request) -> Response:
        staff, asked = staff_of(request), Asked.of(request)
        async with self._pool_of().acquire(timeout=5) as connection:
            found = await dead.waiting(
                connection,
                Service.DISPATCHER,
                school=staff.scope,
                limit=asked.limit,
                offset=asked.offset,
            )
        return self._pages.render(
            request,
            "console_dead.html.j2",
            shown=Shown.of(asked, found),
            may=staff.role in FAMILIES,
        )

    @access(Access.STAFF, "finds one family of the operator's school; every look is kept", roles=FAMILIES)
    async def families(self, request: Request) -> Response:
        staff, asked = staff_of(request), Asked.of(request, "school")
        async with self._pool_of().acquire(timeout=5) as connection, connection.transaction():
            schools = await accounts.schools(connection)
            school = _school(request, staff) or (next(iter(schools)) if len(schools) == 1 else None)
            found = await find(connection, school, asked.text) if school and asked.text else []
            if found:
                people = sorted({one.guardian for pupil in found for one in pupil.guardians})
                await audit.note(
                    connection, Service.DISPATCHER, staff, "families.found", school=school, guardians=people
                )
        return self._pages.render(
            request,
            "console_families.html.j2",
            asked=asked,
            found=found,
            school=school,
            schools=schools if staff.whole else {},
        )

    @access(Access.STAFF, "one family's messages; every look is kept", roles=FAMILIES)
    async def family(self, request: Request) -> Response:
        staff, asked = staff_of(request), Asked.of(request, "school", "guardian")
        school, guardian = _school(request, staff), request.query_params.get("guardian", "")
        if school is None or not guardian:
            raise Problem(404, NOTHING)
        async with self._pool_of().acquire(timeout=5) as connection, connection.transaction():
            name = await read_name(connection, school, guardian)
            if name is None:
                raise Problem(404, NOTHING)
            question = why.Question(school, guardian)
            found = await why.explain(connection, question, limit=asked.limit, offset=asked.offset)
            await audit.note(
                connection, Service.DISPATCHER, staff, "family.looked_at", school=school, about=guardian
            )
            zone = await zone_of(connection, school)
        return self._pages.render(
            request,
            "console_family.html.j2",
            shown=Shown.of(asked, [(one, sentences(one)) for one in found]),
            name=name,
            school=school,
            guardian=guardian,
            words=words,
            zone=zone.key,
        )

    @access(Access.STAFF, "one message of the operator's school; every look is kept", roles=FAMILIES)
    async def message(self, request: Request, message: UUID) -> Response:
        staff = staff_of(request)
        async with self._pool_of().acquire(timeout=5) as connection, connection.transaction():
            found = await read_message(connection, message, staff.scope)
            if found is None:
                raise Problem(404, NOTHING)
            await audit.note(
                connection,
                Service.DISPATCHER,
                staff,
                "message.looked_at",
                school=found.school,
                about=found.guardian,
                message=str(message),
            )
            zone = await zone_of(connection, found.school)
        return self._pages.render(request, "console_message.html.j2", one=found, words=words, zone=zone.key)

    async def _levers(self, staff: Staff) -> bool:
        """Whether this person may pause a channel, which stops it for every school."""
        async with self._pool_of().acquire(timeout=5) as connection:
            return await may_pause(connection, staff)


async def may_pause(connection: AnyConnection, staff: Staff) -> bool:
    """An account of the whole installation may, or an operator where there is but one school."""
    if staff.role not in FAMILIES:
        return False
    return staff.whole or await connection.fetchval("SELECT count(*) FROM roster.school") <= 1


def _school(request: Request, staff: Staff) -> str | None:
    """The operator's own school; the one asked for by an account of the whole installation."""
    return staff.scope or request.query_params.get("school") or None


async def _period(connection: AnyConnection, request: Request, staff: Staff) -> Period:
    return await period_of(
        connection,
        school=_school(request, staff),
        first=_day(request.query_params.get("from")),
        last=_day(request.query_params.get("to")),
    )


def _day(said: str | None) -> date | None:
    """A day that makes no sense is none: the form shows what was understood."""
    try:
        found = date.fromisoformat(said or "")
    except ValueError:
        return None
    return found if 2000 <= found.year <= 2100 else None


def _address(request: Request) -> str:
    asked = request.query_params
    return urlencode({name: asked[name] for name in ("from", "to", "school") if asked.get(name)})


def _after(request: Request) -> deadlines.Key | None:
    """The last row of the page before; None begins at the beginning."""
    try:
        deadline, change, guardian = request.query_params.get("after", "").split(" ", 2)
        return instant(deadline), UUID(change), guardian
    except ValueError:
        return None
