"""What claimed messages carry, read in a few statements for the whole claim."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from dispatcher.messages import PERHAPS_TOLD, SENT_AGAIN, Status, perhaps_told
from dispatcher.sending.claims import Claimed
from dispatcher.sending.suppression import STANDING
from shared.categories import Category, Channel, Mode
from shared.changes import TYPES, Change, Version
from shared.db import AnyConnection

Address = tuple[str, Channel, str]
"""School, channel, address."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A decision to tell as it stands now. `told`: newest first, the revisions of the same entity this
    guardian was told before, or perhaps was; looked up only where planning said that it corrects
    something. `tried`: the channels that took it over and failed it. `in_flight`: what it corrects is
    being sent this very moment. `superseded`: the newer revision that says it better, for a message that
    is sent once more; `perhaps`: an earlier attempt may have arrived."""

    change: Change
    pupils: tuple[str, ...]
    mode: Mode
    deadline: datetime | None
    expires_at: datetime | None
    told: tuple[Change, ...] = ()
    tried: frozenset[Channel] = frozenset()
    in_flight: bool = False
    superseded: UUID | None = None
    perhaps: bool = False


@dataclass(frozen=True, slots=True)
class _Told:
    change: Change
    in_flight: bool
    certain: bool


@dataclass(frozen=True, slots=True)
class Cargo:
    """Entries by message, and whose first message over a channel this would be."""

    entries: Mapping[UUID, tuple[Entry, ...]]
    acquainted: frozenset[UUID]

    def of(self, message: UUID) -> tuple[Entry, ...]:
        return self.entries.get(message, ())


_CHANGE = "c.change, c.source, c.school, c.type, c.entity, c.revision, c.time, c.accepted_at, c.pupil, c.data"
_TOLD = ", ".join(f"'{status.value}'" for status in Status if status.told)


async def load(connection: AnyConnection, claimed: Sequence[Claimed]) -> Cargo:
    """Everything that is still to be said by these messages; what a correction cancelled is left out."""
    messages = [one.message for one in claimed]
    rows = await connection.fetch(
        f"""SELECT d.message, d.guardian, d.pupils, d.mode, d.deadline, d.expires_at, d.corrects, d.tried,
                   c.class, {_CHANGE}
            FROM dispatch.decision d JOIN dispatch.change c USING (change)
            WHERE d.message = ANY($1::uuid[]) AND d.verdict = 'tell' AND d.cancelled_by IS NULL
            ORDER BY d.message, d.due_at, d.change""",
        messages,
    )
    told = await _told(connection, [row for row in rows if row["corrects"] is not None], messages)
    again = [one.message for one in claimed if one.attempts > 1]
    superseded = await _superseded(connection, again) if again else {}
    perhaps = await perhaps_told(connection, again) if again else frozenset()
    entries: dict[UUID, list[Entry]] = defaultdict(list)
    for row in rows:
        change = change_of(row)
        earlier = [
            one
            for one in told.get((row["guardian"], change.school, change.source, change.entity), ())
            if one.change.version < change.version
        ]
        entries[row["message"]].append(
            Entry(
                change,
                tuple(row["pupils"]),
                Mode(row["mode"]),
                row["deadline"],
                row["expires_at"],
                tuple(one.change for one in _believed(earlier)),
                frozenset(map(Channel, row["tried"])),
                in_flight=any(one.in_flight for one in earlier),
                superseded=superseded.get((row["message"], row["change"])),
                perhaps=row["message"] in perhaps,
            )
        )
    acquainted = await connection.fetch(
        """SELECT asked.message FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[])
               AS asked(message, school, guardian, channel)
           CROSS JOIN LATERAL (
               SELECT FROM dispatch.message m
               WHERE m.school = asked.school AND m.guardian = asked.guardian
                 AND m.channel = asked.channel AND m.status IN ('accepted', 'delivered')
               LIMIT 1
           ) AS earlier""",
        messages,
        [one.school for one in claimed],
        [one.guardian for one in claimed],
        [one.channel.value for one in claimed],
    )
    return Cargo(
        {message: tuple(held) for message, held in entries.items()},
        frozenset(row["message"] for row in acquainted),
    )


async def _told(
    connection: AnyConnection, rows: Sequence[asyncpg.Record], messages: Sequence[UUID]
) -> dict[tuple[str, str, str, str], tuple[_Told, ...]]:
    """By guardian, school, source and entity: the revisions told by other messages, newest first.
    Paper counts as told, as it does in planning; so does what perhaps arrived."""
    if not rows:
        return {}
    found = await connection.fetch(
        f"""SELECT d.guardian, c.class, {_CHANGE},
                   bool_or(coalesce(m.status = 'sending' AND m.id <> ALL($5::uuid[]), false)) AS in_flight,
                   bool_or(d.verdict = 'paper' OR coalesce(m.status IN ('accepted', 'delivered'), false))
                       AS certain
            FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
                AS asked(guardian, school, source, entity)
            JOIN dispatch.change c USING (source, entity)
            JOIN dispatch.decision d
                ON d.change = c.change AND d.guardian = asked.guardian AND d.school = asked.school
            LEFT JOIN dispatch.message m ON m.id = d.message
            WHERE d.reason = $6
               OR d.cancelled_by IS NULL AND (
                   d.verdict = 'paper'
                   OR m.status IN ({_TOLD}) AND m.id <> ALL($5::uuid[])
                   OR m.attempts > 0 AND EXISTS (
                       SELECT FROM dispatch.message_history h
                       WHERE h.message = m.id AND h.to_status = 'composed' AND h.reason = ANY($7::text[])
                   )
               )
            GROUP BY d.guardian, c.change""",
        [row["guardian"] for row in rows],
        [row["school"] for row in rows],
        [row["source"] for row in rows],
        [row["entity"] for row in rows],
        messages,
        PERHAPS_TOLD,
        SENT_AGAIN,
    )
    told: dict[tuple[str, str, str, str], list[_Told]] = defaultdict(list)
    for row in found:
        change = change_of(row)
        key = row["guardian"], change.school, change.source, change.entity
        told[key].append(_Told(change, row["in_flight"], row["certain"]))
    return {
        key: tuple(sorted(changes, key=lambda one: one.change.version, reverse=True))
        for key, changes in told.items()
    }


def _believed(told: Sequence[_Told]) -> Sequence[_Told]:
    """Without removals that perhaps never arrived: what they removed is what the family may still know."""
    skip = next((n for n, one in enumerate(told) if one.certain or not one.change.removed), 0)
    return told[skip:]


async def _superseded(connection: AnyConnection, messages: Sequence[UUID]) -> dict[tuple[UUID, UUID], UUID]:
    """By message and change: the newer revision that came while the message was being sent, so that
    planning could only correct, not cancel. Silence because it says the same leaves the older to say it."""
    rows = await connection.fetch(
        """SELECT DISTINCT ON (d.message, d.change) d.message, d.change, n.change AS by
           FROM dispatch.decision d
           JOIN dispatch.change c USING (change)
           JOIN dispatch.entity e USING (source, entity)
           JOIN dispatch.change n ON n.source = c.source AND n.entity = c.entity
                AND (n.revision, n.time) > (c.revision, c.time)
           LEFT JOIN dispatch.decision nd ON nd.change = n.change AND nd.guardian = d.guardian
           WHERE d.message = ANY($1::uuid[]) AND d.verdict = 'tell' AND d.cancelled_by IS NULL
             AND CASE WHEN nd.change IS NULL THEN n.change = e.change
                      ELSE nd.cancelled_by IS NULL
                           AND coalesce(nd.reason, '') <> ALL(ARRAY['nothing_to_tell', 'stale']) END
           ORDER BY d.message, d.change, n.revision DESC, n.time DESC""",
        messages,
    )
    return {(row["message"], row["change"]): row["by"] for row in rows}


async def suppressed(connection: AnyConnection, addresses: Sequence[Address]) -> frozenset[Address]:
    """Which of these must not be used any more."""
    rows = await connection.fetch(
        f"""SELECT school, channel, address FROM dispatch.suppression
           JOIN unnest($1::text[], $2::text[], $3::text[]) AS asked(school, channel, address)
               USING (school, channel, address)
           WHERE {STANDING}""",
        [school for school, _, _ in addresses],
        [channel.value for _, channel, _ in addresses],
        [address for _, _, address in addresses],
    )
    return frozenset((row["school"], Channel(row["channel"]), row["address"]) for row in rows)


def change_of(row: asyncpg.Record) -> Change:
    """A row of dispatch.change as a value."""
    category, removed = TYPES[row["type"]]
    data = row["data"]
    grade = data.get("grade")
    return Change(
        change=row["change"],
        source=row["source"],
        school=row["school"],
        type=row["type"],
        category=Category(category),
        removed=removed,
        entity=row["entity"],
        version=Version(row["revision"], row["time"]),
        accepted_at=row["accepted_at"],
        pupil=row["pupil"],
        class_name=row["class"],
        grade=str(grade) if grade is not None else None,
        group=data.get("group"),
        pupils=tuple(data.get("pupils") or ()),
        data=data,
    )
