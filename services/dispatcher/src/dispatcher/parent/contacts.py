"""A guardian's own addresses: how they stand, half hidden, and stopping one and taking that back (R-C6)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

import asyncpg
import orjson

from dispatcher.sending.suppression import STANDING, Source, new_epoch
from dispatcher.sending.unsubscribe import stop as stop_by_claim
from dispatcher.texts.links import Claim, Links, Purpose
from shared import audit
from shared.categories import Channel
from shared.db import AnyConnection
from shared.parents import Parent
from shared.topics import Service

WHO = "family"


class State(StrEnum):
    USABLE = "usable"
    UNCONFIRMED = "unconfirmed"
    UNSUBSCRIBED = "unsubscribed"  # by the family itself, which may take it back
    DISPUTED = "disputed"  # «not my child»
    FAILED = "failed"  # messages came back


@dataclass(frozen=True, slots=True)
class OwnContact:
    """`address` is never shown; `masked` is."""

    channel: Channel
    address: str
    state: State
    confirmed_at: datetime | None

    @property
    def usable(self) -> bool:
        return self.state is State.USABLE

    @property
    def masked(self) -> str:
        return masked(self.channel, self.address)


async def read_contacts(
    connection: AnyConnection, parent: Parent, *, now: datetime
) -> tuple[OwnContact, ...]:
    """Every address on file for this guardian, the usable ones first."""
    rows = await connection.fetch(
        f"""SELECT c.channel, c.address, c.confirmed_at, c.stopped_because, c.stopped_at, c.disputed_at,
                   s.source
            FROM consent.contact c
            LEFT JOIN (SELECT school, channel, address, source FROM dispatch.suppression WHERE {STANDING}) s
                USING (school, channel, address)
            WHERE c.school = $1 AND c.guardian = $2 ORDER BY c.channel, c.registered_at, c.address""",
        *(parent.school, parent.guardian),
    )
    found = [
        OwnContact(Channel(row["channel"]), row["address"], _state(row, now), row["confirmed_at"])
        for row in rows
    ]
    return tuple(sorted(found, key=lambda one: not one.usable))


def _state(row: asyncpg.Record, now: datetime) -> State:
    if row["disputed_at"] is not None or row["stopped_because"] not in {None, Source.UNSUBSCRIBED.value}:
        return State.DISPUTED
    if row["source"] not in {None, Source.UNSUBSCRIBED.value}:
        return State.FAILED
    if row["stopped_at"] is not None or row["source"] is not None:
        return State.UNSUBSCRIBED
    if row["confirmed_at"] is None or row["confirmed_at"] > now:
        return State.UNCONFIRMED
    return State.USABLE


def masked(channel: Channel, address: str) -> str:
    """Enough to know one's own address by: «o***@mail.ru», «+7 *** ***-45-67»."""
    match channel:
        case Channel.EMAIL:
            local, _, domain = address.rpartition("@")
            return f"{local[:1]}***@{domain}"
        case Channel.SMS:
            return f"{address[:2]} *** ***-{address[-4:-2]}-{address[-2:]}"
        case _:
            try:
                return urlsplit(orjson.loads(address)["endpoint"]).hostname or ""
            except (ValueError, KeyError, TypeError):
                return ""


async def stop(connection: AnyConnection, links: Links, parent: Parent, contact: OwnContact) -> bool:
    """Nothing more to this address; False when it was stopped before. In the caller's transaction."""
    claim = Claim(Purpose.UNSUBSCRIBE, parent.school, parent.guardian, links.digest(contact.address))
    return await stop_by_claim(connection, links, claim)


async def resume(connection: AnyConnection, parent: Parent, contact: OwnContact) -> bool:
    """Takes the family's own stop back; False when something else stands against the address, or nothing
    does. In the caller's transaction."""
    where = (parent.school, contact.channel.value, contact.address)
    if await connection.fetchval(
        f"""SELECT true FROM dispatch.suppression
            WHERE school = $1 AND channel = $2 AND address = $3 AND source <> 'unsubscribed'
              AND {STANDING}""",
        *where,
    ):
        return False
    taken_back = await connection.fetchval(
        """UPDATE consent.contact SET stopped_at = NULL, stopped_because = NULL
           WHERE school = $1 AND channel = $2 AND address = $3 AND guardian = $4
             AND stopped_because = 'unsubscribed' AND disputed_at IS NULL RETURNING true""",
        *(*where, parent.guardian),
    )
    if not taken_back:
        return False
    await connection.execute(
        """UPDATE dispatch.suppression SET lifted_at = now(), times = 0
           WHERE school = $1 AND channel = $2 AND address = $3 AND lifted_at IS NULL
             AND source = 'unsubscribed'""",
        *where,
    )
    await new_epoch(connection, parent.school)
    await audit.note(
        connection,
        Service.DISPATCHER,
        WHO,
        "contact.resumed",
        school=parent.school,
        about=parent.guardian,
        channel=contact.channel.value,
    )
    return True


async def add_device(connection: AnyConnection, parent: Parent, address: str, *, now: datetime) -> None:
    """A browser's subscription made in one's own session: confirmed by that. In the caller's transaction."""
    where = (parent.school, Channel.PUSH.value, address)
    await connection.execute(
        """INSERT INTO consent.contact (school, channel, address, guardian, confirmed_at)
           VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (school, guardian, channel, address) DO UPDATE SET
               confirmed_at = excluded.confirmed_at,
               stopped_at = NULL, stopped_because = NULL, disputed_at = NULL""",
        *(*where, parent.guardian, now),
    )
    await connection.execute(
        """UPDATE dispatch.suppression SET lifted_at = now(), times = 0
           WHERE school = $1 AND channel = $2 AND address = $3 AND lifted_at IS NULL""",
        *where,
    )
    await new_epoch(connection, parent.school)
    await audit.note(
        connection,
        Service.DISPATCHER,
        WHO,
        "contact.device_added",
        school=parent.school,
        about=parent.guardian,
    )
