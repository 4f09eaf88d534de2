"""The one list of addresses nothing goes to, whoever learned it: a server's reply, a bounce, a
complaint, a receipt, the family itself (R-E5, RFC 8058).

An address is on it for one school: another school is another operator of personal data. It is on
it for good, or it rests until an instant of real time. Lists imported later lift nothing, and a new
address inherits nothing; only a person lifts it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from shared.categories import Channel
from shared.db import AnyConnection

RESTS = 3
"""The so-manieth rest in a row is for good."""
IN_A_ROW = timedelta(days=60)
"""A rest that begins later than this after the one before is a first one again."""

STANDING = "lifted_at IS NULL AND (until IS NULL OR until > now())"
"""SQL: which rows of dispatch.suppression are in force."""


class Source(StrEnum):
    """Who or what put an address on the list."""

    REPLY = "reply"  # the gateway's answer when a message was handed over
    BOUNCE = "bounce"  # a report that came back later
    COMPLAINT = "complaint"  # «this is spam»
    UNSUBSCRIBED = "unsubscribed"
    NOT_MINE = "not_mine"
    RECEIPT = "receipt"  # a gateway's later word about a message
    STOP = "stop"  # the family's word to a gateway


@dataclass(frozen=True, slots=True)
class Stop:
    """One address to put on the list. `reason` holds codes, never an address or a name; `rest` None: for
    good."""

    school: str
    channel: Channel
    address: str
    reason: str
    source: Source
    rest: timedelta | None = None


_SUPPRESS = """
INSERT INTO dispatch.suppression AS s (school, channel, address, reason, source, until)
SELECT school, channel, address, reason, source, now() + rest
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::interval[])
    AS given(school, channel, address, reason, source, rest)
ON CONFLICT (school, channel, address) DO UPDATE SET
    reason = excluded.reason, source = excluded.source, since = now(), lifted_at = NULL,
    times = CASE WHEN s.since > now() - $7::interval THEN s.times + 1 ELSE 1 END,
    until = CASE WHEN s.since <= now() - $7::interval OR s.times + 1 < $8 THEN excluded.until END
WHERE s.lifted_at IS NOT NULL OR s.until <= now() OR (s.until IS NOT NULL AND excluded.until IS NULL)
RETURNING address
"""


async def suppress(connection: AnyConnection, stops: Iterable[Stop]) -> int:
    """Put addresses on the list, in the caller's transaction; how many were not on it before (or
    only rested). What stands for good stays as it is, and a rest does not begin anew while it lasts."""
    rows = sorted(
        {(one.school, one.channel, one.address): one for one in stops}.values(),
        key=lambda one: (one.school, one.channel, one.address),
    )
    if not rows:
        return 0
    written = await connection.fetch(
        _SUPPRESS,
        [one.school for one in rows],
        [one.channel.value for one in rows],
        [one.address for one in rows],
        [one.reason for one in rows],
        [one.source.value for one in rows],
        [one.rest for one in rows],
        IN_A_ROW,
        RESTS,
    )
    return len(written)


async def lift(connection: AnyConnection, *, school: str, channel: Channel, address: str, actor: str) -> bool:
    """Use the address again: the family says it works, or asked for it. Also undoes the family's own
    «stop» on it. False when nothing stood against it. `actor` is who decided so."""
    lifted = await connection.fetchval(
        """UPDATE dispatch.suppression SET lifted_at = now(), times = 0
           WHERE school = $1 AND channel = $2 AND address = $3 AND lifted_at IS NULL RETURNING source""",
        school,
        channel.value,
        address,
    )
    guardians = await connection.fetch(
        """UPDATE consent.contact SET stopped_at = NULL, stopped_because = NULL
           WHERE school = $1 AND channel = $2 AND address = $3 AND stopped_at IS NOT NULL
           RETURNING guardian""",
        school,
        channel.value,
        address,
    )
    if lifted is None and not guardians:
        return False
    if guardians:
        await new_epoch(connection, school)
    await connection.execute(
        """INSERT INTO dispatch.audit (actor, action, school, about, details)
           SELECT $1, 'suppression.lifted', $2, guardian,
                  jsonb_build_object('channel', $3::text, 'was', $5::text)
           FROM consent.contact WHERE school = $2 AND channel = $3 AND address = $4""",
        actor,
        school,
        channel.value,
        address,
        lifted,
    )
    return True


async def new_epoch(connection: AnyConnection, school: str) -> None:
    """Tell whoever caches this school's families that a contact changed."""
    await connection.execute(
        """INSERT INTO consent.epoch AS e (school, value) VALUES ($1, 1)
           ON CONFLICT (school) DO UPDATE SET value = e.value + 1""",
        school,
    )
