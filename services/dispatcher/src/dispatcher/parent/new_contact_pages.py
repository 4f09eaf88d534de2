"""The pages on which a guardian gives an address of their own and types the code sent there (R-C6)."""

from collections.abc import Callable

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response
from wtforms import StringField

from dispatcher.desk.codes import Codes, Failure
from dispatcher.desk.contacts import Answer, Code
from dispatcher.desk.entries import Wrong
from dispatcher.desk.forms import refuse
from dispatcher.parent import choices, new_contact
from dispatcher.parent.new_contact import BY_CODE
from dispatcher.parent.room import PAPERS, Room, back
from shared.access import Access, access
from shared.web.errors import Problem
from shared.web.forms import Form, required, shorter_than, tidy
from shared.web.guard import parent_of
from shared.web.language import mark
from shared.web.visit import visit_of

CODE = f"{PAPERS}/code"
_ANSWERS = {
    Answer.WRONG: mark("Код не подошёл. Проверьте цифры и введите ещё раз."),
    Answer.OVER: mark("Этот код больше не действует. Запросите новый."),
}
_LATER = mark("Код сейчас не ушёл, адрес записан. Запросите код ещё раз через несколько минут.")
FAILURES = {
    Failure.OFF: _LATER,
    Failure.PAUSED: _LATER,
    Failure.BUSY: _LATER,
    Failure.SETTINGS: _LATER,
    Failure.BUDGET: mark("СМС школы на этот месяц кончились. Подтвердить номер может секретарь школы."),
    Failure.ADDRESS: mark("Сервер отвечает, что такого адреса нет. Проверьте, как он написан."),
    Failure.UNKNOWN: mark("Сервер не ответил, но код мог уйти. Если он пришёл, введите его."),
}


class AddressForm(Form):
    address = StringField(
        mark("Почта или мобильный телефон"),
        [required(mark("Напишите адрес или номер.")), shorter_than(254)],
        filters=[tidy],
    )


class DigitsForm(Form):
    digits = StringField(
        mark("Код"), [required(mark("Введите шесть цифр из сообщения.")), shorter_than(20)], filters=[tidy]
    )


class NewContactPages:
    """Routes `/me/papers/address`, `/me/papers/code` and the buttons beside an unconfirmed address. `key`
    is the one codes are kept under."""

    def __init__(self, room: Room, codes: Codes, *, key: Callable[[], bytes]) -> None:
        self._room = room
        self._codes = codes
        self._key = key

    def routes(self) -> APIRouter:
        routes = APIRouter(prefix="/me")
        routes.add_api_route("/papers/address", self.new, methods=["GET", "POST"])
        routes.add_api_route("/papers/code", self.code, methods=["GET", "POST"])
        routes.add_api_route("/contacts/send", self.send, methods=["POST"])
        routes.add_api_route("/contacts/forget", self.forget, methods=["POST"])
        return routes

    @access(Access.PARENT, "notes this guardian's own address and sends a code there; asking is limited")
    async def new(self, request: Request) -> Response:
        parent, form = parent_of(request), await AddressForm.read(request)
        sent, code = request.method == "POST", None
        async with self._room.pool_of().acquire(timeout=5) as connection:
            household = await self._room.household(connection, parent)
            if sent and form.validate():
                try:
                    async with connection.transaction():
                        code = await new_contact.give(
                            connection, household, parent, form.address.data or "", key=self._key()
                        )
                except Wrong as wrong:
                    refuse(form, wrong, self._room.pages.texts(request), otherwise="address")
        if code is not None:
            return await self._sent(request, code, household.school.name)
        closed = {channel: choices.closed_to_addresses(household, channel) for channel in BY_CODE}
        return self._room.render(
            request,
            "new_contact.html.j2",
            household,
            status=422 if sent else 200,
            form=form,
            closed={channel: why for channel, why in closed.items() if why is not None},
            shut=all(closed.values()),
        )

    @access(Access.PARENT, "sends a code again to this guardian's own unconfirmed address; asking is limited")
    async def send(self, request: Request) -> Response:
        parent = parent_of(request)
        async with self._room.pool_of().acquire(timeout=5) as connection, connection.transaction():
            household = await self._room.household(connection, parent)
            contact = await self._room.contact(connection, request, parent)
            try:
                code = await new_contact.ask(connection, household, parent, contact, key=self._key())
            except Wrong as wrong:
                raise Problem(409, wrong.text) from wrong
        return await self._sent(request, code, household.school.name)

    async def _sent(self, request: Request, code: Code, school: str) -> Response:
        """Sends the code after its transaction, and leads to where it is typed."""
        await self._codes.send(code, school=school, language=visit_of(request).language.value)
        return RedirectResponse(CODE, 303)

    @access(Access.PARENT, "takes the code sent to this guardian's own address; tries are counted")
    async def code(self, request: Request) -> Response:
        parent, form = parent_of(request), await DigitsForm.read(request)
        typed = request.method == "POST"
        async with self._room.pool_of().acquire(timeout=5) as connection:
            household = await self._room.household(connection, parent)
            waiting = await new_contact.waiting(connection, parent, now=household.now)
            if typed and form.validate():
                answer = Answer.OVER
                if waiting is not None:
                    digits = form.digits.data or ""
                    async with connection.transaction():
                        answer = await new_contact.answer(
                            connection, parent, waiting.contact, digits, key=self._key()
                        )
                if answer is Answer.CONFIRMED:
                    return back(PAPERS, "confirmed")
                form.refuse(form.digits, _ANSWERS[answer])
                waiting = await new_contact.waiting(connection, parent, now=household.now)
        return self._room.render(
            request,
            "code.html.j2",
            household,
            status=422 if typed else 200,
            form=form,
            waiting=waiting,
            failures=FAILURES,
            name_of=self._room.name_of,
        )

    @access(Access.PARENT, "takes back this guardian's own address that was never confirmed")
    async def forget(self, request: Request) -> Response:
        parent = parent_of(request)
        async with self._room.pool_of().acquire(timeout=5) as connection, connection.transaction():
            contact = await self._room.contact(connection, request, parent)
            forgotten = await new_contact.forget(connection, parent, contact)
        return back(PAPERS, "forgotten" if forgotten else "same")
