"""The ledger: every decision stands in exactly one column, so nothing is lost silently (DESIGN §7).

changes × guardians = delivered + accepted + paper + suppressed + failed + expired + cancelled + pending.
"""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from dispatcher.messages import Status
from shared.categories import Channel
from shared.db import AnyConnection

RATE_OVER = timedelta(minutes=5)

_PENDING = ", ".join(f"'{status.value}'" for status in Status if status.pending)

COLUMN = f"""CASE
    WHEN d.cancelled_by IS NOT NULL THEN 'cancelled'
    WHEN d.verdict = 'paper' THEN 'paper'
    WHEN d.verdict = 'suppress' THEN 'suppressed'
    WHEN d.message IS NULL OR m.status IN ({_PENDING}) THEN 'pending'
    ELSE m.status
END"""
"""The column a decision `d` with its message `m` stands in."""

FROM = """FROM dispatch.decision d
JOIN dispatch.change c USING (change)
LEFT JOIN dispatch.message m ON m.id = d.message
WHERE ($1::text IS NULL OR d.school = $1)
  AND ($2::timestamptz IS NULL OR c.accepted_at >= $2)
  AND ($3::timestamptz IS NULL OR c.accepted_at < $3)"""
"""Decisions of a period: school, since, until."""


@dataclass(frozen=True, slots=True)
class Sum:
    """How many decisions stand where; `decisions` is changes × guardians."""

    decisions: int
    delivered: int = 0
    accepted: int = 0
    paper: int = 0
    suppressed: int = 0
    failed: int = 0
    expired: int = 0
    cancelled: int = 0
    pending: int = 0

    @property
    def columns(self) -> dict[str, int]:
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "decisions"}

    @property
    def adds_up(self) -> bool:
        return self.decisions == sum(self.columns.values())


@dataclass(frozen=True, slots=True)
class Queue:
    """What one channel still has before it. `oldest` is how long the oldest has been due, school time."""

    channel: Channel
    waiting: int
    sending: int
    unknown: int
    oldest: timedelta | None
    paused: str | None


@dataclass(frozen=True, slots=True)
class Period:
    """Changes accepted from (included) until (excluded), school time; one school or all."""

    school: str | None = None
    since: datetime | None = None
    until: datetime | None = None


EVERYTHING = Period()


async def add_up(connection: AnyConnection, period: Period = EVERYTHING) -> Sum:
    """The ledger's sum, one statement."""
    rows = await connection.fetch(
        f"SELECT {COLUMN} AS place, count(*) AS decisions {FROM} GROUP BY place",
        period.school,
        period.since,
        period.until,
    )
    counts = {row["place"]: row["decisions"] for row in rows}
    return Sum(decisions=sum(counts.values()), **counts)


async def queues(connection: AnyConnection, now: datetime) -> list[Queue]:
    """Depth and age of every electronic channel; `now` is school time."""
    rows = await connection.fetch(
        f"""SELECT channel,
                   count(*) FILTER (WHERE status = 'composed') AS waiting,
                   count(*) FILTER (WHERE status = 'sending') AS sending,
                   count(*) FILTER (WHERE status = 'unknown') AS unknown,
                   min(due_at) AS oldest
            FROM dispatch.message WHERE status IN ({_PENDING}) GROUP BY channel"""
    )
    found = {row["channel"]: row for row in rows}
    pauses = {
        row["channel"]: row["reason"]
        for row in await connection.fetch("SELECT channel, reason FROM dispatch.channel_pause")
    }
    return [
        Queue(
            channel,
            row["waiting"] if row else 0,
            row["sending"] if row else 0,
            row["unknown"] if row else 0,
            max(now - row["oldest"], timedelta()) if row else None,
            pauses.get(channel),
        )
        for channel in Channel
        if channel is not Channel.PAPER
        for row in [found.get(channel)]
    ]


async def rates(connection: AnyConnection, over: timedelta = RATE_OVER) -> dict[Channel, float]:
    """Messages accepted a minute over the last minutes of real time; every electronic channel."""
    rows = await connection.fetch(
        """SELECT m.channel, count(*) AS accepted
           FROM dispatch.message_history h JOIN dispatch.message m ON m.id = h.message
           WHERE h.at > clock_timestamp() - $1::interval AND h.to_status = $2 GROUP BY m.channel""",
        over,
        Status.ACCEPTED.value,
    )
    accepted = {row["channel"]: row["accepted"] for row in rows}
    minutes = over / timedelta(minutes=1)
    return {
        channel: accepted.get(channel.value, 0) / minutes
        for channel in Channel
        if channel is not Channel.PAPER
    }
