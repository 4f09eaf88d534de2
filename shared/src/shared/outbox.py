"""Telling other services: rows written in the same transaction as the change they tell of.

A reader that simply went on from the last id it saw would skip a transaction that took its id
early and committed late. Rows therefore carry their transaction's number, and only those below
the oldest transaction still running are given out, ordered by (xid, id): behind that line nothing
can appear any more. The order is that of transaction numbers, so two transactions about one
key come in the order in which they first wrote, not in which they committed.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from shared.db import AnyConnection
from shared.topics import Service, Topic

_CHANNEL = "vestnik_bus"  # the payload is the topic

RETENTION = timedelta(hours=48)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A row's place in the log of one topic of one writer."""

    xid: int
    id: int

    def __str__(self) -> str:
        return f"{self.xid}.{self.id}"


START = Place(0, 0)


@dataclass(frozen=True, slots=True)
class Row:
    place: Place
    key: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Reading:
    """Rows in order. `pending` says that committed rows wait behind a transaction still open:
    read again soon, for nobody will notify of its end."""

    rows: tuple[Row, ...]
    pending: bool


async def append(
    connection: AnyConnection, service: Service, topic: Topic, records: Sequence[tuple[str, bytes]]
) -> None:
    """Write (key, value) records, in this order, in the caller's open transaction; readers are woken
    when it commits."""
    if not records:
        return
    await connection.execute(
        f"""
        WITH written AS (
            INSERT INTO {service.schema}.outbox (topic, key, value)
            SELECT $1, key, value
            FROM unnest($2::text[], $3::bytea[]) WITH ORDINALITY AS given (key, value, place)
            ORDER BY place)
        SELECT pg_notify('{_CHANNEL}', $1)
        """,
        topic.value,
        [key for key, _ in records],
        [value for _, value in records],
    )


async def listen(
    connection: asyncpg.Connection, topics: Collection[Topic], woken: Callable[[], None]
) -> None:
    """Call `woken` whenever a transaction with records of these topics commits."""
    names = {topic.value for topic in topics}

    def hear(_connection: object, _pid: int, _channel: str, topic: object) -> None:
        if topic in names:
            woken()

    await connection.add_listener(_CHANNEL, hear)


async def read(connection: AnyConnection, writer: Service, topic: Topic, after: Place, limit: int) -> Reading:
    """At most `limit` rows after a place, none of which anything can still come before."""
    rows = await connection.fetch(
        f"""
        WITH line AS MATERIALIZED (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xid)
        SELECT log.xid::text AS xid, id, key, value, settled FROM (
            (SELECT xid, id, key, value, true AS settled FROM {writer.schema}.outbox
             WHERE topic = $1 AND (xid, id) > ($2::text::xid8, $3::bigint) AND xid < (SELECT xid FROM line)
             ORDER BY xid, id LIMIT $4)
            UNION ALL
            (SELECT xid, id, NULL, NULL, false FROM {writer.schema}.outbox
             WHERE topic = $1 AND xid >= (SELECT xid FROM line) LIMIT 1)
        ) AS log
        ORDER BY log.xid, id  -- not the column above, which is text
        """,
        topic.value,
        str(after.xid),
        after.id,
        limit,
    )
    settled = tuple(
        Row(Place(int(row["xid"]), row["id"]), row["key"], row["value"]) for row in rows if row["settled"]
    )
    return Reading(settled, pending=len(settled) < len(rows))


async def remove(connection: AnyConnection, writer: Service, topic: Topic, until: Place) -> None:
    """Drop the rows up to a place that was read: the relay has published them elsewhere."""
    await connection.execute(
        f"""
        DELETE FROM {writer.schema}.outbox
        WHERE topic = $1 AND (xid, id) <= ($2::text::xid8, $3::bigint)
        """,
        topic.value,
        str(until.xid),
        until.id,
    )


async def prune(
    connection: AnyConnection,
    writer: Service,
    topic: Topic,
    *,
    retention: timedelta = RETENTION,
    chunk: int = 5_000,
) -> int:
    """Drop rows older than `retention` (real time) that every known consumer has passed; how many.

    A consumer is known from its first start on: its cursor, wherever it stands, keeps what it
    has not read. Goes chunk by chunk so that writers are never held up for long.
    """
    passed = await _slowest_cursor(connection, writer, topic)
    bound = "AND (xid, id) <= ($4::text::xid8, $5::bigint)" if passed else ""
    arguments = (str(passed.xid), passed.id) if passed else ()
    dropped = 0
    while True:
        status = await connection.execute(
            f"""
            DELETE FROM {writer.schema}.outbox WHERE (topic, xid, id) IN (
                SELECT topic, xid, id FROM (
                    SELECT topic, xid, id, at FROM {writer.schema}.outbox
                    WHERE topic = $1 {bound} ORDER BY xid, id LIMIT $2) AS oldest
                WHERE at < now() - $3::interval)
            """,
            topic.value,
            chunk,
            retention,
            *arguments,
        )
        now_dropped = int(status.rpartition(" ")[2])
        dropped += now_dropped
        if now_dropped < chunk:
            return dropped


async def _slowest_cursor(connection: AnyConnection, writer: Service, topic: Topic) -> Place | None:
    cursors = " UNION ALL ".join(
        f"SELECT xid, id FROM {service.schema}.bus_cursor WHERE topic = $1 AND writer = $2"
        for service in Service
    )
    row = await connection.fetchrow(
        f"SELECT xid::text AS xid, id FROM ({cursors}) AS known ORDER BY known.xid, id LIMIT 1",
        topic.value,
        writer.value,
    )
    return Place(int(row["xid"]), row["id"]) if row else None
