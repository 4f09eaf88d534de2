"""Which records of the bus speak of given people: for destroying them in outboxes and dead letters."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from shared.db import AnyConnection
from shared.erasure import Counts, Order
from shared.topics import Service


@dataclass(frozen=True, slots=True)
class Wanted:
    """The people of an order, as records name them."""

    pupils: frozenset[str]
    guardians: frozenset[str]
    ties: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, order: Order) -> "Wanted":
        return cls(frozenset(order.pupils), frozenset(order.guardians), frozenset(order.ties))

    @property
    def everybody(self) -> frozenset[str]:
        return self.pupils | self.guardians


def speaks_of(value: bytes, wanted: Wanted) -> bool:
    """Whether a record is about one of these people and nobody else. What cannot be read is, if it
    holds the id of one of them as a word of its own."""
    try:
        said = orjson.loads(value)
    except ValueError:
        return _holds(value, wanted.everybody)
    if not isinstance(said, dict):
        return _holds(value, wanted.everybody)
    pupil = said.get("subject") or said.get("pupil")
    guardian = said.get("guardian")
    if _in(pupil, wanted.pupils) or _in(guardian, wanted.guardians):
        return True
    named = _ids(said.get("pupils")) or ([pupil] if isinstance(pupil, str) else [])
    if named and isinstance(guardian, str):
        return all(one in wanted.pupils or (one, guardian) in wanted.ties for one in named)
    return False


def _in(value: object, ids: Collection[str]) -> bool:
    return isinstance(value, str) and value in ids


def _ids(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _holds(value: bytes, ids: Iterable[str]) -> bool:
    return any(orjson.dumps(one) in value for one in ids)


async def erase_records(connection: AnyConnection, service: Service, order: Order) -> Counts:
    """The outbox and the dead letters of a service, in the caller's transaction. Readers go on from
    their place in the log; what they have not read of these people they will not."""
    wanted = Wanted.of(order)
    outbox = await connection.fetch(
        f"""SELECT topic, xid::text AS xid, id, value FROM {service.schema}.outbox
            WHERE split_part(key, '/', 1) = $1""",
        order.school,
    )
    doomed = [row for row in outbox if speaks_of(row["value"], wanted)]
    await connection.execute(
        f"""DELETE FROM {service.schema}.outbox o
            USING unnest($1::text[], $2::text[], $3::bigint[]) AS given (topic, xid, id)
            WHERE o.topic = given.topic AND o.xid = given.xid::xid8 AND o.id = given.id""",
        *([row[name] for row in doomed] for name in ("topic", "xid", "id")),
    )
    letters = await connection.fetch(
        f"SELECT id, value FROM {service.schema}.dead_letter WHERE split_part(key, '/', 1) = $1", order.school
    )
    dead = [row["id"] for row in letters if speaks_of(row["value"], wanted)]
    await connection.execute(f"DELETE FROM {service.schema}.dead_letter WHERE id = ANY($1::uuid[])", dead)
    return {f"{service.schema}.outbox": len(doomed), f"{service.schema}.dead_letter": len(dead)}


def add(*counts: Mapping[str, int]) -> Counts:
    """One account of several."""
    total: dict[str, Any] = {}
    for one in counts:
        for store, rows in one.items():
            total[store] = total.get(store, 0) + rows
    return total
