"""What the desk learns of a family before the lists do: restricted rights, a pupil who left, and a
parent who lost access (R-D4, R-B7, R-C10)."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from dispatcher.desk.entries import Tie, Wrong
from dispatcher.desk.register import written
from shared.categories import Channel, Mode
from shared.db import AnyConnection
from shared.staff import Staff


@dataclass(frozen=True, slots=True)
class Held:
    """A restriction the desk registered and nobody lifted."""

    id: UUID
    first: date
    last: date | None
    basis: str


@dataclass(frozen=True, slots=True)
class Departure:
    """A leaving the desk registered."""

    left_on: date
    reason: str
    registered_at: datetime


async def restrictions(connection: AnyConnection, tie: Tie) -> list[Held]:
    """Of this guardian for this pupil, not lifted, the earliest first."""
    rows = await connection.fetch(
        """SELECT id, from_on, until_on, basis FROM consent.restriction
           WHERE school = $1 AND pupil = $2 AND guardian = $3 AND lifted_at IS NULL ORDER BY from_on, id""",
        *(tie.school, tie.pupil, tie.guardian),
    )
    return [Held(*row) for row in rows]


async def departure(connection: AnyConnection, school: str, pupil: str) -> Departure | None:
    row = await connection.fetchrow(
        "SELECT left_on, reason, registered_at FROM consent.departure WHERE school = $1 AND pupil = $2",
        *(school, pupil),
    )
    return Departure(*row) if row is not None else None


async def restrict(
    connection: AnyConnection, tie: Tie, *, first: date, last: date | None, basis: str, who: Staff | str
) -> UUID:
    """From `first` to `last`, both included, this guardian is told nothing about this pupil (R-D4).
    `basis` is the decision of the court or office. Inside the caller's transaction. Raises Wrong."""
    if last is not None and last < first:
        raise Wrong("last", "Ограничение кончается раньше, чем начинается.")
    if not basis.strip():
        raise Wrong("basis", "Укажите документ: решение суда или органа опеки, номер и дату.")
    made: UUID = await connection.fetchval(
        """INSERT INTO consent.restriction (school, pupil, guardian, from_on, until_on, basis, registered_by)
           VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id""",
        *(tie.school, tie.pupil, tie.guardian, first, last, basis.strip(), _name(who)),
    )
    await written(connection, tie, who, "restriction.registered", restriction=str(made))
    return made


async def lift(
    connection: AnyConnection, school: str, restriction: UUID, *, reason: str, who: Staff | str
) -> bool:
    """End a restriction now; False when it is lifted already or not of this school."""
    row = await connection.fetchrow(
        """UPDATE consent.restriction SET lifted_at = now(), lifted_by = $3
           WHERE id = $2 AND school = $1 AND lifted_at IS NULL RETURNING pupil, guardian""",
        *(school, restriction, _name(who)),
    )
    if row is None:
        return False
    tie = Tie(school, row["pupil"], row["guardian"])
    await written(connection, tie, who, "restriction.lifted", reason=reason, restriction=str(restriction))
    return True


async def depart(
    connection: AnyConnection, school: str, pupil: str, *, left_on: date, reason: str, who: Staff | str
) -> None:
    """The pupil left: nothing that happened later is told (R-B7). Registered again, it is replaced."""
    if not reason.strip():
        raise Wrong("reason", "Укажите причину: перевод, выпуск или отчисление, и номер приказа.")
    known = await connection.fetchval(
        "SELECT true FROM roster.pupil WHERE school = $1 AND pupil = $2", school, pupil
    )
    if not known:
        raise Wrong("pupil", "Такого ученика в школе нет.")
    await connection.execute(
        """INSERT INTO consent.departure (school, pupil, left_on, reason, registered_by)
           VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (school, pupil) DO UPDATE SET left_on = excluded.left_on, reason = excluded.reason,
               registered_by = excluded.registered_by, registered_at = now()""",
        *(school, pupil, left_on, reason.strip(), _name(who)),
    )
    await written(connection, Tie(school, pupil, ""), who, "pupil.left", left_on=left_on.isoformat())


async def stay(connection: AnyConnection, school: str, pupil: str, *, reason: str, who: Staff | str) -> bool:
    """A leaving registered by mistake is taken back; False when the desk had none."""
    gone = await connection.fetchval(
        "DELETE FROM consent.departure WHERE school = $1 AND pupil = $2 RETURNING true", school, pupil
    )
    if gone:
        await written(connection, Tie(school, pupil, ""), who, "pupil.stays", reason=reason)
    return bool(gone)


async def to_paper(
    connection: AnyConnection, school: str, guardian: str, *, reason: str, who: Staff | str
) -> None:
    """A parent told of lost access: paper from this week for everything, in one step (R-C10). What the
    papers do not allow on paper stays untold, as before."""
    await connection.execute(
        "DELETE FROM consent.preference WHERE school = $1 AND guardian = $2", school, guardian
    )
    await connection.execute(
        """INSERT INTO consent.preference (school, guardian, category, channel, mode)
           VALUES ($1, $2, '*', $3, $4)""",
        *(school, guardian, Channel.PAPER.value, Mode.WEEKLY.value),
    )
    await written(connection, Tie(school, "", guardian), who, "access.lost", reason=reason)


def _name(who: Staff | str) -> str:
    return who if isinstance(who, str) else who.key
