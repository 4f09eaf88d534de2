"""Cancel: a message is not sent, or a change is told to nobody more (R-D5).

What has left cannot be called back. What is on its way at this moment is left alone and said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dispatcher.messages import Move, Moved, Status, move
from dispatcher.operating.lock import hold
from dispatcher.outcomes import publish_ends
from shared.db import AnyConnection
from shared.deed import Deed
from shared.topics import Service


@dataclass(frozen=True, slots=True)
class Cancelled:
    """`under_way` are being sent or their outcome is not known yet; `ended` are past cancelling,
    another school's or unknown."""

    cancelled: tuple[UUID, ...]
    under_way: tuple[UUID, ...]
    ended: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Stopped:
    """How many guardians will not be told, how many have been or are just being told, and how many
    have the change on paper, which only the journal can take back."""

    stopped: int
    told: int
    on_paper: int


@dataclass(frozen=True, slots=True)
class _Decision:
    """A decision to tell; `status` of its message, None before there is one."""

    guardian: str
    message: UUID | None
    status: Status | None


class NoSuchChange(LookupError):
    """Unknown, not planned yet, or another school's."""


async def cancel_messages(
    connection: AnyConnection, messages: Sequence[UUID], deed: Deed, *, now: datetime
) -> Cancelled:
    """Cancel what waits to be sent, with all it carries; in a transaction of its own. `now`: school time."""
    async with connection.transaction():
        held = await hold(connection, messages, deed.school)
        waiting = [one for one in held if one.status is Status.COMPOSED]
        moved = await _cancelled(connection, [one.message for one in waiting], deed, now)
        done = {one.message for one in moved}
        for one in waiting:
            await deed.note(
                connection,
                Service.DISPATCHER,
                "message.cancelled",
                school=one.school,
                about=one.message,
            )
        await connection.execute(
            """DELETE FROM dispatch.absence_alert a USING dispatch.decision d
               WHERE d.message = ANY($1::uuid[]) AND a.change = d.change
                 AND a.school = d.school AND a.guardian = d.guardian""",
            sorted(done),
        )
    under_way = {one.message for one in held if one.status in {Status.SENDING, Status.UNKNOWN}}
    rest = set(messages) - done - under_way
    return Cancelled(tuple(sorted(done)), tuple(sorted(under_way)), tuple(sorted(rest)))


async def stop_change(connection: AnyConnection, change: UUID, deed: Deed, *, now: datetime) -> Stopped:
    """Tell nobody more of this change, composed or not; whatever else their messages carry goes on.
    In a transaction of its own. `now` is school time. Raises NoSuchChange.

    A later revision of the journal is a change of its own and is told.
    """
    async with connection.transaction():
        school = await connection.fetchval(
            "SELECT school FROM dispatch.change WHERE change = $1 AND ($2::text IS NULL OR school = $2)",
            change,
            deed.school,
        )
        if school is None:
            raise NoSuchChange(str(change))
        rows = await _decisions(connection, change)
        told = [row for row in rows if row.status is not None and row.status.told]
        open_ = [row for row in rows if row.status in {None, Status.COMPOSED, Status.FAILED}]
        guardians = [row.guardian for row in open_]
        paper = await connection.fetchval(
            "SELECT count(*) FROM dispatch.decision WHERE change = $1 AND verdict = 'paper'", change
        )
        counts = Stopped(len(guardians), len(told), paper)
        if not guardians:
            return counts
        by = await deed.note(
            connection,
            Service.DISPATCHER,
            "change.stopped",
            school=school,
            about=change,
            guardians=counts.stopped,
            told=counts.told,
        )
        await connection.execute(
            """UPDATE dispatch.decision SET cancelled_by = $3
               WHERE change = $1 AND guardian = ANY($2::text[]) AND cancelled_by IS NULL""",
            change,
            guardians,
            by,
        )
        await connection.execute(
            """DELETE FROM dispatch.absence_alert
               WHERE school = $1 AND guardian = ANY($2::text[]) AND change = $3""",
            school,
            guardians,
            change,
        )
        await cancel_emptied(connection, {row.message for row in open_ if row.message is not None}, deed, now)
    return counts


async def cancel_emptied(
    connection: AnyConnection, messages: set[UUID], deed: Deed, now: datetime
) -> list[Moved]:
    """Of these waiting messages, locked by the caller, cancel those that have nothing left to say. A
    weekly e-mail is owed even so (R-B6): the check before sending knows."""
    empty = await connection.fetch(
        """SELECT id FROM dispatch.message m
           WHERE id = ANY($1::uuid[]) AND status = 'composed' AND kind <> 'weekly'
             AND NOT EXISTS (SELECT FROM dispatch.decision d
                             WHERE d.message = m.id AND d.verdict = 'tell' AND d.cancelled_by IS NULL)""",
        sorted(messages),
    )
    return await _cancelled(connection, [row["id"] for row in empty], deed, now)


async def _cancelled(
    connection: AnyConnection, messages: Sequence[UUID], deed: Deed, now: datetime
) -> list[Moved]:
    wanted = [Move(one, Status.CANCELLED, before=Status.COMPOSED, reason="stopped") for one in messages]
    moved = await move(connection, wanted, actor=deed.actor)
    await publish_ends(connection, moved, at=now)
    return moved


_TIED = "SELECT message FROM dispatch.decision WHERE change = $1 AND message IS NOT NULL"
_STANDING = """
SELECT d.guardian, d.message, m.status FROM dispatch.decision d
LEFT JOIN dispatch.message m ON m.id = d.message
WHERE d.change = $1 AND d.verdict = 'tell' AND d.cancelled_by IS NULL
"""


async def _decisions(connection: AnyConnection, change: UUID) -> list[_Decision]:
    """The decisions to tell, locked with their messages: messages first, as planning and sending do.
    One composed in between that a sender holds already is on its way."""
    await connection.execute(
        f"SELECT FROM dispatch.message WHERE id IN ({_TIED}) ORDER BY id FOR UPDATE", change
    )
    await connection.execute(
        "SELECT FROM dispatch.decision WHERE change = $1 ORDER BY guardian FOR UPDATE", change
    )
    locked = await connection.fetch(
        f"SELECT id FROM dispatch.message WHERE id IN ({_TIED}) FOR UPDATE SKIP LOCKED", change
    )
    ours = {row["id"] for row in locked}
    found = []
    for row in await connection.fetch(_STANDING, change):
        status = Status(row["status"]) if row["status"] is not None else None
        if row["message"] is not None and row["message"] not in ours:
            status = Status.SENDING
        found.append(_Decision(row["guardian"], row["message"], status))
    return found
