"""What every page of the desk needs: one school, its day, and who is asking (R-D1).

A member of staff of one school works there; an account of the whole installation names the school in
the address, which the guard has compared already.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import asyncpg
from fastapi import Request
from starlette.responses import RedirectResponse, Response

from dispatcher.desk.paths import part
from dispatcher.desk.questions import Questions
from shared.clock import Clock
from shared.db import AnyConnection
from shared.settings import Profile, Settings
from shared.staff import Role, Staff
from shared.web.errors import Problem
from shared.web.guard import staff_of
from shared.web.language import mark
from shared.web.site import Site

HOME = "/dispatcher/desk/"
DESK = frozenset({Role.SECRETARY, Role.ADMIN})
"""Who sits at the desk."""

NO_SCHOOL = mark("Здесь ничего нет, или это не ваша школа.")


@dataclass(frozen=True, slots=True)
class Place:
    """The school at whose desk somebody sits. `today` is the school's date; `named` says that addresses
    name the school: the person sees several."""

    school: str
    name: str
    zone: ZoneInfo
    today: date
    named: bool = False

    def to(self, *parts: str, **query: str) -> str:
        """The address of a page of this desk: `to("families", pupil, "sheet", guardian=…)`."""
        asked = {"school": self.school, **query} if self.named else query
        path = HOME + "/".join(map(part, parts))
        return f"{path}?{urlencode(asked)}" if asked else path

    def family(self, pupil: str, **query: str) -> str:
        """The family page of a pupil."""
        return self.to("families", pupil, **query)


@dataclass(frozen=True, slots=True)
class Entered:
    """A request at the desk: a transaction, who asks, and where."""

    connection: AnyConnection
    staff: Staff
    place: Place


class Room:
    """Shared by all pages of the desk. A page does its work inside `enter`: one transaction, which a
    raised Problem undoes; nothing of the network happens in it."""

    def __init__(
        self, site: Site, pool_of: Callable[[], asyncpg.Pool], clock: Clock, settings: Settings
    ) -> None:
        self.pages = site.pages
        self.clock = clock
        self.pool_of = pool_of
        self.profile_of: Callable[[str], Profile] = settings.profile_of
        self.key: Callable[[], bytes] = settings.signing_key
        self.questions = Questions(settings.signing_key)

    @asynccontextmanager
    async def enter(self, request: Request) -> AsyncIterator[Entered]:
        """Raises Problem 404 where no school is meant."""
        staff = staff_of(request)
        async with self.pool_of().acquire(timeout=5) as connection, connection.transaction():
            yield Entered(connection, staff, await self._place(connection, request, staff))

    async def which_school(self, request: Request) -> Response | None:
        """For the desk's first page: an account of several schools chooses one; None when one is meant."""
        if not staff_of(request).whole or request.query_params.get("school"):
            return None
        async with self.pool_of().acquire(timeout=5) as connection:
            rows = await connection.fetch("SELECT school, name FROM roster.school ORDER BY name, school")
        if len(rows) == 1:
            return None
        return self.pages.render(
            request, "desk/schools.html.j2", schools={row["school"]: row["name"] for row in rows}, home=HOME
        )

    def render(
        self, request: Request, template: str, place: Place, *, status: int = 200, **context: Any
    ) -> Response:
        """A page of `pages/desk/`. In the template: `place`, `place.to(…)`, `zone` for `moment`."""
        return self.pages.render(
            request, f"desk/{template}", status=status, place=place, zone=place.zone.key, **context
        )

    def to_family(self, place: Place, pupil: str, **query: str) -> Response:
        """After something was done: back to the family, which says what follows (`done=…`)."""
        return RedirectResponse(place.family(pupil, **query), 303)

    async def _place(self, connection: AnyConnection, request: Request, staff: Staff) -> Place:
        school = request.query_params.get("school") if staff.whole else staff.school
        row = await connection.fetchrow(
            """SELECT school, name, timezone FROM roster.school
               WHERE school = $1 OR ($1::text IS NULL AND (SELECT count(*) FROM roster.school) = 1)""",
            school,
        )
        if row is None:
            raise Problem(404, NO_SCHOOL)
        zone = ZoneInfo(row["timezone"])
        today = self.clock.now().astimezone(zone).date()
        return Place(row["school"], row["name"], zone, today, named=staff.whole)
