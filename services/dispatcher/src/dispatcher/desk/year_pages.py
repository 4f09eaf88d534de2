"""The school year at the desk: who turns eighteen, and whether the new lists are in (R-B11, R-C8)."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from dispatcher.desk import eighteen, rollover
from dispatcher.desk.room import DESK, Room
from shared.access import Access, access
from shared.audit import note
from shared.topics import Service


class YearPages:
    """Routes `/desk/adults` and `/desk/rollover`."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def routes(self) -> APIRouter:
        routes = APIRouter(prefix="/desk")
        routes.add_api_route("/adults", self.adults, methods=["GET"])
        routes.add_api_route("/rollover", self.rollover, methods=["GET"])
        return routes

    @access(Access.STAFF, "pupils of the secretary's own school who come of age", roles=DESK)
    async def adults(self, request: Request) -> Response:
        async with self._room.enter(request) as at:
            soon, silent = await eighteen.read_adults(at.connection, at.place.school, at.place.today)
            await note(at.connection, Service.DISPATCHER, at.staff, "adults.listed", school=at.place.school)
        return self._room.render(request, "adults.html.j2", at.place, soon=soon, silent=silent)

    @access(Access.STAFF, "whether the new year's lists of the secretary's own school are in", roles=DESK)
    async def rollover(self, request: Request) -> Response:
        async with self._room.enter(request) as at:
            year = await rollover.read_rollover(at.connection, at.place.school, at.place.today)
            if year.troubles:
                await note(
                    at.connection, Service.DISPATCHER, at.staff, "rollover.listed", school=at.place.school
                )
        return self._room.render(request, "rollover.html.j2", at.place, year=year, said=rollover.SAID)
