"""One-time links of families: made for a confirmed contact, opened once, within a quarter of an hour.

256 random bits, of which the database keeps the digest. A guardian's newest link is the only one that opens.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from dispatcher.sending.suppression import STANDING
from shared.categories import Channel
from shared.db import AnyConnection
from shared.families import Name
from shared.parents import Parent
from shared.web.sessions import digest, new_token

LIVES = timedelta(minutes=15)

# An address its own owner unsubscribed still lets them in: they ask for this letter themselves.
_LETS_IN = f"""
    c.confirmed_at <= $1 AND c.disputed_at IS NULL
    AND (c.stopped_at IS NULL OR c.stopped_because = 'unsubscribed')
    AND NOT EXISTS (
        SELECT FROM dispatch.suppression s
        WHERE s.school = c.school AND s.channel = c.channel AND s.address = c.address
          AND {STANDING} AND s.source <> 'unsubscribed')
"""


@dataclass(frozen=True, slots=True)
class Link:
    """A fresh link, to be sent to `address` as it is on file."""

    parent: Parent
    school_name: str
    address: str
    token: str


async def make(connection: AnyConnection, channel: Channel, address: str, *, now: datetime) -> list[Link]:
    """A link for every guardian whom this address is confirmed for; their earlier ones are void. `now` is
    school time."""
    rows = await connection.fetch(
        f"""SELECT c.school, c.guardian, c.address, g.family_name, g.given_name, g.patronymic, s.name
            FROM consent.contact c
            JOIN roster.guardian g USING (school, guardian) JOIN roster.school s USING (school)
            WHERE c.channel = $2 AND lower(c.address) = lower($3) AND {_LETS_IN}
            ORDER BY s.name, c.school, c.guardian, c.address <> $3""",
        *(now, channel.value, address),
    )
    made: dict[tuple[str, str], Link] = {}
    for row in rows:
        made.setdefault(
            (row["school"], row["guardian"]), Link(_parent(row), row["name"], row["address"], new_token())
        )
    links = list(made.values())
    await connection.execute(
        """INSERT INTO people.family_link (school, guardian, hash, channel, address, expires_at)
           SELECT school, guardian, hash, $4, address, clock_timestamp() + $6::interval
           FROM unnest($1::text[], $2::text[], $3::bytea[], $5::text[]) AS g(school, guardian, hash, address)
           ORDER BY 1, 2
           ON CONFLICT (school, guardian) DO UPDATE SET hash = excluded.hash, channel = excluded.channel,
               address = excluded.address, made_at = clock_timestamp(), expires_at = excluded.expires_at""",
        [one.parent.school for one in links],
        [one.parent.guardian for one in links],
        [digest(one.token) for one in links],
        channel.value,
        [one.address for one in links],
        LIVES,
    )
    return links


async def whose(connection: AnyConnection, token: str, *, now: datetime) -> Parent | None:
    """Whose open link this is; None for one that is not, is used, replaced or too old, or whose contact
    is not theirs any more. Changes nothing."""
    row = await connection.fetchrow(
        f"""SELECT g.* FROM people.family_link l JOIN roster.guardian g USING (school, guardian)
            JOIN consent.contact c USING (school, guardian, channel, address)
            WHERE l.hash = $2 AND l.expires_at > clock_timestamp() AND {_LETS_IN}""",
        *(now, digest(token)),
    )
    return None if row is None else _parent(row)


async def use(connection: AnyConnection, token: str, *, now: datetime) -> Parent | None:
    """Closes the link; whose it was. None as in `whose`, and for whoever comes second."""
    parent = await whose(connection, token, now=now)
    used = await connection.fetchval(
        "DELETE FROM people.family_link WHERE hash = $1 AND expires_at > clock_timestamp() RETURNING true",
        digest(token),
    )
    return parent if used else None


def _parent(row: asyncpg.Record) -> Parent:
    name = Name(row["family_name"], row["given_name"], row["patronymic"])
    return Parent(row["school"], row["guardian"], name.polite)
