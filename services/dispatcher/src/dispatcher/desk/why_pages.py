"""Why did this family get it, or not: one page for each guardian of a pupil, told from what was stored
when it was decided (R-C3, R-C4)."""

from datetime import UTC, date, datetime, time, timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response

from dispatcher import words
from dispatcher.desk.family import read_family
from dispatcher.desk.labels import RELATIONS
from dispatcher.desk.paths import PUPIL
from dispatcher.desk.room import DESK, Place, Room
from dispatcher.why import Question, explain
from dispatcher.why_words import BECAME, sentences
from shared.access import Access, access
from shared.audit import note
from shared.topics import Service
from shared.web.language import mark
from shared.web.listing import Asked, Shown

WHAT = {
    "mark": mark("Отметка"),
    "final_mark": mark("Итоговая отметка"),
    "forecast": mark("Прогноз"),
    "attendance": mark("Посещаемость"),
    "homework": mark("Домашнее задание"),
    "lesson": mark("Изменение расписания"),
    "assessment": mark("Контрольная"),
    "remark": mark("Замечание или похвала"),
    "announcement": mark("Объявление"),
}


class WhyPages:
    """Route `/desk/families/{pupil}/why?guardian=…&from=…&to=…`."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def routes(self) -> APIRouter:
        routes = APIRouter(prefix=f"/desk{PUPIL}")
        routes.add_api_route("/why", self.why, methods=["GET"])
        return routes

    @access(
        Access.STAFF,
        "what a family of the secretary's own school was told, and why; every look is kept",
        roles=DESK,
        example={"pupil": "p"},
    )
    async def why(self, request: Request, pupil: str, guardian: str = "") -> Response:
        asked = Asked.of(request, "school", "guardian", "from", "to")
        first, last = (_day(request.query_params.get(name)) for name in ("from", "to"))
        async with self._room.enter(request) as at:
            family = await read_family(at, pupil)
            ties = family.pupil.guardianships
            if not guardian and ties:
                guardian = ties[0].guardian.guardian
            found = []
            if ties:
                family.tie(guardian)
                question = Question(
                    at.place.school,
                    guardian,
                    pupil=pupil,
                    since=_midnight(first, at.place),
                    until=_midnight(last + timedelta(days=1) if last is not None else None, at.place),
                )
                found = await explain(at.connection, question, limit=asked.limit, offset=asked.offset)
                await note(
                    at.connection,
                    Service.DISPATCHER,
                    at.staff,
                    "family.why_asked",
                    school=at.place.school,
                    about=guardian,
                    pupil=pupil,
                )
        return self._room.render(
            request,
            "why.html.j2",
            at.place,
            pupil=family.pupil,
            relations=RELATIONS,
            guardian=guardian,
            first=first,
            last=last,
            shown=Shown.of(asked, found),
            sentences=sentences,
            became=BECAME,
            reasons=words.REASONS,
            what=WHAT,
            back=at.place.family(pupil),
        )


def _day(text: str | None) -> date | None:
    """What is no date filters nothing; the page shows that it is empty."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _midnight(day: date | None, place: Place) -> datetime | None:
    if day is None:
        return None
    return datetime.combine(day, time(0), place.zone).astimezone(UTC)
