"""Restricted rights, leaving, and lost access at the desk; what follows is said before it is done
(R-B7, R-C10, R-D4)."""

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response
from wtforms import HiddenField, SelectField, StringField
from wtforms.validators import InputRequired

from dispatcher.desk import consequences, ties
from dispatcher.desk.consequences import Cover
from dispatcher.desk.entries import Wrong
from dispatcher.desk.family import Family, read_family
from dispatcher.desk.fields import NO_DAY, DayField
from dispatcher.desk.forms import refuse
from dispatcher.desk.paths import PUPIL
from dispatcher.desk.room import DESK, Entered, Room
from shared.access import Access, access
from shared.families import Pupil
from shared.registry import Families
from shared.web.errors import Problem
from shared.web.forms import Form, required, shorter_than, tidy
from shared.web.language import mark

_WHY = mark("Напишите причину: она останется в журнале действий.")
LEAVINGS = {
    "перевод": mark("перевод в другую школу"),
    "выпуск": mark("выпуск"),
    "отчисление": mark("отчисление"),
}
_GONE = mark("Это ограничение уже снято.")
_NOT_LEFT = mark("За этим столом выбытие не записано. Если оно в списках школы, исправьте списки.")
_LONG = 300


class RestrictionForm(Form):
    first = DayField(mark("Первый день"), [InputRequired(NO_DAY)])
    last = DayField(mark("Последний день"))
    basis = StringField(
        mark("Документ: решение суда или органа опеки, номер и дата"),
        [
            required(mark("Укажите документ: решение суда или органа опеки, номер и дату.")),
            shorter_than(_LONG),
        ],
        filters=[tidy],
    )
    sure = HiddenField()


class LeavingForm(Form):
    left_on = DayField(mark("Последний день в школе"), [InputRequired(NO_DAY)])
    kind = SelectField(mark("Причина"), choices=LEAVINGS)
    order = StringField(
        mark("Приказ: номер и дата"),
        [required(mark("Укажите номер приказа.")), shorter_than(_LONG)],
        filters=[tidy],
    )
    sure = HiddenField()


class ReasonForm(Form):
    reason = StringField(mark("Причина"), [required(_WHY), shorter_than(_LONG)], filters=[tidy])


