"""Families without a decision, by class, and the forms to give them (R-B9, R-C11)."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from fastapi import APIRouter, Request
from starlette.responses import Response

from dispatcher.desk import blanks, undecided
from dispatcher.desk.blanks import Child
from dispatcher.desk.family import read_family
from dispatcher.desk.refusal_pages import NO_PDF, PDF
from dispatcher.desk.room import DESK, Entered, Room
from dispatcher.desk.school_year import classes_begin
from dispatcher.desk.undecided import SAID
from shared.access import Access, access
from shared.audit import note
from shared.registry import Families
from shared.topics import Service
from shared.typesetting.compile import CompileFailed
from shared.web.errors import Problem
from shared.web.language import mark

_NO_CLASS = mark("Такого класса в списках школы нет.")
_NOBODY = mark("В этом классе решили все семьи: бланки печатать не для кого.")


class UndecidedPages:
    """Routes `/desk/undecided` and `/desk/forms/…`."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def routes(self) -> APIRouter:
        routes = APIRouter(prefix="/desk")
        routes.add_api_route("/undecided", self.by_class, methods=["GET"])
        routes.add_api_route("/undecided/class", self.one_class, methods=["GET"])
        routes.add_api_route("/forms/invitation.pdf", self.invitation, methods=["GET"])
        routes.add_api_route("/forms/application.pdf", self.application, methods=["GET"])
        return routes

    @access(Access.STAFF, "how many families of the secretary's own school have not decided", roles=DESK)
    async def by_class(self, request: Request) -> Response:
        async with self._room.enter(request) as at:
            counts = await undecided.read_counts(at.connection, at.place.school, at.place.today)
            families = Families()
            await families.load(at.connection, schools=[at.place.school])
        home = families.school(at.place.school)
        assert home is not None
        return self._room.render(
            request,
            "undecided.html.j2",
            at.place,
            counts=counts,
            begin=classes_begin(home.calendar, at.place.today),
            deadline=undecided.deadline(home.calendar, at.place.today),
            days=undecided.DAYS_TO_DECIDE,
        )

    @access(Access.STAFF, "families of the secretary's own school that have not decided", roles=DESK)
    async def one_class(self, request: Request, name: str = "") -> Response:
        async with self._room.enter(request) as at:
            found = await undecided.read_class(at.connection, at.place.school, name, at.place.today)
            if found is None:
                raise Problem(404, _NO_CLASS)
            await _noted(at, "undecided.listed", name)
        school_class, families = found
        return self._room.render(
            request,
            "undecided_class.html.j2",
            at.place,
            school_class=school_class,
            families=families,
            said=SAID,
        )

    @access(
        Access.STAFF, "an invitation and blank forms for families of the secretary's own school", roles=DESK
    )
    async def invitation(self, request: Request, name: str = "", pupil: str = "") -> Response:
        """For the undecided families of class `name`, or for one `pupil`; else nameless."""
        async with self._room.enter(request) as at:
            children: list[Child | None] = [None]
            unmarked = False
            if pupil:
                family = await read_family(at, pupil)
                children = [Child(family.pupil.name.full, family.pupil.class_name)]
                unmarked = family.school_class is not None and family.school_class.unmarked
            elif name:
                found = await undecided.read_class(at.connection, at.place.school, name, at.place.today)
                if found is None or not found[1]:
                    raise Problem(404, _NO_CLASS if found is None else _NOBODY)
                unmarked = found[0].unmarked
                children = [Child(one.pupil.name.full, one.pupil.class_name) for one in found[1]]
            await _noted(at, "forms.printed", pupil or name or None)
        form = self._room.profile_of(at.place.school).consent_form
        make = partial(blanks.invitations, school=at.place.name, unmarked=unmarked, form=form)
        return await _pdf(partial(make, today=at.place.today), children)

    @access(Access.STAFF, "a blank application for a family of the secretary's own school", roles=DESK)
    async def application(self, request: Request, pupil: str = "") -> Response:
        """With the name of `pupil` on it; else nameless."""
        async with self._room.enter(request) as at:
            children: list[Child | None] = [None]
            if pupil:
                family = await read_family(at, pupil)
                children = [Child(family.pupil.name.full, family.pupil.class_name)]
            await _noted(at, "forms.printed", pupil or None)
        return await _pdf(partial(blanks.applications, school=at.place.name, today=at.place.today), children)


async def _pdf(make: Callable[[Sequence[Child | None]], bytes], children: Sequence[Child | None]) -> Response:
    try:
        pdf = await asyncio.to_thread(make, children)
    except CompileFailed as failed:
        raise Problem(503, NO_PDF) from failed
    return Response(pdf, media_type=PDF, headers={"Content-Disposition": 'inline; filename="forms.pdf"'})


async def _noted(at: Entered, action: str, about: str | None) -> None:
    await note(at.connection, Service.DISPATCHER, at.staff, action, school=at.place.school, about=about)
