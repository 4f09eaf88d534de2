"""Deadlines as an operator sees them: what is late, what is about to be, why each of it waits, and
what was never told in time at all (R-B10). A read model; changes nothing.

`count(connection, now)` for a total, `page(connection, now, …)` for rows, `lost(connection, …)` for
what expired or failed. `now` is school time everywhere; `again_at` and `ended_at` are real time.
Rows are ids, never a name or an address. A decision is

- late once its deadline has passed and nobody has it yet;
- at risk when its deadline comes `within` an hour, or when it may leave only after its deadline
  (an SMS held by quiet hours, a final mark in a weekly digest): that is known from planning on.

Next page: `after=rows[-1].key`. Fewer rows than asked for: that was the last page. Every query
reads partial indexes over what is still open, so it costs by what is late, not by what was sent.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import asyncpg

from dispatcher.messages import Status
from shared.categories import Category, Channel, Mode
from shared.db import AnyConnection
from shared.web.language import mark

AT_RISK_WITHIN = timedelta(hours=1)

_PENDING = ", ".join(f"'{status.value}'" for status in Status if status.pending)


class State(StrEnum):
    LATE = "late"
    AT_RISK = "at_risk"


class Why(StrEnum):
    """What an open decision waits for."""

    HELD = "held"  # hold-until of absences, or quiet hours
    DIGEST = "digest"
    NOT_COMPOSED = "not_composed"
    PAUSED = "paused"  # `detail`: why the channel was stopped
    AWAY = "away"  # the breaker is open; `detail`: why
    BUDGET = "budget"  # the month's last SMS are in flight: what they cost decides
    RETRYING = "retrying"  # `detail`: what the last attempt ended with, `again_at`: when it goes on
    QUEUE = "queue"
    SENDING = "sending"
    UNKNOWN = "unknown"  # `detail`: why the outcome is not known


SAID: dict[Why, str] = {
    Why.HELD: mark("ждёт разрешённого часа"),
    Why.DIGEST: mark("ждёт сводки"),
    Why.NOT_COMPOSED: mark("сообщение ещё не составлено"),
    Why.PAUSED: mark("канал остановлен"),
    Why.AWAY: mark("шлюз не отвечает"),
    Why.BUDGET: mark("остаток SMS этого месяца выясняется"),
    Why.RETRYING: mark("ждёт следующей попытки"),
    Why.QUEUE: mark("стоит в очереди"),
    Why.SENDING: mark("отправляется"),
    Why.UNKNOWN: mark("исход отправки неясен"),
}
"""In Russian, for pages and commands."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How many decisions to tell are past their deadline, and how many are about to be."""

    late: int
    at_risk: int


Key = tuple[datetime, UUID, str]
"""Deadline, change and guardian: the order of pages."""


@dataclass(frozen=True, slots=True)
class Open:
    """A decision that is late or at risk. `detail` is a machine word (`dispatcher.words.REASONS`) or what a
    gateway said; `message` is None until composed."""

    change: UUID
    school: str
    guardian: str
    category: Category
    channel: Channel
    mode: Mode
    due_at: datetime
    deadline: datetime
    expires_at: datetime | None
    state: State
    why: Why
    detail: str | None
    again_at: datetime | None
    attempts: int
    message: UUID | None

    @property
    def key(self) -> Key:
        return self.deadline, self.change, self.guardian


@dataclass(frozen=True, slots=True)
class Lost:
    """A decision that ended untold. `status` is expired or failed; `because` is the last that was
    known before it expired (None: it never got its turn), or the failure's reason."""

    change: UUID
    school: str
    guardian: str
    category: Category
    channel: Channel
    deadline: datetime | None
    ended_at: datetime
    status: Status
    because: str | None
    message: UUID


