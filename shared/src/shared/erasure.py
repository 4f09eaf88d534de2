"""Destroying a person's data: the order, and how the services carry it out step by step (R-B7, R-B8).

An order names people by the school's own ids. It stands in the registry, where every service reads it;
each destroys in its own schemas, in the order of `Step`, and notes beside them that it did. A new
consent voids the order for whom it covers: every step looks again before it destroys anything.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import asyncpg
import structlog

from shared.bus.lead import Bell, Pulse
from shared.db import AnyConnection
from shared.topics import Service

log = structlog.get_logger()

Pair = tuple[str, str]
"""Pupil and guardian."""
Counts = dict[str, int]
"""Rows destroyed, by store."""

LATE_COMERS = timedelta(hours=50)
"""So long after its end an order is carried out again for what was still on its way: a broker keeps a
record for 48 hours (DESIGN §9)."""
_EVERY_SECONDS = 5.0
_AGAIN_SECONDS = 600.0


class Cause(StrEnum):
    """Why a person's data are destroyed."""

    WITHDRAWAL = "withdrawal"
    DEPARTURE = "departure"
    REQUEST = "request"


class Step(StrEnum):
    """What has to be destroyed first: what feeds the others, and at last the names they are found by."""

    JOURNAL = "journal"
    DELIVERY = "delivery"
    PAPER = "paper"
    LISTS = "lists"


BY = {
    Step.JOURNAL: Service.INGEST,
    Step.DELIVERY: Service.DISPATCHER,
    Step.PAPER: Service.PRINT_QUEUE,
    Step.LISTS: Service.INGEST,
}
AFTER: Mapping[Step, tuple[Step, ...]] = {
    Step.JOURNAL: (),
    Step.DELIVERY: (Step.JOURNAL,),
    Step.PAPER: (Step.JOURNAL,),
    Step.LISTS: (Step.DELIVERY, Step.PAPER),
}


class Busy(Exception):
    """A message to this family is in a gateway's hands at this moment: try again soon."""


@dataclass(frozen=True, slots=True)
class Order:
    """Whose data go. `pupils` and `guardians`: all of theirs; `ties`: the papers, decisions and sheets of
    this guardian about this pupil, whatever else stays. `destroy_by`: the last day the law gives."""

    id: UUID
    school: str
    cause: Cause
    pupils: tuple[str, ...]
    guardians: tuple[str, ...]
    ties: tuple[Pair, ...]
    received_on: date
    destroy_by: date
    ordered_by: str
    ordered_at: datetime

    @property
    def tie_pupils(self) -> list[str]:
        return [pupil for pupil, _ in self.ties]

    @property
    def tie_guardians(self) -> list[str]:
        return [guardian for _, guardian in self.ties]

    @property
    def empty(self) -> bool:
        return not (self.pupils or self.guardians or self.ties)


class Eraser(Protocol):
    """One step of one service."""

    async def erase(self, connection: AnyConnection, order: Order) -> Counts:
        """Destroy, in the caller's transaction; what is already gone counts nothing. Raises Busy."""


_NEW_PAPER = """
EXISTS (SELECT FROM consent.sheet s WHERE s.school = {school} AND {whose} AND s.registered_at > {since}
        AND s.erased_at IS NULL AND NOT s.refused AND s.items <> '{{}}' AND s.withdrawn_on IS NULL)
OR EXISTS (SELECT FROM consent.application s WHERE s.school = {school} AND {whose}
           AND s.registered_at > {since} AND s.erased_at IS NULL AND s.form = 'paper')"""


def _new_paper(whose: str, since: str, school: str = "$1") -> str:
    return _NEW_PAPER.format(whose=whose, since=since, school=school)


async def standing(connection: AnyConnection, order: Order) -> Order:
    """The order without those whom a paper registered since covers again."""
    pupils = await connection.fetch(
        f"""SELECT pupil FROM unnest($2::text[]) AS given (pupil)
            WHERE {_new_paper("s.pupil = given.pupil", "$3")}""",
        *(order.school, list(order.pupils), order.ordered_at),
    )
    guardians = await connection.fetch(
        f"""SELECT guardian FROM unnest($2::text[]) AS given (guardian)
            WHERE {_new_paper("s.guardian = given.guardian", "$3")}""",
        *(order.school, list(order.guardians), order.ordered_at),
    )
    ties = await connection.fetch(
        f"""SELECT pupil, guardian FROM unnest($2::text[], $3::text[]) AS given (pupil, guardian)
            WHERE {_new_paper("(s.pupil, s.guardian) = (given.pupil, given.guardian)", "$4")}""",
        *(order.school, order.tie_pupils, order.tie_guardians, order.ordered_at),
    )
    covered = {row["pupil"] for row in pupils}, {row["guardian"] for row in guardians}
    again = {(row["pupil"], row["guardian"]) for row in ties}
    return replace(
        order,
        pupils=tuple(one for one in order.pupils if one not in covered[0]),
        guardians=tuple(one for one in order.guardians if one not in covered[1]),
        ties=tuple(one for one in order.ties if one not in again),
    )


