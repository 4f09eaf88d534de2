"""The desk's first page, its search and the page of a family (R-D1, R-D2, R-F4)."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from dispatcher.desk import acts, overview, withdrawals
from dispatcher.desk.cards import Reach, cards
from dispatcher.desk.codes import Codes
from dispatcher.desk.family import read_family, read_file
from dispatcher.desk.fields import titles
from dispatcher.desk.find import LIMIT, Found, find
from dispatcher.desk.labels import CATEGORIES, CONFIRMED, FORMS, RELATIONS, STOPPED
from dispatcher.desk.paths import PUPIL
from dispatcher.desk.room import DESK, Entered, Room
from dispatcher.sending.budget import Budget
from dispatcher.working_days import WorkingDays, YearMissing
from shared.access import Access, access
from shared.audit import note
from shared.categories import Channel
from shared.topics import Service
from shared.web.language import mark

DONE = {
    "sheet": mark("Лист согласия зарегистрирован."),
    "application": mark("Заявление зарегистрировано."),
    "contact": mark("Контакт подтверждён."),
    "contact_noted": mark("Контакт записан. Писать туда начнут, когда его подтвердят."),
    "contact_stopped": mark("Контакт убран."),
    "contact_lifted": mark("Контактом снова можно пользоваться."),
    "withdrawal": mark("Отзыв зарегистрирован. С этой минуты семье ничего не отправляется."),
    "restriction": mark("Ограничение записано."),
    "lifted": mark("Ограничение снято."),
    "leaving": mark("Выбытие записано."),
    "staying": mark("Выбытие отменено."),
    "lost-access": mark("Семья переведена на бумагу с этой недели."),
}
"""What was just done, by the name in the address: what follows from it is said beside."""


class DeskPages:
    """Routes `/desk/`, `/desk/find` and `/desk/families/{pupil}`."""

    def __init__(
        self, room: Room, *, on: frozenset[Channel], budget: Budget, days: WorkingDays, codes: Codes
    ) -> None:
        """`on` are the electronic channels of the installation."""
        self._room = room
        self._on = on
        self._budget = budget
        self._days = days
        self._codes = codes

    def routes(self) -> APIRouter:
        routes = APIRouter(prefix="/desk")
        routes.add_api_route("/", self.home, methods=["GET"])
        routes.add_api_route("/find", self.find, methods=["POST"])
        routes.add_api_route(PUPIL, self.family, methods=["GET"])
        return routes

    @access(Access.STAFF, "the secretary's own school: search and what waits", roles=DESK)
    async def home(self, request: Request, found: str = "") -> Response:
        """`found` is a sealed question: what was searched for."""
        if (choice := await self._room.which_school(request)) is not None:
            return choice
        asked, unknown_year, clocks = self._room.questions.open(found), "", []
        async with self._room.enter(request) as at:
            rows = await self._find(at, asked)
            recent = await overview.recent(at)
            try:
                clocks = await overview.running(at, self._days)
            except YearMissing as missing:
                unknown_year = str(missing)
        return self._room.render(
            request,
            "home.html.j2",
            at.place,
            asked=asked,
            rows=rows,
            limit=LIMIT,
            recent=recent,
            clocks=clocks,
            unknown_year=unknown_year,
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

    async def _find(self, at: Entered, asked: str) -> list[Found]:
        """Whose names were shown is noted (R-D2)."""
        rows = await find(at.connection, at.place.school, asked)
        if rows:
            await note(
                at.connection,
                Service.DISPATCHER,
                at.staff,
                "families.found",
                school=at.place.school,
                pupils=[row.pupil for row in rows],
            )
        return rows

    @access(
        Access.STAFF,
        "a family of the secretary's own school; every look is kept",
        roles=DESK,
        example={"pupil": "p"},
    )
    async def family(self, request: Request, pupil: str, done: str = "", guardian: str = "") -> Response:
        """`done` names what was just registered for `guardian`: the page says what follows."""
        async with self._room.enter(request) as at:
            found, unknown_year = await read_family(at, pupil), ""
            file = await read_file(at, found, key=self._room.key())
            try:
                clocks = await withdrawals.of_pupil(
                    at.connection, at.place.school, pupil, today=at.place.today, days=self._days
                )
            except YearMissing as missing:
                clocks, unknown_year = {}, str(missing)
            spent = await self._budget.spent(at.connection, {at.place.school})
        on = self._on - {Channel.SMS} if spent else self._on
        made = cards(
            found,
            file,
            clocks,
            reach=Reach(on, self._room.clock.now()),
            own=self._room.profile_of(at.place.school).consent_form,
            today=at.place.today,
        )
        return self._room.render(
            request,
            "family.html.j2",
            at.place,
            pupil=found.pupil,
            adult=found.adult(at.place.today),
            cards=made,
            about=next((card for card in made if card.guardian == guardian), None),
            done=DONE.get(done),
            unknown_year=unknown_year,
            siblings=file.siblings,
            relations=RELATIONS,
            forms_of=FORMS,
            categories=CATEGORIES,
            confirmed=CONFIRMED,
            stopped=STOPPED,
            titles=titles(self._room.profile_of(at.place.school).consent_form),
            may_send=self._codes.may,
            guardian_acts=acts.GUARDIAN_ACTS,
            pupil_acts=acts.PUPIL_ACTS,
        )
