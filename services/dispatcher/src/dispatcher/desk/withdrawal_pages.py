"""Withdrawing consent at the desk: from this moment nothing is told, and ten working days run (R-B8)."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from dispatcher.desk import withdrawals
from dispatcher.desk.entries import Wrong
from dispatcher.desk.family import read_family
from dispatcher.desk.fields import NO_DAY, DayField
from dispatcher.desk.forms import refuse
from dispatcher.desk.paths import PUPIL
from dispatcher.desk.room import DESK, Room
from dispatcher.working_days import WorkingDays, YearMissing
from shared.access import Access, access
from shared.web.forms import Form, required
from shared.web.language import mark


class WithdrawalForm(Form):
    received_on = DayField(mark("Дата получения отзыва"), [required(NO_DAY)])


class WithdrawalPages:
    """Route `/desk/families/{pupil}/withdrawal`."""

    def __init__(self, room: Room, days: WorkingDays) -> None:
        self._room = room
        self._days = days

    def routes(self) -> APIRouter:
        routes = APIRouter(prefix=f"/desk{PUPIL}")
        routes.add_api_route("/withdrawal", self.withdrawal, methods=["GET", "POST"])
        return routes

    @access(
        Access.STAFF,
        "withdraws a consent of a family of the secretary's own school",
        roles=DESK,
        example={"pupil": "p"},
    )
    async def withdrawal(self, request: Request, pupil: str, guardian: str = "") -> Response:
        sent = request.method == "POST"
        async with self._room.enter(request) as at:
            family = await read_family(at, pupil)
            tie = family.key(guardian)
            today = at.place.today
            form = await WithdrawalForm.read(request, received_on=today)
            try:
                if sent and form.validate():
                    assert form.received_on.data is not None
                    await withdrawals.withdraw(
                        at.connection,
                        tie,
                        received_on=form.received_on.data,
                        today=today,
                        days=self._days,
                        who=at.staff,
                    )
                    return self._room.to_family(at.place, pupil, guardian=guardian, done="withdrawal")
                destroy_by = self._days.after(today, withdrawals.TERM)
            except Wrong as wrong:
                refuse(form, wrong, self._room.pages.texts(request), otherwise="received_on")
                destroy_by = self._days.after(today, withdrawals.TERM)
            except YearMissing as missing:
                form.refuse(form.received_on, str(missing))
                destroy_by = None
        sheet = family.tie(guardian).sheet(today)
        return self._room.render(
            request,
            "withdrawal.html.j2",
            at.place,
            status=422 if sent else 200,
            form=form,
            pupil=family.pupil,
            tie=family.tie(guardian),
            destroy_by=destroy_by,
            sheet=sheet if sheet is not None and sheet.valid(today) and sheet.items else None,
            back=at.place.family(pupil),
        )
