"""Providers as an operator sees them, and what SMS cost each school. A read model; changes nothing.

`standings(connection, limits)` for the providers, `spendings(connection, …)` for the budgets. Real time
throughout. To pause and resume: `dispatcher.sending.pauses`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from dispatcher.sending import limits, provider_row
from dispatcher.sending.breaker import State
from dispatcher.sending.limits import Limits
from dispatcher.sending.provider_row import Provider
from shared.categories import ELECTRONIC, Channel
from shared.clock import Clock
from shared.db import AnyConnection
from shared.settings import Profile, zone


class Stand(StrEnum):
    """In words of one: what holds the messages of a channel, the gravest first."""

    PAUSED = "paused"
    AWAY = "away"
    PROBING = "probing"  # the next call decides
    HELD = "held"  # it asked for less
    LIMITED = "limited"  # our own limit is used up
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Standing:
    """`why` and `since` of a pause, or of an outage; `until`: when it is tried next. `p50` and `p95`:
    seconds of late calls. `second` and `hour`: calls lately granted, of `limits`."""

    channel: Channel
    stand: Stand
    since: datetime | None
    why: str | None
    by: str | None
    until: datetime | None
    second: int
    hour: int
    limits: Limits
    p50: float | None
    p95: float | None
    called_at: datetime | None


@dataclass(frozen=True, slots=True)
class Month:
    """A school's running month of SMS; `in_flight` segments are sent and not settled."""

    school: str
    month: date
    segments: int
    in_flight: int
    limit: int
    cost: Decimal


async def standings(connection: AnyConnection, allowed: Mapping[Channel, Limits]) -> list[Standing]:
    """Every electronic channel, switched on or not."""
    found = await provider_row.look(connection, ELECTRONIC)
    rows = await connection.fetch(
        """SELECT p.channel, p.called_at, c.reason, c.since, c.by, t.p50, t.p95
           FROM dispatch.provider p LEFT JOIN dispatch.channel_pause c USING (channel)
           CROSS JOIN LATERAL (
               SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS p50,
                      percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95
               FROM unnest(p.latencies) AS seconds
           ) AS t"""
    )
    facts = {Channel(row["channel"]): row for row in rows}
    made = []
    for channel in ELECTRONIC:
        provider, row = found[channel], facts[channel]
        stand, since, why, until = _stand(provider, allowed[channel])
        seconds = provider.now.timestamp()
        made.append(
            Standing(
                channel,
                stand,
                row["since"] if stand is Stand.PAUSED else since,
                row["reason"] if stand is Stand.PAUSED else why,
                row["by"],
                until,
                limits.at(provider.counts.second, limits.SECOND, seconds).total,
                limits.at(provider.counts.hour, limits.HOUR, seconds).total,
                allowed[channel],
                row["p50"],
                row["p95"],
                row["called_at"],
            )
        )
    return made


def _stand(provider: Provider, allowed: Limits) -> tuple[Stand, datetime | None, str | None, datetime | None]:
    now, found = provider.now, provider.breaker
    if provider.paused:
        return Stand.PAUSED, None, None, None
    if found.state is not State.CLOSED:
        waits = found.state is State.OPEN and found.until is not None and now < found.until
        return Stand.AWAY if waits else Stand.PROBING, found.since, found.reason, found.until
    if provider.hold.until is not None and now < provider.hold.until:
        return Stand.HELD, None, None, provider.hold.until
    wait = limits.wait(provider.counts, allowed, now.timestamp())
    if wait > 0:
        return Stand.LIMITED, None, None, now + timedelta(seconds=wait)
    return Stand.OPEN, None, None, None


async def spendings(
    connection: AnyConnection, clock: Clock, profile_of: Callable[[str], Profile]
) -> list[Month]:
    """Every school that has sent SMS this month, by name; nothing sent, nothing listed."""
    rows = await connection.fetch(
        """SELECT b.*, s.timezone, coalesce((
               SELECT sum(a.segments) FROM dispatch.sms_attempt a
               WHERE a.school = b.school AND a.settled_at IS NULL
           ), 0) AS in_flight
           FROM dispatch.sms_budget b JOIN roster.school s USING (school)
           WHERE b.month >= $1 ORDER BY school""",
        (clock.now() - timedelta(days=1)).date().replace(day=1),
    )
    now = clock.now()
    return [
        Month(
            row["school"],
            row["month"],
            row["segments"],
            row["in_flight"],
            profile_of(row["school"]).sms_segments_per_month,
            row["cost"],
        )
        for row in rows
        if row["month"] == now.astimezone(zone(row["timezone"])).date().replace(day=1)
    ]
