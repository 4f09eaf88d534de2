"""Batches and their sheets as rows."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter

from print_queue.composing import Composition, Occasion
from print_queue.document import BatchDocument
from print_queue.states import BatchState
from print_queue.typeset import Typeset
from shared.db import AnyConnection

_DOCUMENT = TypeAdapter(BatchDocument)


@dataclass(frozen=True, slots=True)
class Batch:
    """`pdf` is its place below the folder of paper, `sha256` of its bytes in hex; None until typeset."""

    id: UUID
    school: str
    class_name: str
    kind: str
    name: str
    state: BatchState
    document: BatchDocument
    pdf: str | None
    sha256: str | None


async def exists(connection: AnyConnection, school: str, class_name: str, kind: str, name: str) -> bool:
    return bool(
        await connection.fetchval(
            """SELECT EXISTS (SELECT FROM paper.batch
               WHERE school = $1 AND class = $2 AND kind = $3 AND name = $4)""",
            school,
            class_name,
            kind,
            name,
        )
    )


async def batch_of(connection: AnyConnection, school: str, class_name: str, kind: str, name: str) -> UUID:
    """Of a week that is closed: it was frozen in the same transaction."""
    found = await connection.fetchval(
        "SELECT id FROM paper.batch WHERE school = $1 AND class = $2 AND kind = $3 AND name = $4",
        school,
        class_name,
        kind,
        name,
    )
    assert isinstance(found, UUID)
    return found


async def keep(
    connection: AnyConnection, school: str, class_name: str, kind: str, occasion: Occasion, made: Composition
) -> UUID:
    """A frozen batch with its sheets and what each of them says."""
    batch = UUID(made.document.batch_id)
    await connection.execute(
        """
        INSERT INTO paper.batch (id, school, class, kind, name, input, frozen_at, hand_out_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        batch,
        school,
        class_name,
        kind,
        occasion.name,
        _DOCUMENT.dump_python(made.document, mode="json"),
        occasion.closed_at,
        occasion.hand_out_by,
    )
    owners = sorted(made.owners.items())
    await connection.execute(
        """
        INSERT INTO paper.sheet (id, batch, school, pupil, guardian)
        SELECT id, $1, $2, pupil, guardian
        FROM unnest($3::uuid[], $4::text[], $5::text[]) AS given (id, pupil, guardian)
        """,
        batch,
        school,
        [sheet for sheet, _ in owners],
        [pupil for _, (pupil, _) in owners],
        [guardian for _, (_, guardian) in owners],
    )
    await _keep_printed(connection, school, kind, made)
    return batch


async def _keep_printed(connection: AnyConnection, school: str, kind: str, made: Composition) -> None:
    printed = made.printed
    keys = (
        [one.pupil for one in printed],
        [one.guardian for one in printed],
        [one.key.source for one in printed],
        [one.key.entity for one in printed],
    )
    await connection.execute(
        """
        UPDATE paper.printed p SET latest = false
        FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS given (pupil, guardian, source, entity)
        WHERE p.school = $1 AND p.latest AND (p.pupil, p.guardian, p.source, p.entity)
            = (given.pupil, given.guardian, given.source, given.entity)
        """,
        school,
        *keys,
    )
    await connection.execute(
        """
        INSERT INTO paper.printed (
            school, weekly, pupil, guardian, source, entity, sheet, revision, time, removed, what, said)
        SELECT $1, $2, given.* FROM unnest(
            $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::bigint[], $9::timestamptz[],
            $10::boolean[], $11::text[], $12::text[]) AS given
        """,
        school,
        kind == "week",
        *keys,
        [one.sheet for one in printed],
        [one.version.revision for one in printed],
        [one.version.time for one in printed],
        [one.removed for one in printed],
        [one.words.what for one in printed],
        [one.words.said for one in printed],
    )


async def read(connection: AnyConnection, batch: UUID) -> Batch:
    row = await connection.fetchrow("SELECT * FROM paper.batch WHERE id = $1", batch)
    assert row is not None
    return _batch(row)


