"""Refusals at the desk: the register, a new letter, and the letter on paper (R-C2)."""

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response
from wtforms import StringField, TextAreaField
from wtforms.validators import InputRequired

from dispatcher.desk import refusals
from dispatcher.desk.entries import Wrong
from dispatcher.desk.family import read_family
from dispatcher.desk.fields import NO_DAY, DayField, TicksField
from dispatcher.desk.forms import refuse
from dispatcher.desk.grounds import BY_KEY, GROUNDS, Group
from dispatcher.desk.refusals import RefusalEntry
from dispatcher.desk.register import propose_number
from dispatcher.desk.room import DESK, Entered, Room
from shared.access import Access, access
from shared.audit import note
from shared.topics import Service
from shared.typesetting.compile import CompileFailed
from shared.web.errors import Problem
from shared.web.forms import Form, required, tidy
from shared.web.language import mark
from shared.web.listing import Asked, Shown

PDF = "application/pdf"
NO_PDF = mark(
    "Напечатать не удалось, но всё записанное цело. Повторите; если не поможет, сообщите администратору."
)
_NO_LETTER = mark("Письма с таким номером в журнале отказов нет.")


class RefusalForm(Form):
    number = StringField(mark("Номер письма"), [required(mark("Укажите номер письма."))], filters=[tidy])
    issued_on = DayField(mark("Дата письма"), [InputRequired(NO_DAY)])
    applicant = StringField(
        mark("Кому: фамилия, имя, отчество заявителя"),
        [required(mark("Укажите, кому адресовано письмо."))],
        filters=[tidy],
    )
    about = StringField(
        mark("О чём просил заявитель"), [required(mark("Укажите, о чём просил заявитель."))], filters=[tidy]
    )
    grounds = TicksField(mark("Основания"), choices={ground.key: ground.title for ground in GROUNDS})
    details = TextAreaField(mark("Пояснение"), filters=[tidy])
    officer = StringField(
        mark("Кто подписывает: должность и фамилия"),
        [required(mark("Укажите должность и фамилию того, кто подписывает письмо."))],
        filters=[tidy],
    )


class RefusalPages:
    """Routes below `/desk/refusals`."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def routes(self) -> APIRouter:
        routes = APIRouter(prefix="/desk/refusals")
        routes.add_api_route("", self.register, methods=["GET"])
        routes.add_api_route("/new", self.new, methods=["GET", "POST"])
        routes.add_api_route("/letter.pdf", self.letter, methods=["GET"])
        return routes

    @access(Access.STAFF, "the school's own register of refusals", roles=DESK)
    async def register(self, request: Request, done: str = "") -> Response:
        asked = Asked.of(request)
        async with self._room.enter(request) as at:
            found = await refusals.issued(at.connection, at.place.school, asked)
        return self._room.render(
            request, "refusals.html.j2", at.place, shown=Shown.of(asked, found), done=done
        )

    @access(Access.STAFF, "issues a reasoned refusal of the secretary's own school", roles=DESK)
    async def new(self, request: Request, pupil: str = "", guardian: str = "") -> Response:
        """`pupil` and `guardian` where the letter is begun from a family's page."""
        sent = request.method == "POST"
        async with self._room.enter(request) as at:
            form = await RefusalForm.read(request, **await self._proposed(request, at, pupil, guardian))
            if sent and form.validate():
                entry = _entry(form, pupil, guardian)
                try:
                    await refusals.issue(
                        at.connection, at.place.school, entry, who=at.staff, today=at.place.today
                    )
                    return RedirectResponse(at.place.to("refusals", done=entry.number), 303)
                except Wrong as wrong:
                    refuse(form, wrong, self._room.pages.texts(request), otherwise="number")
        groups = [(group, [one for one in GROUNDS if one.group is group]) for group in Group]
        return self._room.render(
            request,
            "refusal_new.html.j2",
            at.place,
            status=422 if sent else 200,
            form=form,
            groups=groups,
            back=at.place.family(pupil) if pupil else at.place.to("refusals"),
        )

    @access(Access.STAFF, "a letter of the secretary's own school, on paper", roles=DESK)
    async def letter(self, request: Request, number: str = "") -> Response:
        async with self._room.enter(request) as at:
            found = await refusals.read_letter(at.connection, at.place.school, number)
            if found is None:
                raise Problem(404, _NO_LETTER)
            await note(
                at.connection,
                Service.DISPATCHER,
                at.staff,
                "refusal.printed",
                school=at.place.school,
                number=number,
            )
        try:
            pdf = await asyncio.to_thread(refusals.letter_pdf, *found)
        except CompileFailed as failed:
            raise Problem(503, NO_PDF) from failed
        return Response(
            pdf, media_type=PDF, headers={"Content-Disposition": 'inline; filename="refusal.pdf"'}
        )

    async def _proposed(self, request: Request, at: Entered, pupil: str, guardian: str) -> dict[str, object]:
        texts = self._room.pages.texts(request)
        known: dict[str, object] = {
            "number": await propose_number(
                at.connection, "refusal", at.place.school, year=at.place.today.year
            ),
            "issued_on": at.place.today,
            "officer": at.staff.name,
        }
        if pupil:
            family = await read_family(at, pupil)
            known["about"] = texts.say(
                "предоставить доступ к электронному дневнику ученика: %(name)s, %(class_name)s",
                name=family.pupil.name.full,
                class_name=family.pupil.class_name,
            )
            if guardian:
                known["applicant"] = family.tie(guardian).guardian.name.full
        return known


def _entry(form: RefusalForm, pupil: str, guardian: str) -> RefusalEntry:
    assert form.issued_on.data is not None
    ticked = form.grounds.data or []
    return RefusalEntry(
        number=form.number.data or "",
        issued_on=form.issued_on.data,
        applicant=form.applicant.data or "",
        about=form.about.data or "",
        grounds=tuple(key for key in BY_KEY if key in ticked)
        if set(ticked) <= set(BY_KEY)
        else tuple(ticked),
        officer=form.officer.data or "",
        details=form.details.data or "",
        pupil=pupil or None,
        guardian=guardian or None,
    )
