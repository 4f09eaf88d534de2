"""From the bus into the table: each notice once (DESIGN §9, idempotent by primary key)."""

from collections.abc import Sequence

import asyncpg

from dispatcher.notices import store
from dispatcher.notices.notice import Notice, read
from shared.bus.base import Record, Rejected
from shared.clock import Clock


class Receiver:
    """The handler of `staff.notices`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def handle(self, connection: asyncpg.Connection, records: Sequence[Record]) -> list[Rejected]:
        """`shared.bus.base.Handler`."""
        now = self._clock.now()
        notices: list[Notice] = []
        rejected: list[Rejected] = []
        for record in records:
            try:
                notices.append(read(record.value, now=now))
            except ValueError as wrong:
                rejected.append(Rejected(record, f"notice: {wrong}"))
        await store.keep(connection, notices)
        return rejected
