"""What an operator sees first: one read model, a handful of statements over what is open and lately done."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatcher import deadlines, ledger, reconcile
from dispatcher.deadlines import Deadlines, Open
from dispatcher.ledger import Period, Queue, Sum
from dispatcher.providers import Standing, standings
from dispatcher.reconcile import Lag
from dispatcher.sending.limits import Limits
from shared.bus import dead
from shared.categories import ELECTRONIC, Channel
from shared.db import AnyConnection
from shared.topics import Service

LATELY = timedelta(hours=24)
MINUTES = 60
_URGENT = 5


@dataclass(frozen=True, slots=True)
class Lane:
    """One channel: its queue, its gateway, and what was accepted in each of the last minutes."""

    queue: Queue
    rate: float
    provider: Standing
    minutes: Sequence[int]


@dataclass(frozen=True, slots=True)
class Failures:
    """Messages that failed over a channel for a reason, over `LATELY`; where they went next is theirs."""

    channel: Channel
    reason: str
    messages: int


@dataclass(frozen=True, slots=True)
class Overview:
    """`wrong` rows of the ledger that the watch found; `dead` letters of the dispatcher."""

    lanes: Sequence[Lane]
    total: Sum
    lag: Lag
    deadlines: Deadlines
    urgent: Sequence[Open]
    failures: Sequence[Failures]
    wrong: int
    dead: int


async def read(
    connection: AnyConnection, period: Period, now: datetime, allowed: Mapping[Channel, Limits]
) -> Overview:
    """`now` is school time; `allowed` are the providers' limits. Queues and gateways are the
    installation's, all else the school's."""
    school = period.school
    rates = await ledger.rates(connection)
    providers = {one.channel: one for one in await standings(connection, allowed)}
    minutes = await _minutes(connection)
    lanes = [
        Lane(queue, rates[queue.channel], providers[queue.channel], minutes[queue.channel])
        for queue in await ledger.queues(connection, now)
    ]
    return Overview(
        lanes=lanes,
        total=await ledger.add_up(connection, period),
        lag=await reconcile.lag(connection),
        deadlines=await deadlines.count(connection, now, school=school),
        urgent=await deadlines.page(connection, now, school=school, limit=_URGENT),
        failures=await failures(connection, school),
        wrong=await connection.fetchval(
            """SELECT count(*) FROM dispatch.discrepancy
               WHERE gone_at IS NULL AND ($1::text IS NULL OR school = $1)""",
            school,
        ),
        dead=await dead.count(connection, Service.DISPATCHER, school=school),
    )


async def failures(connection: AnyConnection, school: str | None, *, limit: int = 20) -> list[Failures]:
    """The most frequent first, over `LATELY` of real time."""
    rows = await connection.fetch(
        """SELECT m.channel, coalesce(h.reason, '') AS reason, count(DISTINCT m.id) AS messages
           FROM dispatch.message_history h JOIN dispatch.message m ON m.id = h.message
           WHERE h.at > clock_timestamp() - $1::interval AND h.to_status IN ('failed', 'expired')
             AND ($2::text IS NULL OR m.school = $2)
           GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT $3""",
        LATELY,
        school,
        limit,
    )
    return [Failures(Channel(row["channel"]), row["reason"], row["messages"]) for row in rows]


async def _minutes(connection: AnyConnection) -> Mapping[Channel, Sequence[int]]:
    """Messages accepted in each of the last MINUTES of real time, the oldest first."""
    rows = await connection.fetch(
        """SELECT m.channel, floor(extract(epoch FROM clock_timestamp() - h.at) / 60)::int AS ago,
                  count(*) AS accepted
           FROM dispatch.message_history h JOIN dispatch.message m ON m.id = h.message
           WHERE h.at > clock_timestamp() - $1::interval AND h.to_status = 'accepted' GROUP BY 1, 2""",
        timedelta(minutes=MINUTES),
    )
    counts: dict[tuple[str, int], int] = defaultdict(int)
    for row in rows:
        counts[row["channel"], row["ago"]] = row["accepted"]
    return {
        channel: [counts[channel.value, ago] for ago in range(MINUTES - 1, -1, -1)] for channel in ELECTRONIC
    }
