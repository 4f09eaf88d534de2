"""The last look before a call: whether the papers a message was checked against still stand (R-C5).

Between the check and the call a message waits for its turn, and a withdrawal may commit meanwhile. Every
writer of the roster or of consent raises its school's epoch, so comparing two numbers is enough.
"""

import asyncio
from collections.abc import Collection, Mapping
from datetime import timedelta

import asyncpg
import structlog

from dispatcher.channels.base import Blame, Outcome, Parcel, Port, Retry
from shared.db import DATABASE_AWAY, AnyConnection
from shared.registry import Epochs

log = structlog.get_logger()

_DATABASE_AGAIN = timedelta(seconds=2)


class Papers:
    """The registry's epochs as they are now. Whoever asks before a question has left shares its answer."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._schools: set[str] = set()
        self._asking: asyncio.Task[Mapping[str, Epochs]] | None = None

    async def now(self, school: str) -> Epochs:
        """No older than this call. Raises what the database raises."""
        self._schools.add(school)
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        return (await asyncio.shield(self._asking))[school]

    async def _ask(self) -> Mapping[str, Epochs]:
        try:
            connection = await self._pool.acquire()
        finally:
            schools, self._schools, self._asking = self._schools, set(), None
        try:
            return await _epochs(connection, schools)
        finally:
            await self._pool.release(connection)


class Current:
    """A port behind the last look: what was checked against other papers goes back to be checked anew, and
    nobody is called."""

    def __init__(self, port: Port, papers: Papers) -> None:
        self.channel = port.channel
        self._port = port
        self._papers = papers

    async def start(self) -> None:
        await self._port.start()

    async def close(self) -> None:
        await self._port.close()

    async def send(self, parcel: Parcel) -> Outcome:
        if parcel.papers is not None:
            try:
                now = await self._papers.now(parcel.school)
            except DATABASE_AWAY as error:
                log.warning("send.not_looked_up", channel=self.channel.value, error=type(error).__name__)
                return Retry("database_away", _DATABASE_AGAIN, blame=Blame.GATE)
            if now != parcel.papers:
                return Retry("papers_changed", timedelta(0), blame=Blame.GATE)
        return await self._port.send(parcel)


async def _epochs(connection: AnyConnection, schools: Collection[str]) -> dict[str, Epochs]:
    rows = await connection.fetch(
        """SELECT school, coalesce(r.value, 0) AS roster, coalesce(c.value, 0) AS consent
           FROM unnest($1::text[]) AS asked(school)
           LEFT JOIN roster.epoch r USING (school) LEFT JOIN consent.epoch c USING (school)""",
        sorted(schools),
    )
    return {row["school"]: (row["roster"], row["consent"]) for row in rows}
