"""Waking the parts of all replicas the moment there is work for them.

Whoever makes work says so in the transaction that makes it (NOTIFY leaves with the commit, once
however often it was said); every replica hears it on one connection of its own, so it reaches
whichever of them composes or sends just now. A wake-up may be lost with its connection: everybody
who waits for one also looks by himself now and then.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

import asyncpg
import structlog

from shared.bus.faults import describe, pause
from shared.bus.lead import Bell
from shared.categories import Channel
from shared.db import AnyConnection, connect, hang_up
from shared.topics import Service

log = structlog.get_logger()

_CHANNEL = "vestnik_dispatch"  # the payload is the wake-up
_CHECK_SECONDS = 30.0


class Wake(StrEnum):
    """What there is to do."""

    COMPOSE = "compose"
    SEND_EMAIL = "send_email"
    SEND_SMS = "send_sms"
    SEND_PUSH = "send_push"


SEND = {Channel.EMAIL: Wake.SEND_EMAIL, Channel.SMS: Wake.SEND_SMS, Channel.PUSH: Wake.SEND_PUSH}


async def wake(connection: AnyConnection, wakes: Iterable[Wake]) -> None:
    """When the caller's open transaction commits, every replica does this work, if there are any."""
    if said := sorted(set(wakes)):
        await connection.execute("SELECT pg_notify($1, said) FROM unnest($2::text[]) AS said", _CHANNEL, said)


class Ear:
    """Hears wake-ups from all replicas, this one included, until stopped."""

    def __init__(self, url: str, woken: Mapping[Wake, Callable[[], None]]) -> None:
        self._url = url
        self._woken = woken
        self._bell = Bell()

    def stop(self) -> None:
        self._bell.stop()

    async def run(self) -> None:
        """Never ends but by stop: a connection that was cut is made anew."""
        failures = 0
        while not self._bell.stopping:
            try:
                connection = await connect(self._url, Service.DISPATCHER)
                try:
                    await self._listen(connection)
                    failures = 0
                    await self._stay(connection)
                finally:
                    await hang_up(connection)
            except Exception as error:  # noqa: BLE001 - it never ends but by the order to stop
                failures += 1
                log.warning("wakeups.unheard", error=describe(error), failures=failures)
                await self._bell.sleep(pause(failures))

    async def _listen(self, connection: asyncpg.Connection) -> None:
        connection.add_termination_listener(lambda _: self._bell.ring())
        await connection.add_listener(_CHANNEL, self._hear)
        for woken in self._woken.values():  # nobody knows what was said before
            woken()

    async def _stay(self, connection: asyncpg.Connection) -> None:
        """Raises when the connection is no more."""
        while not self._bell.stopping:
            await connection.execute("SELECT 1")
            await self._bell.sleep(_CHECK_SECONDS)

    def _hear(self, _connection: object, _pid: int, _channel: str, said: object) -> None:
        woken = self._woken.get(said)  # type: ignore[call-overload]  # asyncpg: any payload
        if woken is not None:
            woken()