# $1 now, $2 until when it is at risk, $3 school or NULL. Three arms, an index each (migration 0010).
_OPEN = f"""
    SELECT d.*, NULL::text AS status, NULL::text AS said, NULL::timestamptz AS next_attempt_at, 0 AS attempts,
           NULL::timestamptz AS held_until
    FROM dispatch.decision d
    WHERE d.verdict = 'tell' AND d.message IS NULL AND d.cancelled_by IS NULL AND d.deadline < $2
      AND ($3::text IS NULL OR d.school = $3)
  UNION ALL
    SELECT d.*, NULL, NULL, NULL, 0, NULL
    FROM dispatch.decision d
    WHERE d.verdict = 'tell' AND d.message IS NULL AND d.cancelled_by IS NULL AND d.due_at > d.deadline
      AND d.deadline >= $2 AND ($3::text IS NULL OR d.school = $3)
  UNION ALL
    SELECT d.*, m.status, m.reason, m.next_attempt_at, m.attempts, m.due_at
    FROM dispatch.message m JOIN dispatch.decision d ON d.message = m.id
    WHERE m.status IN ({_PENDING}) AND m.deadline < $2
      AND d.verdict = 'tell' AND d.cancelled_by IS NULL AND d.deadline < $2
      AND ($3::text IS NULL OR d.school = $3)
"""


async def count(
    connection: AnyConnection, now: datetime, *, school: str | None = None, within: timedelta = AT_RISK_WITHIN
) -> Deadlines:
    """The totals, of one school or of all."""
    row = await connection.fetchrow(
        f"""SELECT count(*) FILTER (WHERE deadline < $1) AS late,
                   count(*) FILTER (WHERE deadline >= $1) AS at_risk FROM ({_OPEN}) AS open""",
        now,
        now + within,
        school,
    )
    assert row is not None
    return Deadlines(row["late"], row["at_risk"])


@dataclass(frozen=True, slots=True)
class Heap:
    """How much is open in one school, category and channel."""

    school: str
    category: Category
    channel: Channel
    late: int
    at_risk: int


