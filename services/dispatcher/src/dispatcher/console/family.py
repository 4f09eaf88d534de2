"""One message as an operator reads it: where it stands, what it carries, how it came there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dispatcher.messages import Status
from dispatcher.view import Kind
from shared.categories import Channel
from shared.db import AnyConnection


@dataclass(frozen=True, slots=True)
class Step:
    at: datetime
    status: Status
    reason: str | None
    actor: str


@dataclass(frozen=True, slots=True)
class Carried:
    """A decision the message carries: ids, verdict, and the sheets it relies on (R-C4)."""

    change: UUID
    type: str
    pupils: tuple[str, ...]
    sheets: tuple[str, ...]
    deadline: datetime | None
    cancelled: bool


@dataclass(frozen=True, slots=True)
class Opened:
    message: UUID
    school: str
    guardian: str
    channel: Channel
    kind: Kind
    status: Status
    reason: str | None
    due_at: datetime
    attempts: int
    steps: Sequence[Step]
    carried: Sequence[Carried]


async def read_message(connection: AnyConnection, message: UUID, school: str | None) -> Opened | None:
    """None when there is no such message, or it is another school's."""
    row = await connection.fetchrow(
        "SELECT * FROM dispatch.message WHERE id = $1 AND ($2::text IS NULL OR school = $2)", message, school
    )
    if row is None:
        return None
    steps = await connection.fetch(
        "SELECT at, to_status, reason, actor FROM dispatch.message_history WHERE message = $1 ORDER BY id",
        message,
    )
    carried = await connection.fetch(
        """SELECT d.change, c.type, d.pupils, d.sheets, d.deadline, d.cancelled_by IS NOT NULL AS cancelled
           FROM dispatch.decision d JOIN dispatch.change c USING (change)
           WHERE d.message = $1 ORDER BY d.due_at, d.change""",
        message,
    )
    return Opened(
        message=row["id"],
        school=row["school"],
        guardian=row["guardian"],
        channel=Channel(row["channel"]),
        kind=Kind(row["kind"]),
        status=Status(row["status"]),
        reason=row["reason"],
        due_at=row["due_at"],
        attempts=row["attempts"],
        steps=[Step(one["at"], Status(one["to_status"]), one["reason"], one["actor"]) for one in steps],
        carried=[
            Carried(
                one["change"],
                one["type"],
                tuple(one["pupils"]),
                tuple(one["sheets"]),
                one["deadline"],
                one["cancelled"],
            )
            for one in carried
        ],
    )


async def read_name(connection: AnyConnection, school: str, guardian: str) -> str | None:
    """None when the lists do not know this guardian."""
    name: str | None = await connection.fetchval(
        """SELECT concat_ws(' ', family_name, given_name, patronymic) FROM roster.guardian
           WHERE school = $1 AND guardian = $2""",
        school,
        guardian,
    )
    return name
