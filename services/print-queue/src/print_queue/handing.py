"""What a class teacher does with a batch: takes it, prints it, hands it out, gathers the slips (R-E4).

Every step is compare-and-set with a row in the history; a step already taken is no error and changes
nothing, so a button may be pressed twice.
"""

from collections.abc import Collection
from uuid import UUID

from print_queue.states import BATCH_STEPS, BatchState, SheetState, sources
from shared.db import AnyConnection


async def collect(connection: AnyConnection, batch: UUID, *, actor: str) -> bool:
    """The teacher took the batch. False if it was not waiting for that."""
    async with connection.transaction():
        return await _step(connection, batch, BatchState.COLLECTED, actor)


async def mark_printed(connection: AnyConnection, batch: UUID, *, actor: str) -> bool:
    """The batch is on paper, and so is every sheet of it; taking it is implied."""
    async with connection.transaction():
        await _step(connection, batch, BatchState.COLLECTED, actor)
        if not await _step(connection, batch, BatchState.PRINTED, actor):
            return False
        await _sheets(connection, batch, SheetState.PRINTED, None, actor)
        return True


async def hand_out(
    connection: AnyConnection, batch: UUID, *, undelivered: Collection[UUID] = (), actor: str
) -> int:
    """«Все вручены, кроме…»: how many sheets changed state. A batch not yet marked printed has been."""
    async with connection.transaction():
        await mark_printed(connection, batch, actor=actor)
        waiting = await connection.fetch(
            "SELECT id FROM paper.sheet WHERE batch = $1 AND state = 'printed' FOR UPDATE", batch
        )
        handed = [row["id"] for row in waiting if row["id"] not in set(undelivered)]
        changed = await _sheets(connection, batch, SheetState.UNDELIVERED, undelivered, actor)
        changed += await _sheets(connection, batch, SheetState.HANDED, handed, actor)
        await _settle(connection, batch, actor)
        return changed


async def hand_over(connection: AnyConnection, batch: UUID, sheets: Collection[UUID], *, actor: str) -> int:
    """These sheets reached their families, late ones too."""
    async with connection.transaction():
        changed = await _sheets(connection, batch, SheetState.HANDED, sheets, actor)
        await _settle(connection, batch, actor)
        return changed


async def take_slips(connection: AnyConnection, batch: UUID, sheets: Collection[UUID], *, actor: str) -> int:
    """The signed slips of these sheets came back."""
    async with connection.transaction():
        changed = await _sheets(connection, batch, SheetState.RETURNED, sheets, actor)
        await _settle(connection, batch, actor)
        return changed


async def _settle(connection: AnyConnection, batch: UUID, actor: str) -> None:
    """Bring the batch after its sheets."""
    states = {
        SheetState(row["state"])
        for row in await connection.fetch("SELECT DISTINCT state FROM paper.sheet WHERE batch = $1", batch)
    }
    if not states & {SheetState.QUEUED, SheetState.PRINTED}:
        await _step(connection, batch, BatchState.HANDED_OUT, actor)
        if SheetState.HANDED not in states:
            await _step(connection, batch, BatchState.CLOSED, actor)


async def _step(connection: AnyConnection, batch: UUID, to: BatchState, actor: str) -> bool:
    before = [state.value for state, steps in BATCH_STEPS.items() if to in steps]
    was = await connection.fetchval(
        """
        UPDATE paper.batch b SET state = $2
        FROM (SELECT id, state FROM paper.batch WHERE id = $1 FOR UPDATE) AS was
        WHERE b.id = was.id AND was.state = ANY($3) RETURNING was.state
        """,
        batch,
        to.value,
        before,
    )
    if was is None:
        return False
    await connection.execute(
        "INSERT INTO paper.batch_history (batch, from_state, to_state, actor) VALUES ($1, $2, $3, $4)",
        batch,
        was,
        to.value,
        actor,
    )
    return True


async def _sheets(
    connection: AnyConnection, batch: UUID, to: SheetState, sheets: Collection[UUID] | None, actor: str
) -> int:
    """Of this batch only, whatever ids are given (R-D1); None: all."""
    status = await connection.execute(
        """
        WITH moved AS (
            UPDATE paper.sheet s SET state = $2
            FROM (
                SELECT id, state FROM paper.sheet
                WHERE batch = $1 AND state = ANY($3) AND ($4::uuid[] IS NULL OR id = ANY($4))
                ORDER BY id FOR UPDATE
            ) AS was
            WHERE s.id = was.id RETURNING s.id, was.state AS from_state)
        INSERT INTO paper.sheet_history (sheet, from_state, to_state, actor)
        SELECT id, from_state, $2, $5 FROM moved
        """,
        batch,
        to.value,
        [state.value for state in sources(to)],
        list(sheets) if sheets is not None else None,
        actor,
    )
    return int(status.rpartition(" ")[2])