async def heaps(
    connection: AnyConnection, now: datetime, *, within: timedelta = AT_RISK_WITHIN
) -> list[Heap]:
    """What is open, by school, category and channel; those with nothing open are left out."""
    rows = await connection.fetch(
        f"""SELECT school, category, channel,
                   count(*) FILTER (WHERE deadline < $1) AS late,
                   count(*) FILTER (WHERE deadline >= $1) AS at_risk
            FROM ({_OPEN}) AS open GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
        now,
        now + within,
        None,
    )
    return [
        Heap(row["school"], Category(row["category"]), Channel(row["channel"]), row["late"], row["at_risk"])
        for row in rows
    ]


async def page(
    connection: AnyConnection,
    now: datetime,
    *,
    school: str | None = None,
    state: State | None = None,
    after: Key | None = None,
    limit: int = 50,
    within: timedelta = AT_RISK_WITHIN,
) -> list[Open]:
    """Rows by deadline, the most overdue first; `state` narrows them."""
    deadline, change, guardian = after if after is not None else (None, None, None)
    rows = await connection.fetch(
        f"""SELECT open.change, open.school, guardian, category, channel, mode, due_at, deadline,
                   expires_at, message, status, said, attempts, open.held_until, p.reason AS paused,
                   coalesce(v.state <> 'closed', false) AS away, v.reason AS away_because,
                   CASE WHEN next_attempt_at > clock_timestamp() THEN next_attempt_at END AS again_at
            FROM ({_OPEN}) AS open LEFT JOIN dispatch.channel_pause p USING (channel)
                 LEFT JOIN dispatch.provider v USING (channel)
            WHERE ($4::text IS NULL OR (deadline < $1) = ($4 = 'late'))
              AND ($5::timestamptz IS NULL OR (deadline, change, guardian) > ($5, $6::uuid, $7::text))
            ORDER BY deadline, change, guardian LIMIT $8""",
        now,
        now + within,
        school,
        state.value if state is not None else None,
        deadline,
        change,
        guardian,
        limit,
    )
    return [_open(row, now) for row in rows]


def _open(row: asyncpg.Record, now: datetime) -> Open:
    why, detail = _why(row, now)
    return Open(
        change=row["change"],
        school=row["school"],
        guardian=row["guardian"],
        category=Category(row["category"]),
        channel=Channel(row["channel"]),
        mode=Mode(row["mode"]),
        due_at=row["due_at"],
        deadline=row["deadline"],
        expires_at=row["expires_at"],
        state=State.LATE if row["deadline"] < now else State.AT_RISK,
        why=why,
        detail=detail,
        again_at=row["again_at"] if why in {Why.RETRYING, Why.UNKNOWN} else None,
        attempts=row["attempts"],
        message=row["message"],
    )


def _why(row: asyncpg.Record, now: datetime) -> tuple[Why, str | None]:
    match row["status"]:
        case None if row["due_at"] > now:
            return (Why.HELD if row["mode"] == Mode.IMMEDIATE else Why.DIGEST), None
        case None:
            return Why.NOT_COMPOSED, None
        case Status.SENDING:
            return Why.SENDING, None
        case Status.UNKNOWN:
            return Why.UNKNOWN, row["said"]
        case _ if row["paused"] is not None:
            return Why.PAUSED, row["paused"]
        case _ if row["away"]:
            return Why.AWAY, row["away_because"]
        case _ if row["said"] == "budget_in_flight" and row["again_at"] is not None:
            return Why.BUDGET, row["said"]
        case _ if row["held_until"] > now:
            return Why.HELD, row["said"]
        case _ if row["again_at"] is not None:
            return Why.RETRYING, row["said"]
    return Why.QUEUE, row["said"]


async def lost(
    connection: AnyConnection, *, since: datetime, school: str | None = None, limit: int = 50
) -> list[Lost]:
    """What ended untold since an instant of real time, the newest first."""
    rows = await connection.fetch(
        """SELECT d.change, d.school, d.guardian, d.category, d.channel, d.deadline, d.message,
                  m.status, m.settled_at, CASE m.status WHEN 'failed' THEN m.reason ELSE before.reason END
                      AS because
           FROM dispatch.message m
           JOIN dispatch.decision d ON d.message = m.id
           LEFT JOIN LATERAL (
               SELECT h.reason FROM dispatch.message_history h
               WHERE h.message = m.id AND h.to_status IN ('composed', 'unknown') ORDER BY h.id DESC LIMIT 1
           ) AS before ON true
           WHERE m.status IN ('expired', 'failed') AND m.settled_at >= $1
             AND d.verdict = 'tell' AND d.cancelled_by IS NULL AND ($2::text IS NULL OR d.school = $2)
           ORDER BY m.settled_at DESC, d.change, d.guardian LIMIT $3""",
        since,
        school,
        limit,
    )
    return [
        Lost(
            change=row["change"],
            school=row["school"],
            guardian=row["guardian"],
            category=Category(row["category"]),
            channel=Channel(row["channel"]),
            deadline=row["deadline"],
            ended_at=row["settled_at"],
            status=Status(row["status"]),
            because=row["because"],
            message=row["message"],
        )
        for row in rows
    ]


async def lost_lately(
    connection: AnyConnection, over: timedelta
) -> dict[tuple[Category, Channel, Status], int]:
    """How many decisions ended untold within the last hours of real time."""
    rows = await connection.fetch(
        """SELECT d.category, d.channel, m.status, count(*) AS decisions
           FROM dispatch.message m JOIN dispatch.decision d ON d.message = m.id
           WHERE m.status IN ('expired', 'failed') AND m.settled_at >= clock_timestamp() - $1::interval
             AND d.verdict = 'tell' AND d.cancelled_by IS NULL
           GROUP BY 1, 2, 3""",
        over,
    )
    return {
        (Category(row["category"]), Channel(row["channel"]), Status(row["status"])): row["decisions"]
        for row in rows
    }