async def replace_input(connection: AnyConnection, batch: UUID, document: BatchDocument) -> None:
    """The batch without somebody it held: its PDF is void, whatever state it has reached."""
    await connection.execute(
        "UPDATE paper.batch SET input = $2, pdf = NULL, sha256 = NULL, pages = NULL WHERE id = $1",
        batch,
        _DOCUMENT.dump_python(document, mode="json"),
    )


async def frozen(connection: AnyConnection) -> list[UUID]:
    """The batches without a PDF, the oldest first: new ones, and those a family was taken out of."""
    rows = await connection.fetch("SELECT id FROM paper.batch WHERE sha256 IS NULL ORDER BY id")
    return [row["id"] for row in rows]


async def settle(
    connection: AnyConnection, batch: UUID, document: BatchDocument, pdf: str, made: Typeset
) -> bool:
    """`frozen → typeset`; a batch that was further keeps its state. `document` is what was typeset.
    False if somebody else was first, or a family was taken out meanwhile."""
    async with connection.transaction():
        row = await connection.fetchrow(
            """UPDATE paper.batch SET pdf = $2, sha256 = $3, pages = $4,
                   state = CASE state WHEN 'frozen' THEN 'typeset' ELSE state END
               WHERE id = $1 AND sha256 IS NULL AND jsonb_array_length(input -> 'sheets') = $5
                   AND jsonb_array_length(input -> 'without_consent') = $6
               RETURNING old.state AS before""",
            batch,
            pdf,
            made.sha256,
            manifest(made),
            len(document.sheets),
            len(document.without_consent),
        )
        if row is None:
            return False
        if row["before"] == BatchState.FROZEN:
            await connection.execute(
                """INSERT INTO paper.batch_history (batch, from_state, to_state, actor)
                   VALUES ($1, 'frozen', 'typeset', 'print-queue')""",
                batch,
            )
    return True


def manifest(made: Typeset) -> Mapping[str, Any]:
    """The pages of every part, and the characters the font could not draw."""
    return {**asdict(made.pages), "dropped": [asdict(one) for one in made.dropped]}


@dataclass(frozen=True, slots=True)
class Overdue:
    batch: UUID
    school: str
    class_name: str
    kind: str
    name: str
    state: BatchState
    hand_out_by: datetime


async def claim_overdue(connection: AnyConnection, now: datetime) -> list[Overdue]:
    """The batches not handed out in time, each once: mark them in the caller's transaction. A batch
    with nothing in it for anybody asks nothing of the teacher."""
    rows = await connection.fetch(
        """
        UPDATE paper.batch SET escalated_at = $1
        WHERE escalated_at IS NULL AND state NOT IN ('handed_out', 'closed') AND hand_out_by <= $1
            AND (jsonb_array_length(input -> 'sheets') > 0
                OR jsonb_array_length(input -> 'without_consent') > 0)
        RETURNING id, school, class, kind, name, state, hand_out_by
        """,
        now,
    )
    return [
        Overdue(
            row["id"],
            row["school"],
            row["class"],
            row["kind"],
            row["name"],
            BatchState(row["state"]),
            row["hand_out_by"],
        )
        for row in rows
    ]


async def next_overdue(connection: AnyConnection) -> datetime | None:
    found = await connection.fetchval(
        """SELECT min(hand_out_by) FROM paper.batch
           WHERE escalated_at IS NULL AND state NOT IN ('handed_out', 'closed')"""
    )
    assert found is None or isinstance(found, datetime)
    return found


def _batch(row: asyncpg.Record) -> Batch:
    return Batch(
        id=row["id"],
        school=row["school"],
        class_name=row["class"],
        kind=row["kind"],
        name=row["name"],
        state=BatchState(row["state"]),
        document=_DOCUMENT.validate_python(row["input"]),
        pdf=row["pdf"],
        sha256=row["sha256"],
    )
