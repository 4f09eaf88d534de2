"""A message a gateway took over and failed afterwards: what follows, whichever gateway it was (R-E5).

The one way in for bounces, receipts and STOP alike. The address goes onto the suppression list; the
message goes back from accepted to composed, and the check before sending finds what is left: the
guardian's next address, the next channel, at last paper for the week, of which the print queue tells
the class teacher. What has expired meanwhile expires, and a revision that a newer one has replaced
is not told any more.
"""

from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

import structlog

from dispatcher.messages import Move, Status, move
from dispatcher.outcomes import publish_ends
from dispatcher.sending.suppression import Source, Stop, suppress
from shared.categories import Channel
from shared.clock import Clock
from shared.db import AnyConnection

log = structlog.get_logger()


class Later(StrEnum):
    """What became of it."""

    MOVED_ON = "moved_on"
    """The message looks for another way."""
    FAILED = "failed"
    """It carried nothing that could go another way: it ends here."""
    NOT_YET = "not_yet"
    """It is being sent at this very moment: ask again in a few seconds."""
    NOTHING = "nothing"
    """No such message, or the failure speaks of an attempt that is history."""


async def failed_later(
    connection: AnyConnection,
    message: UUID,
    address: str | None,
    reason: str,
    source: Source,
    clock: Clock,
    *,
    attempt: str | None = None,
    rest: timedelta | None = None,
) -> Later:
    """In the caller's transaction, however often it is told.

    `address`, as the contact has it, is put on the list of the message's school and channel, for `rest`
    or for good, whatever the message's status is. None: the address is good and stays, but this channel
    is not tried again for what the message carries. `reason` holds codes only. `attempt` is the
    `provider_id` the failure speaks of: an older attempt's failure does not move the message.
    """
    row = await connection.fetchrow(
        "SELECT school, channel, status, provider_id FROM dispatch.message WHERE id = $1 FOR UPDATE", message
    )
    if row is None:
        return Later.NOTHING
    channel = Channel(row["channel"])
    if address is not None:
        await suppress(connection, [Stop(row["school"], channel, address, reason, source, rest)])
    status = Status(row["status"])
    if status in {Status.SENDING, Status.UNKNOWN}:
        return Later.NOT_YET
    if status is not Status.ACCEPTED or (attempt is not None and attempt != row["provider_id"]):
        return Later.NOTHING
    failed = await move(
        connection, [Move(message, Status.FAILED, before=Status.ACCEPTED, reason=reason)], actor=source.value
    )
    await connection.execute(_OUTDATED, message)
    if address is None and not await try_another(connection, [message]):
        await publish_ends(connection, failed, at=clock.now())
        return Later.FAILED
    why = "next_channel" if address is None else "next_address"
    anew = Move(message, Status.COMPOSED, before=Status.FAILED, reason=why)
    await move(connection, [anew], actor=source.value)
    log.info("send.failed_later", message=str(message), channel=channel.value, source=source.value)
    return Later.MOVED_ON


# A newer revision was decided for the same guardian while this one counted as told.
_OUTDATED = """
UPDATE dispatch.decision d SET cancelled_by = successor.by, message = NULL
FROM (
    SELECT DISTINCT ON (old.change, old.guardian) old.change, old.guardian, newer.change AS by
    FROM dispatch.decision old
    JOIN dispatch.change c ON c.change = old.change
    JOIN dispatch.change n ON n.source = c.source AND n.entity = c.entity
        AND (n.revision, n.time) > (c.revision, c.time)
    JOIN dispatch.decision newer
        ON newer.change = n.change AND newer.guardian = old.guardian AND newer.school = old.school
        AND newer.cancelled_by IS NULL AND newer.verdict IN ('tell', 'paper')
    WHERE old.message = $1 AND old.cancelled_by IS NULL
    ORDER BY old.change, old.guardian, n.revision DESC, n.time DESC
) AS successor
WHERE d.change = successor.change AND d.guardian = successor.guardian
"""


async def try_another(connection: AnyConnection, messages: Collection[UUID]) -> set[UUID]:
    """Note that the channels of these messages are not to be tried again for what they carry; the
    messages that carry something which was not refused this way before."""
    rows = await connection.fetch(
        """UPDATE dispatch.decision d SET tried = array_append(d.tried, m.channel)
           FROM dispatch.message m
           WHERE m.id = ANY($1::uuid[]) AND d.message = m.id AND d.verdict = 'tell'
             AND d.cancelled_by IS NULL AND m.channel <> ALL(d.tried)
           RETURNING m.id""",
        messages,
    )
    return {row["id"] for row in rows}
