"""A consumer whose effects can be counted: one row a record, by primary key."""

from collections.abc import Sequence

import asyncpg

from shared.bus.base import Handler, Record, Rejected


def recording(group: str, by: str = "") -> Handler:
    """Writes each record into `effect`; a value of `poison` raises, `refuse` is rejected."""

    async def handle(connection: asyncpg.Connection, records: Sequence[Record]) -> Sequence[Rejected]:
        good = [record for record in records if record.value != b"refuse"]
        if any(record.value == b"poison" for record in good):
            raise ValueError("a secret name")
        await connection.execute(
            """
            INSERT INTO effect (bus_group, key, value, by)
            SELECT $1, key, value, $4 FROM unnest($2::text[], $3::text[]) AS given (key, value)
            ON CONFLICT DO NOTHING
            """,
            group,
            [record.key for record in good],
            [record.value.decode() for record in good],
            by,
        )
        return [Rejected(record, "not for us") for record in records if record.value == b"refuse"]

    return handle
