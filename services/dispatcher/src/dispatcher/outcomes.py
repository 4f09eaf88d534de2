"""What became of messages, for other services: the topic `delivery.outcomes` (DESIGN §1).

Ends only, written through the outbox in the transaction that reached them. Ids, never an address
or a text. For e-mail and push a gateway's acceptance is the last that is known; an SMS ends with
its receipt.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from dispatcher.messages import Moved, Status
from shared.categories import Channel
from shared.changes import bus_key
from shared.db import AnyConnection
from shared.outbox import append
from shared.topics import Service, Topic


@dataclass(frozen=True, slots=True)
class MessageOutcome:
    """How a message ended, and for which changes and pupils."""

    message: UUID
    school: str
    guardian: str
    channel: Channel
    status: Status
    reason: str | None
    changes: tuple[UUID, ...]
    pupils: tuple[str, ...]
    at: datetime

    def record(self) -> tuple[str, bytes]:
        """Key and value on the bus. Children of one guardian may sit in several classes: no class."""
        return bus_key(self.school, None), orjson.dumps(
            {
                "kind": "message",
                "message": str(self.message),  # as text: the driver has a UUID class of its own
                "school": self.school,
                "guardian": self.guardian,
                "channel": self.channel,
                "status": self.status,
                "reason": self.reason,
                "changes": [str(change) for change in self.changes],
                "pupils": self.pupils,
                "at": self.at,
            }
        )


@dataclass(frozen=True, slots=True)
class PaperOutcome:
    """No electronic way is left: this change goes on paper (R-E5)."""

    school: str
    guardian: str
    pupils: tuple[str, ...]
    change: UUID
    reason: str
    at: datetime

    def record(self) -> tuple[str, bytes]:
        return bus_key(self.school, None), orjson.dumps(
            {
                "kind": "paper",
                "school": self.school,
                "guardian": self.guardian,
                "pupils": self.pupils,
                "change": str(self.change),
                "reason": self.reason,
                "at": self.at,
            }
        )


def is_end(status: Status, channel: Channel) -> bool:
    """Whether nothing further is expected to be learned of such a message."""
    if status is Status.ACCEPTED:
        return channel is not Channel.SMS
    return status in {Status.DELIVERED, Status.FAILED, Status.CANCELLED, Status.EXPIRED}


async def publish(connection: AnyConnection, outcomes: Sequence[MessageOutcome | PaperOutcome]) -> None:
    """Into the outbox, in the caller's transaction."""
    records = [outcome.record() for outcome in outcomes]
    await append(connection, Service.DISPATCHER, Topic.DELIVERY_OUTCOMES, records)


async def publish_ends(connection: AnyConnection, moved: Iterable[Moved], *, at: datetime) -> None:
    """The ends among these changes, with what the messages carried; `at` is school time. A message
    that carried nothing and was cancelled is nobody's business."""
    ids = [one.message for one in moved if one.after not in {Status.COMPOSED, Status.UNKNOWN}]
    if not ids:
        return
    rows = await connection.fetch(
        """SELECT m.id, m.school, m.guardian, m.channel, m.status, m.reason,
                  array_remove(array_agg(d.change ORDER BY d.change), NULL) AS changes,
                  array_remove(array_agg(DISTINCT pupil), NULL) AS pupils
           FROM dispatch.message m
           LEFT JOIN dispatch.decision d ON d.message = m.id
           LEFT JOIN LATERAL unnest(d.pupils) AS pupil ON true
           WHERE m.id = ANY($1::uuid[])
           GROUP BY m.id ORDER BY m.id""",
        ids,
    )
    outcomes = [
        MessageOutcome(
            message=row["id"],
            school=row["school"],
            guardian=row["guardian"],
            channel=Channel(row["channel"]),
            status=Status(row["status"]),
            reason=row["reason"],
            changes=tuple(dict.fromkeys(row["changes"])),
            pupils=tuple(row["pupils"]),
            at=at,
        )
        for row in rows
    ]
    await publish(
        connection,
        [
            one
            for one in outcomes
            if is_end(one.status, one.channel) and (one.changes or one.status is not Status.CANCELLED)
        ],
    )


async def notify_staff(connection: AnyConnection, *, kind: str, at: datetime, **facts: str) -> None:
    """Ask that a member of staff be told; `kind` says what of, the facts hold no personal data."""
    key = bus_key(facts.get("school", ""), None)
    value = orjson.dumps({"kind": kind, "at": at, **facts})
    await append(connection, Service.DISPATCHER, Topic.STAFF_NOTICES, [(key, value)])
