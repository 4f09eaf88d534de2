"""The desk's first page, its search and the page of a family (R-D1, R-D2, R-F4)."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from dispatcher.desk import acts
from dispatcher.desk.family import read_family
from dispatcher.desk.find import LIMIT, find
from dispatcher.desk.room import DESK, Room
from shared.access import Access, access
from shared.web.language import mark

RELATIONS = {
    "mother": mark("мать"),
    "father": mark("отец"),
    "adoptive": mark("усыновитель"),
    "guardian": mark("опекун"),
    "trustee": mark("попечитель"),
    "institution": mark("учреждение"),
    "self": mark("сам ученик"),
}


class DeskPages:
    """Routes `/desk/`, `/desk/find` and `/desk/families/{pupil}`."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def routes(self) -> APIRouter:
        routes = APIRouter(prefix="/desk")
        routes.add_api_route("/", self.home, methods=["GET"])
        routes.add_api_route("/find", self.find, methods=["POST"])
        routes.add_api_route("/families/{pupil}", self.family, methods=["GET"])
        return routes

    @access(Access.STAFF, "the secretary's own school: search and what waits", roles=DESK)
    async def home(self, request: Request, found: str = "") -> Response:
        """`found` is a sealed question: what was searched for."""
        asked = self._room.questions.open(found) if found else ""
        async with self._room.enter(request) as at:
            rows = await find(at.connection, at.place.school, asked)
        return self._room.render(
            request,
            "home.html.j2",
            at.place,
            asked=asked,
            rows=rows,
            limit=LIMIT,
            relations=RELATIONS,
            lists=acts.LISTS,
        )

    @access(Access.STAFF, "finds families of the secretary's own school", roles=DESK)
    async def find(self, request: Request) -> Response:
        """To the family when there is one, else to the list of those found."""
        asked = str((await request.form()).get("q", "")).strip()
        async with self._room.enter(request) as at:
            rows = await find(at.connection, at.place.school, asked)
        if len(rows) == 1:
            return self._room.to_family(at.place, rows[0].pupil)
        return RedirectResponse(at.place.to(found=self._room.questions.seal(asked)), 303)

    @access(Access.STAFF, "a family of the secretary's own school", roles=DESK, example={"pupil": "p"})
    async def family(self, request: Request, pupil: str) -> Response:
        async with self._room.enter(request) as at:
            found = await read_family(at, pupil)
        return self._room.render(
            request,
            "family.html.j2",
            at.place,
            family=found,
            pupil=found.pupil,
            relations=RELATIONS,
            guardian_acts=acts.GUARDIAN_ACTS,
            pupil_acts=acts.PUPIL_ACTS,
        )
