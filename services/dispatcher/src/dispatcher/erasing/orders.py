"""Orders of destruction: given, and closed with their act once every service has done its part (R-B8)."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg

from dispatcher.erasing import register
from dispatcher.erasing.act import Act, write_act
from dispatcher.erasing.due import Due
from shared.audit import note
from shared.db import AnyConnection
from shared.erasure import Order, Step, order_of, steps_done
from shared.lists import raise_epochs
from shared.staff import Staff
from shared.topics import Service

_COLUMNS = """id, school, cause, pupils, guardians, tie_pupils, tie_guardians, received_on, destroy_by,
    ordered_by, ordered_at"""


async def give(
    connection: AnyConnection, due: Due, *, data: Path, who: Staff | str, reason: str | None = None
) -> Order:
    """An order, in the caller's transaction; the register outside the database has it before that commits.
    From this moment on nothing new about these people is taken in."""
    scope = due.scope
    row = await connection.fetchrow(
        f"""INSERT INTO consent.erasure (school, cause, pupils, guardians, tie_pupils, tie_guardians,
                received_on, destroy_by, ordered_by)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING {_COLUMNS}""",
        *(due.school, due.cause.value, list(scope.pupils), list(scope.guardians)),
        *([pupil for pupil, _ in scope.ties], [guardian for _, guardian in scope.ties]),
        *(due.received_on, due.destroy_by, who if isinstance(who, str) else who.key),
    )
    assert row is not None
    order = order_of(row)
    await raise_epochs(connection, "consent", {due.school})
    await note(
        connection,
        Service.DISPATCHER,
        who,
        "erasure.ordered",
        school=due.school,
        about=str(order.id),
        reason=reason,
        cause=due.cause.value,
    )
    register.append(data, [order])
    return order


async def give_again(connection: AnyConnection, order: Order) -> bool:
    """An order of the register, put back into a database restored from before it; every step is open
    again. False when the database knows it as carried out in full."""
    if await connection.fetchval("SELECT completed_at FROM consent.erasure WHERE id = $1", order.id):
        return False
    await connection.execute(
        f"""INSERT INTO consent.erasure ({_COLUMNS})
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING""",
        *(order.id, order.school, order.cause.value, list(order.pupils), list(order.guardians)),
        *(order.tie_pupils, order.tie_guardians, order.received_on, order.destroy_by),
        *(order.ordered_by, order.ordered_at),
    )
    return True


async def finished(connection: AnyConnection) -> list[UUID]:
    """Orders whose every step is done and whose act is not made."""
    rows = await connection.fetch("SELECT id FROM consent.erasure WHERE completed_at IS NULL ORDER BY id")
    return [row["id"] for row in rows if set(await steps_done(connection, row["id"])) == set(Step)]


async def close(connection: asyncpg.Connection, order: UUID, *, data: Path) -> Act | None:
    """Make the act and close the order; None if it is closed already or a step is open. The files are
    written first and the same way each time, so a crash between leaves nothing to mend."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM consent.erasure WHERE id = $1 AND completed_at IS NULL", order
    )
    done = await steps_done(connection, order)
    if row is None or set(done) != set(Step):
        return None
    given = order_of(row)
    school = await connection.fetchrow(
        "SELECT name, timezone FROM roster.school WHERE school = $1", given.school
    )
    steps = await _noted(connection, order)
    act = Act(
        order=given,
        school=school["name"] if school is not None else given.school,
        timezone=school["timezone"] if school is not None else "UTC",
        steps=steps,
        counts=done,
        destroyed_at=max((at for _, at in steps), default=datetime.now(UTC)),
    )
    place = await write_act(data, act)
    async with connection.transaction():
        closed = await connection.fetchval(
            """UPDATE consent.erasure SET completed_at = clock_timestamp(), act = $2
               WHERE id = $1 AND completed_at IS NULL RETURNING true""",
            *(order, place),
        )
        if not closed:
            return None
        await connection.execute(
            """UPDATE consent.withdrawal w SET destroyed_at = $4
               FROM unnest($2::text[], $3::text[]) AS tie (pupil, guardian)
               WHERE w.school = $1 AND (w.pupil, w.guardian) = (tie.pupil, tie.guardian)
                 AND w.destroyed_at IS NULL AND w.voided_at IS NULL AND w.registered_at <= $5""",
            *(given.school, given.tie_pupils, given.tie_guardians, act.destroyed_at, given.ordered_at),
        )
        await note(
            connection,
            Service.DISPATCHER,
            "vestnik",
            "erasure.completed",
            school=given.school,
            about=str(order),
            rows=sum(sum(counts.values()) for counts in done.values()),
        )
    return act


async def _noted(connection: AnyConnection, order: UUID) -> tuple[tuple[Step, datetime], ...]:
    noted = " UNION ALL ".join(
        f"SELECT step, at FROM {service.schema}.erased WHERE erasure = $1" for service in Service
    )
    rows = await connection.fetch(f"SELECT step, at FROM ({noted}) AS noted ORDER BY at", order)
    return tuple((Step(row["step"]), row["at"]) for row in rows)