class TiePages:
    """Routes below `/desk/families/{pupil}`: `restriction`, `leaving`, `lost-access`."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def routes(self) -> APIRouter:
        routes = APIRouter(prefix=f"/desk{PUPIL}")
        routes.add_api_route("/restriction", self.restriction, methods=["GET", "POST"])
        routes.add_api_route("/restriction/lift", self.lift, methods=["GET", "POST"])
        routes.add_api_route("/leaving", self.leaving, methods=["GET", "POST"])
        routes.add_api_route("/staying", self.staying, methods=["GET", "POST"])
        routes.add_api_route("/lost-access", self.lost_access, methods=["GET", "POST"])
        return routes

    @access(
        Access.STAFF,
        "restricts a guardian's rights in a family of the secretary's own school",
        roles=DESK,
        example={"pupil": "p"},
    )
    async def restriction(self, request: Request, pupil: str, guardian: str = "") -> Response:
        sent, said = request.method == "POST", []
        async with self._room.enter(request) as at:
            family = await read_family(at, pupil)
            tie, key = family.tie(guardian), family.key(guardian)
            form = await RestrictionForm.read(request, first=at.place.today)
            if sent and form.validate():
                first, last = form.first.data, form.last.data
                assert first is not None
                if last is not None and last < first:
                    form.refuse(form.last, mark("Ограничение кончается раньше, чем начинается."))
                elif form.sure.data:
                    basis = form.basis.data or ""
                    await ties.restrict(at.connection, key, first=first, last=last, basis=basis, who=at.staff)
                    return self._room.to_family(at.place, pupil, guardian=guardian, done="restriction")
                else:
                    said = consequences.of_restriction(
                        family.pupil, tie, first=first, last=last, today=at.place.today
                    )
            held = await ties.restrictions(at.connection, key)
        return self._render(
            request, "restriction.html.j2", at, family, form, sent=sent, said=said, tie=tie, held=held
        )

    @access(
        Access.STAFF,
        "lifts a restriction in a family of the secretary's own school",
        roles=DESK,
        example={"pupil": "p"},
    )
    async def lift(self, request: Request, pupil: str, guardian: str = "", restriction: str = "") -> Response:
        sent = request.method == "POST"
        async with self._room.enter(request) as at:
            family = await read_family(at, pupil)
            tie = family.tie(guardian)
            held = await ties.restrictions(at.connection, family.key(guardian))
            one = next((each for each in held if str(each.id) == restriction), None)
            if one is None:
                raise Problem(404, _GONE)
            form = await ReasonForm.read(request)
            if sent and form.validate():
                done = await ties.lift(
                    at.connection,
                    at.place.school,
                    UUID(restriction),
                    reason=form.reason.data or "",
                    who=at.staff,
                )
                if not done:
                    raise Problem(409, _GONE)
                return self._room.to_family(at.place, pupil, guardian=guardian, done="lifted")
        return self._render(
            request, "restriction_lift.html.j2", at, family, form, sent=sent, tie=tie, restriction=one
        )

    @access(
        Access.STAFF,
        "notes that a pupil of the secretary's own school leaves",
        roles=DESK,
        example={"pupil": "p"},
    )
    async def leaving(self, request: Request, pupil: str) -> Response:
        sent, said = request.method == "POST", []
        async with self._room.enter(request) as at:
            family = await read_family(at, pupil)
            form = await LeavingForm.read(request, left_on=at.place.today)
            if sent and form.validate():
                left_on = form.left_on.data
                assert left_on is not None
                if form.sure.data:
                    reason = f"{form.kind.data}, приказ {form.order.data}"
                    try:
                        await ties.depart(
                            at.connection,
                            at.place.school,
                            pupil,
                            left_on=left_on,
                            reason=reason,
                            who=at.staff,
                        )
                        return self._room.to_family(at.place, pupil, done="leaving")
                    except Wrong as wrong:
                        refuse(form, wrong, self._room.pages.texts(request), otherwise="order")
                else:
                    alone = await _without_another_child(at, family.pupil)
                    said = consequences.of_leaving(left_on, today=at.place.today, others=alone)
            departure = await ties.departure(at.connection, at.place.school, pupil)
        return self._render(
            request,
            "leaving.html.j2",
            at,
            family,
            form,
            sent=sent,
            said=said,
            departure=departure,
        )

    @access(
        Access.STAFF,
        "takes back a leaving noted at the secretary's own school",
        roles=DESK,
        example={"pupil": "p"},
    )
    async def staying(self, request: Request, pupil: str) -> Response:
        sent = request.method == "POST"
        async with self._room.enter(request) as at:
            family = await read_family(at, pupil)
            departure = await ties.departure(at.connection, at.place.school, pupil)
            if departure is None:
                raise Problem(404, _NOT_LEFT)
            form = await ReasonForm.read(request)
            if sent and form.validate():
                reason = form.reason.data or ""
                await ties.stay(at.connection, at.place.school, pupil, reason=reason, who=at.staff)
                return self._room.to_family(at.place, pupil, done="staying")
        return self._render(request, "staying.html.j2", at, family, form, sent=sent, departure=departure)

    @access(
        Access.STAFF,
        "puts a family of the secretary's own school on paper in one step",
        roles=DESK,
        example={"pupil": "p"},
    )
    async def lost_access(self, request: Request, pupil: str, guardian: str = "") -> Response:
        sent = request.method == "POST"
        async with self._room.enter(request) as at:
            family = await read_family(at, pupil)
            tie = family.tie(guardian)
            covers = await _covers(at, guardian)
            form = await ReasonForm.read(
                request,
                reason=self._room.pages.texts(request).say(mark("семья сообщила, что доступа больше нет")),
            )
            allowed = any(cover is not Cover.NONE for _, cover in covers)
            if sent and not allowed:
                form.refuse(
                    form.reason, mark("Бумага не разрешена: сначала зарегистрируйте заявление о бумаге.")
                )
            elif sent and form.validate():
                reason = form.reason.data or ""
                await ties.to_paper(at.connection, at.place.school, guardian, reason=reason, who=at.staff)
                return self._room.to_family(at.place, pupil, guardian=guardian, done="lost-access")
        return self._render(
            request,
            "lost_access.html.j2",
            at,
            family,
            form,
            sent=sent,
            tie=tie,
            covers=covers,
            allowed=allowed,
        )

    def _render(
        self, request: Request, template: str, at: Entered, family: Family, form: Form, **context: object
    ) -> Response:
        status = 422 if context.pop("sent") and (form.errors or not context.get("said")) else 200
        return self._room.render(
            request,
            template,
            at.place,
            status=status,
            form=form,
            family=family,
            pupil=family.pupil,
            back=at.place.family(family.pupil.pupil),
            **context,
        )


async def _children(at: Entered, guardian: str) -> tuple[list[Pupil], Families]:
    rows = await at.connection.fetch(
        "SELECT pupil FROM roster.guardianship WHERE school = $1 AND guardian = $2 ORDER BY pupil",
        *(at.place.school, guardian),
    )
    families = Families()
    await families.load(at.connection, pupils=[(at.place.school, row["pupil"]) for row in rows])
    found = (families.pupil(at.place.school, row["pupil"]) for row in rows)
    return [pupil for pupil in found if pupil is not None], families


async def _covers(at: Entered, guardian: str) -> list[tuple[Pupil, Cover]]:
    """Each child that the guardian is told about, and what of that paper may carry."""
    children, families = await _children(at, guardian)
    classes, covers = families.classes(at.place.school), []
    for pupil in children:
        tie = next(one for one in pupil.guardianships if one.guardian.guardian == guardian)
        unmarked = pupil.class_name in classes and classes[pupil.class_name].unmarked
        cover = consequences.paper_cover(pupil, tie, unmarked=unmarked, today=at.place.today)
        if cover is not None:
            covers.append((pupil, cover))
    return covers


async def _without_another_child(at: Entered, leaving: Pupil) -> list[str]:
    """The names of guardians for whom this is the last child at the school."""
    names = []
    for tie in leaving.guardianships:
        children, _ = await _children(at, tie.guardian.guardian)
        if not any(one.enrolled(at.place.today) for one in children if one.pupil != leaving.pupil):
            names.append(tie.guardian.name.full)
    return names