async def erased_pupils(connection: AnyConnection, school: str, pupils: Sequence[str]) -> set[str]:
    """Those of the pupils whose data an order destroys or has destroyed, and no paper since covers."""
    return await _erased(connection, "pupil", school, pupils)


async def erased_guardians(connection: AnyConnection, school: str, guardians: Sequence[str]) -> set[str]:
    """As `erased_pupils`."""
    return await _erased(connection, "guardian", school, guardians)


def erased(kind: str, *, school: str, people: str) -> str:
    """The query behind `erased_pupils` (kind "pupil") and `erased_guardians`, for a statement that asks for
    more: one column, `person`. `school` and `people` are SQL."""
    since = _new_paper(f"s.{kind} = person", "e.ordered_at", school)
    return f"""SELECT DISTINCT person FROM consent.erasure e CROSS JOIN unnest(e.{kind}s) AS named (person)
               WHERE e.school = {school} AND person = ANY({people}::text[]) AND NOT ({since})"""


async def _erased(connection: AnyConnection, kind: str, school: str, people: Sequence[str]) -> set[str]:
    rows = await connection.fetch(erased(kind, school="$1", people="$2"), school, list(people))
    return {row["person"] for row in rows}


async def open_orders(connection: AnyConnection) -> list[Order]:
    """Orders not carried out in full, and those that still look for late-comers; the oldest first."""
    rows = await connection.fetch(
        """SELECT * FROM consent.erasure
           WHERE completed_at IS NULL OR completed_at > clock_timestamp() - $1::interval
           ORDER BY ordered_at, id""",
        LATE_COMERS,
    )
    return [order_of(row) for row in rows]


def order_of(row: asyncpg.Record) -> Order:
    return Order(
        row["id"],
        row["school"],
        Cause(row["cause"]),
        tuple(row["pupils"]),
        tuple(row["guardians"]),
        tuple(zip(row["tie_pupils"], row["tie_guardians"], strict=True)),
        row["received_on"],
        row["destroy_by"],
        row["ordered_by"],
        row["ordered_at"],
    )


async def steps_done(connection: AnyConnection, order: UUID) -> dict[Step, Counts]:
    """The steps that every service has noted, with what each destroyed."""
    noted = " UNION ALL ".join(
        f"SELECT step, counts FROM {service.schema}.erased WHERE erasure = $1" for service in Service
    )
    return {Step(row["step"]): row["counts"] for row in await connection.fetch(noted, order)}


async def take_step(
    connection: asyncpg.Connection, step: Step, eraser: Eraser, order: Order, *, again: bool = False
) -> bool:
    """Carry out one step, alone among all processes, and note it; False while an earlier step is open, or
    it is done (`again`: look for late-comers all the same). `connection` acts as the step's service."""
    key = f"erasure {order.id} {step.value}"
    await connection.execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", key)
    try:
        done = await steps_done(connection, order.id)
        if (step in done and not again) or any(before not in done for before in AFTER[step]):
            return False
        async with connection.transaction():
            counts = await eraser.erase(connection, await standing(connection, order))
            await connection.execute(
                f"""INSERT INTO {BY[step].schema}.erased AS e (erasure, step, counts) VALUES ($1, $2, $3)
                    ON CONFLICT (erasure, step) DO UPDATE SET counts = excluded.counts
                    WHERE NOT $4""",
                *(order.id, step.value, counts, step in done),
            )
    finally:
        await connection.execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", key)
    log.info("erasure.step", erasure=str(order.id), step=step.value, rows=sum(counts.values()), again=again)
    return True


class Worker:
    """A service's part of every order: `run` is a job for `lead`."""

    def __init__(self, steps: Mapping[Step, Eraser]) -> None:
        self._steps = steps
        self._looked: dict[tuple[UUID, Step], float] = {}

    async def run(self, connection: asyncpg.Connection, bell: Bell, pulse: Pulse) -> None:
        while not bell.stopping:
            await self.round(connection)
            pulse.beat()
            await bell.sleep(_EVERY_SECONDS)

    async def round(self, connection: asyncpg.Connection) -> None:
        """Every step that may be taken now; what is done already, from time to time again."""
        now = asyncio.get_running_loop().time()
        orders = await open_orders(connection)
        for order in orders:
            done = await steps_done(connection, order.id)
            for step, eraser in self._steps.items():
                if step in done and now - self._looked.get((order.id, step), 0.0) < _AGAIN_SECONDS:
                    continue
                try:
                    if await take_step(connection, step, eraser, order, again=step in done):
                        self._looked[order.id, step] = now
                except Busy:
                    log.info("erasure.waits", erasure=str(order.id), step=step.value)
        known = {order.id for order in orders}
        self._looked = {key: when for key, when in self._looked.items() if key[0] in known}
