"""What the print queue destroys of a person: the week's ledger, their sheets, and the PDFs that hold them
(R-B7, R-B8).

A batch carries other families too: it is frozen without the erased ones, keeps its state, and gets its
PDF anew from that (`Batches.typeset_frozen`).
"""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from print_queue import batchstore
from print_queue.document import BatchDocument, Person
from shared.db import AnyConnection
from shared.erasure import Counts, Order
from shared.mentions import add, erase_records
from shared.topics import Service

ERASED = {
    "paper.ledger": "записи об ученике удаляются",
    "paper.to_paper": "строки об ученике и представителе удаляются",
    "paper.batch": "листы и имена вынимаются, PDF удаляется и верстается заново без них",
    "paper.sheet": "листы удаляются",
    "paper.sheet_history": "вместе с листом",
    "paper.printed": "вместе с листом",
    "paper.outbox": "записи о них удаляются",
    "paper.dead_letter": "отложенные записи о них удаляются",
}
"""Every store of a family's data here, and what becomes of it; `docs/architecture/data.md` says why."""
KEPT = {
    "paper.week": "недели класса",
    "paper.batch_history": "судьба пачки",
    "paper.bus_cursor": "место чтения шины",
    "paper.audit": "кто что сделал: только номера; журнал действий не меняется",
    "paper.erased": "что уничтожено: номера и количества",
}

_TIED = """school = $1 AND (pupil = ANY($2::text[]) OR guardian = ANY($3::text[])
    OR (pupil, guardian) IN (SELECT * FROM unnest($4::text[], $5::text[])))"""


class PaperEraser:
    """`Step.PAPER`. `folder`: where the PDFs are; None leaves them, for a rehearsal."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    async def erase(self, connection: AnyConnection, order: Order) -> Counts:
        """`shared.erasure.Eraser`. The names in the roster must still be there: a cover lists families
        without consent by nothing else."""
        if order.empty:
            return {}
        who = (order.school, list(order.pupils), list(order.guardians), order.tie_pupils, order.tie_guardians)
        ledger = await connection.execute(
            "DELETE FROM paper.ledger WHERE school = $1 AND pupil = ANY($2::text[])", *who[:2]
        )
        moved = await connection.execute(f"DELETE FROM paper.to_paper WHERE {_TIED}", *who)
        sheets = await connection.fetch(f"SELECT id, batch FROM paper.sheet WHERE {_TIED}", *who)
        ids = [row["id"] for row in sheets]
        counts = {"paper.ledger": _rows(ledger), "paper.to_paper": _rows(moved), "paper.sheet": len(ids)}
        for table in ("printed", "sheet_history", "sheet"):
            key = "id" if table == "sheet" else "sheet"
            status = await connection.execute(f"DELETE FROM paper.{table} WHERE {key} = ANY($1::uuid[])", ids)
            counts[f"paper.{table}"] = _rows(status)
        counts["paper.batch"] = await self._batches(connection, order, {row["batch"] for row in sheets}, ids)
        return add(counts, await erase_records(connection, Service.PRINT_QUEUE, order))

    async def _batches(
        self, connection: AnyConnection, order: Order, printed: Collection[UUID], sheets: Collection[UUID]
    ) -> int:
        pupils = await _names(connection, "pupil", order.school, order.pupils)
        guardians = await _names(connection, "guardian", order.school, order.guardians)
        rows = await connection.fetch(
            """SELECT id FROM paper.batch WHERE school = $1 AND (id = ANY($2::uuid[])
                   OR EXISTS (SELECT FROM jsonb_array_elements(input -> 'without_consent') AS one
                              WHERE one->'pupil'->>'family_name' = ANY($3::text[])
                                 OR one->'guardian'->>'family_name' = ANY($4::text[])))
               ORDER BY id FOR UPDATE""",
            *(order.school, list(printed)),
            [person.family_name for person in pupils],
            [person.family_name for person in guardians],
        )
        gone = {str(sheet) for sheet in sheets}
        changed = 0
        for row in rows:
            batch = await batchstore.read(connection, row["id"])
            document = without(batch.document, sheets=gone, pupils=pupils, guardians=guardians)
            if document == batch.document:
                continue
            changed += 1
            await batchstore.replace_input(connection, batch.id, document)
            # Before the commit: should that fail, the PDF comes back from its unchanged input.
            if self._folder is not None and batch.pdf is not None:
                (self._folder / batch.pdf).unlink(missing_ok=True)
        return changed


def without(
    document: BatchDocument,
    *,
    sheets: Collection[str],
    pupils: Collection[Person],
    guardians: Collection[Person],
) -> BatchDocument:
    """The batch as if these had never been in it. A namesake of an erased pupil without consent loses
    the line on the old cover too: it names nobody by anything else."""
    return replace(
        document,
        sheets=tuple(sheet for sheet in document.sheets if sheet.sheet_id not in sheets),
        without_consent=tuple(
            one
            for one in document.without_consent
            if one.pupil not in pupils and one.guardian not in guardians
        ),
    )


async def _names(
    connection: AnyConnection, kind: str, school: str, people: Collection[str]
) -> frozenset[Person]:
    rows = await connection.fetch(
        f"""SELECT family_name, given_name, patronymic FROM roster.{kind}
            WHERE school = $1 AND {kind} = ANY($2::text[])
              AND (family_name, given_name) <> ('', '')""",
        school,
        list(people),
    )
    return frozenset(Person(*row) for row in rows)


def _rows(status: str) -> int:
    return int(status.rpartition(" ")[2])
