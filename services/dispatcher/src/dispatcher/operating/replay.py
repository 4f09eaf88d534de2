"""Replay: a message that failed is tried again (`failed → composed`).

Everything is checked anew before it is sent: papers, rights, addresses, corrections. Nothing that
expired comes back, for it has lost its sense.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dispatcher.messages import Move, Status, move
from dispatcher.operating.lock import hold
from shared.db import AnyConnection
from shared.deed import Deed
from shared.topics import Service

AT_MOST = 1_000
"""Messages taken up at once."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """`too_late` have expired; `not_failed` stand elsewhere, are another school's or unknown."""

    replayed: tuple[UUID, ...]
    too_late: tuple[UUID, ...]
    not_failed: tuple[UUID, ...]


async def replay(
    connection: AnyConnection, messages: Sequence[UUID], deed: Deed, *, now: datetime
) -> Replayed:
    """In a transaction of its own; `now` is school time. Attempts are counted from the beginning."""
    async with connection.transaction():
        held = await hold(connection, messages[:AT_MOST], deed.school)
        ready = [one for one in held if one.status is Status.FAILED]
        late = {one.message for one in ready if one.expires_at is not None and one.expires_at <= now}
        wanted = [
            Move(one.message, Status.COMPOSED, before=Status.FAILED, reason="replayed")
            for one in ready
            if one.message not in late
        ]
        moved = {one.message for one in await move(connection, wanted, actor=deed.actor)}
        # The channel that failed may be taken again: that is what the operator asks for.
        await connection.execute(
            "UPDATE dispatch.message SET attempts = 0 WHERE id = ANY($1::uuid[])", sorted(moved)
        )
        await connection.execute(
            """UPDATE dispatch.decision d SET tried = array_remove(d.tried, m.channel)
               FROM dispatch.message m
               WHERE m.id = d.message AND m.id = ANY($1::uuid[]) AND m.channel = ANY(d.tried)""",
            sorted(moved),
        )
        for one in ready:
            if one.message in moved:
                await deed.note(
                    connection,
                    Service.DISPATCHER,
                    "message.replayed",
                    school=one.school,
                    about=one.message,
                )
    rest = set(messages) - moved - late
    return Replayed(tuple(sorted(moved)), tuple(sorted(late)), tuple(sorted(rest)))
