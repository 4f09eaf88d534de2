"""Contacts of a guardian: written down as people say them, confirmed by the application or by a code sent
at once, put away, and used again after something stopped them (R-C6)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response
from wtforms import RadioField, SelectField, StringField

from dispatcher.desk import contacts
from dispatcher.desk.codes import Codes, Failure
from dispatcher.desk.contacts import TRIES, Answer, Code
from dispatcher.desk.entries import Wrong
from dispatcher.desk.family import ContactRow, Family, read_contacts, read_family
from dispatcher.desk.forms import refuse
from dispatcher.desk.paths import PUPIL
from dispatcher.desk.room import DESK, Entered, Room
from dispatcher.sending.suppression import lift
from shared.access import Access, access
from shared.categories import Channel
from shared.web.errors import Problem
from shared.web.forms import Form, required, shorter_than, tidy
from shared.web.language import mark

_GONE = mark("Этого контакта у семьи уже нет. Откройте страницу семьи заново.")
_NO_APPLICATION = mark("Заявления от этой семьи ещё нет: сначала зарегистрируйте его или отправьте код.")
_ANSWERS = {
    Answer.WRONG: mark("Код не подошёл. Проверьте цифры и введите ещё раз."),
    Answer.OVER: mark("Этот код больше не действует. Отправьте новый."),
}
FAILURES = {
    Failure.OFF: mark(
        "Этот способ отправки на установке не настроен. Подтвердите контакт номером заявления."
    ),
    Failure.PAUSED: mark("Отправка сейчас остановлена. Подтвердите номером заявления или повторите позже."),
    Failure.BUSY: mark("Сервер сейчас не принимает сообщения, код не отправлен. Повторите через минуту."),
    Failure.BUDGET: mark("СМС школы на этот месяц израсходованы. Подтвердите контакт номером заявления."),
    Failure.ADDRESS: mark("Сервер говорит, что такого адреса нет. Проверьте по заявлению, как он написан."),
    Failure.SETTINGS: mark("Сервер не принимает наших сообщений. Администратору школы об этом сообщено."),
    Failure.UNKNOWN: mark(
        "Сервер не ответил: код мог и дойти. Если он пришёл, введите его, если нет, отправьте ещё раз."
    ),
}
_EXAMPLE = {"pupil": "p", "contact": "0"}
_HOW = {
    "application": mark("стоит в подписанном заявлении"),
    "code": mark("отправить код и ввести его сейчас"),
    "later": mark("подтвердить потом"),
}


class ContactForm(Form):
    address = StringField(
        mark("Почта или мобильный телефон"),
        [required(mark("Введите почту или мобильный телефон.")), shorter_than(254)],
        filters=[tidy],
    )
    how = RadioField(mark("Как подтвердить"), choices=_HOW, default="application")
    number = SelectField(mark("Номер заявления"), validate_choice=False)


class CodeForm(Form):
    digits = StringField(
        mark("Код"), [required(mark("Введите шесть цифр из сообщения.")), shorter_than(20)], filters=[tidy]
    )


@dataclass(frozen=True, slots=True)
class Sent:
    """The newest code of a contact. `left`: tries that remain; `alive`: it can still be typed."""

    at: datetime
    expires_at: datetime
    left: int
    alive: bool
    failure: Failure | None


class ContactPages:
    """Routes below `/desk/families/{pupil}/contact` and `/desk/families/{pupil}/contacts/{contact}`."""

    def __init__(self, room: Room, codes: Codes) -> None:
        self._room = room
        self._codes = codes

    def routes(self) -> APIRouter:
        routes = APIRouter(prefix=f"/desk{PUPIL}")
        routes.add_api_route("/contact", self.new, methods=["GET", "POST"])
        for path, page in {
            "send": self.send,
            "confirm": self.confirm,
            "stop": self.stop,
            "lift": self.lift,
        }.items():
            routes.add_api_route(f"/contacts/{{contact}}/{path}", page, methods=["POST"])
        routes.add_api_route("/contacts/{contact}/code", self.code, methods=["GET", "POST"])
        return routes

    @access(
        Access.STAFF,
        "notes a contact for a family of the secretary's own school",
        roles=DESK,
        example={"pupil": "p"},
    )
    async def new(self, request: Request, pupil: str, guardian: str = "") -> Response:
        sent, code = request.method == "POST", None
        async with self._room.enter(request) as at:
            family = await read_family(at, pupil)
            tie = family.tie(guardian)
            form = await ContactForm.read(request)
            numbers = [paper.number for paper in reversed(tie.applications)]
            form.number.choices = {number: number for number in numbers}
            if not numbers and not sent:
                form.how.data = "code"
            if sent and form.validate():
                try:
                    row, code = await self._add(at, guardian, form)
                except Wrong as wrong:
                    refuse(form, wrong, self._room.pages.texts(request), otherwise="address")
                else:
                    if code is None:
                        done = "contact" if form.how.data == "application" else "contact_noted"
                        return self._room.to_family(at.place, pupil, guardian=guardian, done=done)
        if code is not None:
            return await self._sent(at, family, row, code)
        return self._room.render(
            request,
            "contact.html.j2",
            at.place,
            status=422 if sent else 200,
            form=form,
            pupil=family.pupil,
            tie=tie,
            numbers=numbers,
            back=at.place.family(pupil),
        )

    async def _add(self, at: Entered, guardian: str, form: ContactForm) -> tuple[ContactRow, Code | None]:
        """Together with its confirmation or not at all. Raises Wrong."""
        typed = form.address.data or ""
        channel = Channel.EMAIL if "@" in typed else Channel.SMS
        school, code = at.place.school, None
        async with at.connection.transaction():
            address = await contacts.add(at.connection, school, guardian, channel, typed, who=at.staff)
            if form.how.data == "application":
                if not form.number.data:
                    raise Wrong("how", _NO_APPLICATION)
                await contacts.confirm_by_application(
                    at.connection,
                    *(school, guardian, channel, address),
                    number=form.number.data,
                    who=at.staff,
                )
            elif form.how.data == "code":
                code = await self._ask(at, guardian, channel, address)
        rows = (await read_contacts(at, [guardian], key=self._room.key()))[guardian]
        return next(row for row in rows if (row.channel, row.address) == (channel, address)), code

    async def _ask(self, at: Entered, guardian: str, channel: Channel, address: str) -> Code:
        return await contacts.ask_code(
            at.connection, at.place.school, guardian, channel, address, key=self._room.key(), who=at.staff
        )

    async def _sent(self, at: Entered, family: Family, row: ContactRow, code: Code) -> Response:
        """Sends the code after its transaction, and leads to where it is typed."""
        language = family.tie(row.guardian).guardian.language
        await self._codes.send(code, school=at.place.name, language=language)
        path = ("families", family.pupil.pupil, "contacts", row.id, "code")
        return RedirectResponse(at.place.to(*path), 303)

    @access(
        Access.STAFF,
        "sends a code to a contact of a family of the secretary's own school",
        roles=DESK,
        example=_EXAMPLE,
    )
    async def send(self, request: Request, pupil: str, contact: str) -> Response:
        async with self._room.enter(request) as at:
            family, row = await self._read(at, pupil, contact)
            try:
                code = await self._ask(at, row.guardian, row.channel, row.address)
            except Wrong as wrong:
                raise Problem(429, wrong.text) from wrong
        return await self._sent(at, family, row, code)

    @access(
        Access.STAFF,
        "takes a code for a contact of a family of the secretary's own school",
        roles=DESK,
        example=_EXAMPLE,
    )
    async def code(self, request: Request, pupil: str, contact: str) -> Response:
        typed, answer = request.method == "POST", None
        async with self._room.enter(request) as at:
            family, row = await self._read(at, pupil, contact)
            form = await CodeForm.read(request)
            if typed and form.validate():
                answer = await contacts.answer_code(
                    at.connection,
                    *(at.place.school, row.guardian, row.channel, row.address, form.digits.data or ""),
                    key=self._room.key(),
                    who=at.staff,
                )
                if answer is Answer.CONFIRMED:
                    await lift(
                        at.connection,
                        school=at.place.school,
                        channel=row.channel,
                        address=row.address,
                        actor=at.staff.key,
                    )
                    return self._room.to_family(at.place, pupil, guardian=row.guardian, done="contact")
                form.refuse(form.digits, _ANSWERS[answer])
            newest = await _newest(at, row)
        return self._room.render(
            request,
            "code.html.j2",
            at.place,
            status=422 if typed else 200,
            form=form,
            pupil=family.pupil,
            tie=family.tie(row.guardian),
            contact=row,
            sent=newest,
            failures=FAILURES,
            back=at.place.family(pupil),
        )

    @access(
        Access.STAFF,
        "confirms a contact by the application of a family of the secretary's own school",
        roles=DESK,
        example=_EXAMPLE,
    )
    async def confirm(self, request: Request, pupil: str, contact: str) -> Response:
        """By the newest application of this guardian for this pupil."""
        async with self._room.enter(request) as at:
            family, row = await self._read(at, pupil, contact)
            papers = family.tie(row.guardian).applications
            if not papers:
                raise Problem(409, _NO_APPLICATION)
            await contacts.confirm_by_application(
                at.connection,
                *(at.place.school, row.guardian, row.channel, row.address),
                number=papers[-1].number,
                who=at.staff,
            )
        return self._room.to_family(at.place, pupil, guardian=row.guardian, done="contact")

    @access(
        Access.STAFF,
        "puts away a contact of a family of the secretary's own school",
        roles=DESK,
        example=_EXAMPLE,
    )
    async def stop(self, request: Request, pupil: str, contact: str) -> Response:
        async with self._room.enter(request) as at:
            _, row = await self._read(at, pupil, contact)
            await contacts.put_away(
                at.connection, *(at.place.school, row.guardian, row.channel, row.address), who=at.staff
            )
        return self._room.to_family(at.place, pupil, guardian=row.guardian, done="contact_stopped")

    @access(
        Access.STAFF,
        "lets a stopped contact of a family of the secretary's own school be used again",
        roles=DESK,
        example=_EXAMPLE,
    )
    async def lift(self, request: Request, pupil: str, contact: str) -> Response:
        async with self._room.enter(request) as at:
            _, row = await self._read(at, pupil, contact)
            await lift(
                at.connection,
                school=at.place.school,
                channel=row.channel,
                address=row.address,
                actor=at.staff.key,
            )
        return self._room.to_family(at.place, pupil, guardian=row.guardian, done="contact_lifted")

    async def _read(self, at: Entered, pupil: str, contact: str) -> tuple[Family, ContactRow]:
        """Raises Problem 404 for a contact that is nobody's of this family."""
        family = await read_family(at, pupil)
        guardians = [tie.guardian.guardian for tie in family.pupil.guardianships]
        found = await read_contacts(at, guardians, key=self._room.key())
        for row in (one for rows in found.values() for one in rows):
            if row.id == contact:
                return family, row
        raise Problem(404, _GONE)


async def _newest(at: Entered, row: ContactRow) -> Sent | None:
    found: asyncpg.Record | None = await at.connection.fetchrow(
        """SELECT *, used_at IS NULL AND expires_at > clock_timestamp() AND tries < $5 AS alive
           FROM dispatch.contact_code
           WHERE school = $1 AND guardian = $2 AND channel = $3 AND address = $4
           ORDER BY asked_at DESC LIMIT 1""",
        *(at.place.school, row.guardian, row.channel.value, row.address, TRIES),
    )
    if found is None:
        return None
    why: Any = found["failed_because"]
    return Sent(
        found["asked_at"],
        found["expires_at"],
        TRIES - found["tries"],
        found["alive"],
        Failure(why) if why else None,
    )
