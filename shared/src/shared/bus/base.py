"""The bus port: what a service may rely on whichever implementation carries its records.

At least once, order kept per key, a bad record set aside and the rest goes on, a graceful
stop finishes the batch in hand. Publishing is `shared.outbox.append` in the same
transaction as the change it tells of.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import asyncpg

from shared.topics import Topic


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it stands in the log. `position` names its place for logs and dead letters."""

    topic: Topic
    key: str
    value: bytes
    position: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record the handler cannot use, ever; it goes to the dead letters with this reason."""

    record: Record
    reason: str


Handler = Callable[[asyncpg.Connection, Sequence[Record]], Awaitable[Sequence[Rejected]]]
"""Takes a batch inside an open transaction of the consumer's role; its effects, the dead letters
and the position are committed together (postgres) or effects first (kafka, so a batch may come
again: handlers are idempotent by primary key). Raising an error of the database or the network
means "not now": the batch comes again after a pause. Any other error makes the bus try the
records one by one; the one that fails alone is set aside."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Batches that are not full begin at least `pace` seconds apart, so that load makes them larger, not
    more; the first after a quiet time begins at once."""

    topic: Topic
    group: str
    handler: Handler
    max_records: int = 500
    pace: float = 0.1


class Bus(Protocol):
    """Made per service process; carries its outbox out and its subscriptions in."""

    def subscribe(self, subscription: Subscription) -> None:
        """Before start. Two groups each see every record; replicas of one group share them."""

    async def start(self) -> None: ...

    async def stop(self) -> None:
        """Finish the batches in hand, commit, close."""

    def last_progress(self) -> datetime | None:
        """When a consumer last polled successfully (real time); None before the first time."""

    def healthy(self) -> bool:
        """Whether every consumer and relay is running and made progress in the last minute."""
