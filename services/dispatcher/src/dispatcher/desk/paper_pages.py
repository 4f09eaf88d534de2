"""Registering an application or a consent sheet from its paper: as fast as typing allows, and nothing
typed is lost (R-C1, R-C3, R-F4)."""

from contextlib import suppress
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from dispatcher.desk import contacts, fields, register
from dispatcher.desk.entries import Tie, Wrong
from dispatcher.desk.family import Family, read_family
from dispatcher.desk.forms import refuse
from dispatcher.desk.paper_forms import ApplicationForm, SheetForm, defaults
from dispatcher.desk.paths import PUPIL
from dispatcher.desk.room import DESK, Entered, Room
from shared.access import Access, access
from shared.categories import Channel
from shared.consent import OwnForm
from shared.web.forms import Form
from shared.web.language import Texts

PRESETS = ("sending", "all", "last", "none")
"""Buttons that tick boxes and register nothing."""


class PaperPages:
    """Routes `/desk/families/{pupil}/sheet` and `/desk/families/{pupil}/application`."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def routes(self) -> APIRouter:
        routes = APIRouter(prefix=f"/desk{PUPIL}")
        routes.add_api_route("/sheet", self.sheet, methods=["GET", "POST"])
        routes.add_api_route("/application", self.application, methods=["GET", "POST"])
        return routes

    @access(
        Access.STAFF, "registers a sheet of the secretary's own school", roles=DESK, example={"pupil": "p"}
    )
    async def sheet(self, request: Request, pupil: str, guardian: str = "") -> Response:
        sent, texts = request.method == "POST", self._room.pages.texts(request)
        preset = str((await request.form()).get("preset", "")) if sent else ""
        async with self._room.enter(request) as at:
            family = await read_family(at, pupil)
            tie = family.key(guardian)
            own = self._room.profile_of(at.place.school).consent_form
            usual = await defaults(at, "sheet")
            proposed = await register.propose_number(
                at.connection, "sheet", at.place.school, year=at.place.today.year
            )
            last = usual.pop("items")
            form = await SheetForm.read(request, number=proposed, **usual)
            form.items.choices = {item: item for item in fields.items_in_order(own)}
            if preset in PRESETS:
                form.items.data = _preset(preset, own, last)
            elif sent and form.validate() and await _register_sheet(at, tie, form, own, texts):
                return self._done(at, pupil, guardian, "sheet")
        return self._page(
            request,
            "sheet.html.j2",
            at,
            family,
            guardian,
            form,
            wrong=sent and not preset,
            proposed=proposed,
            sections=fields.sections(own),
            last=last,
            own=bool(own),
        )

    @access(
        Access.STAFF,
        "registers an application of the secretary's own school",
        roles=DESK,
        example={"pupil": "p"},
    )
    async def application(self, request: Request, pupil: str, guardian: str = "") -> Response:
        """With the contacts that stand in it: they are usable at once (R-C6)."""
        sent, texts = request.method == "POST", self._room.pages.texts(request)
        async with self._room.enter(request) as at:
            family = await read_family(at, pupil)
            tie = family.key(guardian)
            usual = await defaults(at, "application")
            usual.pop("items")
            proposed = await register.propose_number(
                at.connection, "application", at.place.school, year=at.place.today.year
            )
            form = await ApplicationForm.read(request, number=proposed, **usual)
            if sent and form.validate() and await _register_application(at, tie, form, texts):
                return self._done(at, pupil, guardian, "application")
        return self._page(
            request, "application.html.j2", at, family, guardian, form, wrong=sent, proposed=proposed
        )

    def _done(self, at: Entered, pupil: str, guardian: str, done: str) -> Response:
        return self._room.to_family(at.place, pupil, guardian=guardian, done=done)

    def _page(
        self,
        request: Request,
        template: str,
        at: Entered,
        family: Family,
        guardian: str,
        form: Form,
        *,
        wrong: bool,
        **context: Any,
    ) -> Response:
        return self._room.render(
            request,
            template,
            at.place,
            status=422 if wrong else 200,
            form=form,
            pupil=family.pupil,
            tie=family.tie(guardian),
            back=at.place.family(family.pupil.pupil),
            **context,
        )


def _preset(preset: str, own: OwnForm, last: list[str]) -> list[str]:
    match preset:
        case "sending":
            return fields.sending_items(own)
        case "all":
            return fields.items_in_order(own)
        case "last":
            return list(last)
        case _:
            return []


async def _register_sheet(at: Entered, tie: Tie, form: SheetForm, own: OwnForm, texts: Texts) -> bool:
    """False: the form says what is wrong, and nothing was registered."""
    ticked = list(form.items.data or ())
    try:
        typed = fields.read_items(form.typed.data or "", own)
        items = tuple(dict.fromkeys([*ticked, *typed]))
        await register.register_sheet(
            at.connection, tie, form.entry(items), form=own, who=at.staff, today=at.place.today
        )
    except Wrong as wrong:
        refuse(form, wrong, texts, otherwise="number")
        return False
    return True


async def _register_application(at: Entered, tie: Tie, form: ApplicationForm, texts: Texts) -> bool:
    """The paper and its contacts together or not at all."""
    entry = form.entry()
    given = [(Channel.EMAIL, form.email), (Channel.SMS, form.phone)]
    with suppress(_Undone):
        async with at.connection.transaction():
            try:
                await register.register_application(
                    at.connection, tie, entry, who=at.staff, today=at.place.today
                )
            except Wrong as wrong:
                refuse(form, wrong, texts, otherwise="number")
            for channel, field in given:
                if field.data:
                    try:
                        address = await contacts.add(
                            at.connection, tie.school, tie.guardian, channel, field.data, who=at.staff
                        )
                        if not form.errors:
                            await contacts.confirm_by_application(
                                at.connection,
                                tie.school,
                                tie.guardian,
                                channel,
                                address,
                                number=entry.number,
                                who=at.staff,
                            )
                    except Wrong as wrong:
                        form.refuse(field, texts.say(wrong.text, **wrong.values))
            if form.errors:
                raise _Undone
        return True
    return False


class _Undone(Exception):
    """Something in the form is wrong: nothing of it is kept."""
