"""Registering papers: each in one transaction with its line in the audit and a new epoch, so that the
next decision and the next send already rest on it (R-C1, R-C3, R-C5)."""

from datetime import date
from typing import Literal

from dispatcher.desk.entries import (
    ApplicationEntry,
    SheetEntry,
    Tie,
    Wrong,
    check_application,
    check_sheet,
    next_number,
)
from shared.audit import note
from shared.consent import OwnForm, meaning
from shared.db import AnyConnection
from shared.lists import raise_epochs
from shared.staff import Staff
from shared.topics import Service
from shared.web.language import mark

TAKEN = mark("Номер %(number)s уже занят другим документом. Предложенный номер свободен.")

Kind = Literal["sheet", "application", "refusal"]


async def register_sheet(
    connection: AnyConnection, tie: Tie, entry: SheetEntry, *, form: OwnForm, who: Staff | str, today: date
) -> None:
    """Inside the caller's transaction. Raises Wrong and changes nothing; a later sheet replaces an
    earlier one, which is kept."""
    for wrong in check_sheet(entry, form=form, today=today):
        raise wrong
    await _known(connection, tie)
    await _free(connection, "sheet", tie, entry.number)
    await connection.execute(
        """INSERT INTO consent.sheet (school, pupil, guardian, number, signed_on, items, signed_items,
               refused, valid_until, signed_by, accepted_by, registered_by)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)""",
        *(tie.school, tie.pupil, tie.guardian, entry.number, entry.signed_on),
        *(sorted(meaning(entry.items, form)), list(entry.items), entry.refused),
        *(entry.valid_until, entry.signed_by, entry.accepted_by, _name(who)),
    )
    action = "sheet.refused" if entry.refused else "sheet.registered"
    await written(connection, tie, who, action, number=entry.number, items=" ".join(entry.items))


async def register_application(
    connection: AnyConnection, tie: Tie, entry: ApplicationEntry, *, who: Staff | str, today: date
) -> None:
    """Inside the caller's transaction. Raises Wrong and changes nothing."""
    for wrong in check_application(entry, today=today):
        raise wrong
    await _known(connection, tie)
    await _free(connection, "application", tie, entry.number)
    await connection.execute(
        """INSERT INTO consent.application (school, pupil, guardian, number, signed_on, form, scope,
               pupil_access, accepted_by, registered_by)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        *(tie.school, tie.pupil, tie.guardian, entry.number, entry.signed_on, entry.form.value),
        *(sorted(entry.scope), entry.pupil_access, entry.accepted_by, _name(who)),
    )
    details = {"number": entry.number, "form": entry.form.value}
    await written(connection, tie, who, "application.registered", **details)


async def propose_number(connection: AnyConnection, kind: Kind, school: str, *, year: int) -> str:
    """The next number of the school's register of this kind."""
    rows = await connection.fetch(
        f"""SELECT number FROM consent.{kind} WHERE school = $1
            ORDER BY registered_at DESC, number DESC LIMIT 20""",
        school,
    )
    return next_number((row["number"] for row in rows), year=year)


async def written(
    connection: AnyConnection,
    tie: Tie,
    who: Staff | str,
    action: str,
    *,
    reason: str | None = None,
    **facts: str,
) -> None:
    """Tell every cache and the audit, in the transaction of the change."""
    await raise_epochs(connection, "consent", {tie.school})
    await note(
        connection,
        Service.DISPATCHER,
        who,
        action,
        school=tie.school,
        about=tie.guardian,
        reason=reason,
        pupil=tie.pupil,
        **facts,
    )


async def _known(connection: AnyConnection, tie: Tie) -> None:
    if not await connection.fetchval(
        "SELECT true FROM roster.guardianship WHERE school = $1 AND pupil = $2 AND guardian = $3",
        *(tie.school, tie.pupil, tie.guardian),
    ):
        raise Wrong(
            "guardian",
            mark(
                "Этот человек не записан законным представителем ученика. Проверьте документы: возможно, "
                "нужно обновить списки школы или оформить отказ."
            ),
        )


async def _free(connection: AnyConnection, kind: Kind, tie: Tie, number: str) -> None:
    """A number stands for one paper of the school; two secretaries at once get it one after the other."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"desk {kind} {tie.school}"
    )
    if await connection.fetchval(
        f"SELECT true FROM consent.{kind} WHERE school = $1 AND number = $2", tie.school, number
    ):
        raise Wrong("number", TAKEN, number=number)


def _name(who: Staff | str) -> str:
    return who if isinstance(who, str) else who.key
