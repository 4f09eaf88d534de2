"""Messages taken in hand by an operator, locked in the order everybody locks them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dispatcher.messages import Status
from shared.db import AnyConnection


@dataclass(frozen=True, slots=True)
class Held:
    """A message as it stands while it is locked."""

    message: UUID
    school: str
    status: Status
    expires_at: datetime | None


async def hold(connection: AnyConnection, messages: Sequence[UUID], school: str | None) -> list[Held]:
    """Lock those of the messages that are of the school (None: of any); until the transaction ends
    nobody else moves them."""
    rows = await connection.fetch(
        """SELECT id, school, status, expires_at FROM dispatch.message
           WHERE id = ANY($1::uuid[]) AND ($2::text IS NULL OR school = $2) ORDER BY id FOR UPDATE""",
        list(messages),
        school,
    )
    return [Held(row["id"], row["school"], Status(row["status"]), row["expires_at"]) for row in rows]
