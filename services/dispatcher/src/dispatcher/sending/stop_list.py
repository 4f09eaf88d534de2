"""STOP by SMS: who asked the gateway for silence is on its black list, and is not written to any more.

The list is read once an hour, by one process of all; a number on it is stopped by its holder, in every
school, exactly as if they had unsubscribed (ADR 9): the next channel or paper follows.
"""

from collections.abc import Collection
from typing import Protocol

import asyncpg
import structlog

from dispatcher.channels.smsaero_client import ListUnavailable
from dispatcher.sending.suppression import Source, Stop, new_epoch, suppress
from shared.bus.lead import Bell, Pulse
from shared.categories import Channel
from shared.db import AnyConnection

log = structlog.get_logger()

JOB = "read stop list"
EVERY_SECONDS = 3600.0
SOON_SECONDS = 300.0
"""After the gateway did not answer."""


class StopList(Protocol):
    """The gateway's black list (dispatcher.channels.sms)."""

    async def stopped(self) -> frozenset[str]:
        """Numbers in E.164. Raises ListUnavailable."""


class StopReader:
    """`run` is a job for `lead`."""

    def __init__(self, stops: StopList) -> None:
        self._stops = stops

    async def run(self, connection: asyncpg.Connection, bell: Bell, pulse: Pulse) -> None:
        while not bell.stopping:
            read = await self.round(connection)
            pulse.beat()
            await bell.sleep(EVERY_SECONDS if read else SOON_SECONDS)

    async def round(self, connection: AnyConnection) -> bool:
        """Read the list once; False when the gateway did not show it."""
        try:
            numbers = await self._stops.stopped()
        except ListUnavailable as error:
            log.warning("stop_list.unavailable", error=str(error))
            return False
        async with connection.transaction():
            stopped = await stop(connection, numbers)
        if stopped:
            log.info("stop_list.stopped", contacts=stopped)
        return True


async def stop(connection: AnyConnection, numbers: Collection[str]) -> int:
    """Stop the contacts with these numbers, in the caller's transaction; how many were not stopped
    before."""
    rows = await connection.fetch(
        """UPDATE consent.contact SET stopped_at = now(), stopped_because = $2
           WHERE channel = 'sms' AND address = ANY($1::text[]) AND stopped_at IS NULL
           RETURNING school, guardian, address""",
        sorted(numbers),
        Source.STOP.value,
    )
    await suppress(
        connection,
        [Stop(row["school"], Channel.SMS, row["address"], Source.STOP.value, Source.STOP) for row in rows],
    )
    for school in sorted({row["school"] for row in rows}):
        await new_epoch(connection, school)
    await connection.executemany(
        "INSERT INTO dispatch.audit (actor, action, school, about) VALUES ('guardian', $1, $2, $3)",
        [(f"contact.{Source.STOP}", row["school"], row["guardian"]) for row in rows],
    )
    return len(rows)
