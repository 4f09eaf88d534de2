"""What ingest destroys of a person: what the journal said of them, and at last their names (R-B7, R-B8)."""

from pathlib import Path

from shared.db import AnyConnection
from shared.erasure import Counts, Order
from shared.lists import raise_epochs
from shared.mentions import add, erase_records
from shared.topics import Service

ERASED = {
    "roster.pupil": "имена, день рождения и причина выбытия стираются; номер, класс и дни остаются",
    "roster.guardian": "имена стираются; номер и язык остаются",
    "ingest.inbox": "события об ученике удаляются",
    "ingest.refused": "отклонённые события об ученике удаляются",
    "ingest.entity": "строки записей журнала об ученике удаляются",
    "ingest.outbox": "записи об ученике удаляются",
    "ingest.dead_letter": "отложенные записи об ученике удаляются",
}
"""Every store of a person's data here, and what becomes of it; `docs/architecture/data.md` says why."""
KEPT = {
    "roster.epoch": "счётчик изменений школы",
    "roster.school": "школа, не люди",
    "roster.calendar": "календарь школы",
    "roster.class": "классы и логины учителей",
    "roster.guardianship": "только номера, вид родства и дни ограничения прав, которые защищают ребёнка",
    "ingest.token": "доступ журнала",
    "ingest.bus_cursor": "место чтения шины",
    "ingest.audit": "кто что сделал: только номера; журнал действий не меняется",
    "ingest.erased": "что уничтожено: номера и количества",
}

_OF_SOURCE = "starts_with(source, '/schools/' || $1 || '/journals/')"


class JournalEraser:
    """`Step.JOURNAL`: everything a journal sent about the pupils. `lists_report` is the file of the last
    import's refusals, which may quote a row; it goes whole."""

    def __init__(self, lists_report: Path | None) -> None:
        self._lists_report = lists_report

    async def erase(self, connection: AnyConnection, order: Order) -> Counts:
        """`shared.erasure.Eraser`."""
        pupils = list(order.pupils)
        inbox = await connection.execute(
            f"DELETE FROM ingest.inbox WHERE {_OF_SOURCE} AND event->>'subject' = ANY($2::text[])",
            *(order.school, pupils),
        )
        # Removals need not name the pupil: what is remembered of the entity does.
        entities = await connection.fetch(
            f"""DELETE FROM ingest.entity
                WHERE {_OF_SOURCE} AND concerns = ANY(SELECT 'pupil/' || p FROM unnest($2::text[]) AS p)
                RETURNING source, entity""",
            *(order.school, pupils),
        )
        removals = await connection.execute(
            """DELETE FROM ingest.inbox i USING unnest($1::text[], $2::text[]) AS gone (source, entity)
               WHERE i.source = gone.source AND i.event->'data'->>'entity' = gone.entity""",
            [row["source"] for row in entities],
            [row["entity"] for row in entities],
        )
        # A refused event may be misshapen in any way: any mention but in a group's list counts.
        refused = await connection.execute(
            f"""DELETE FROM ingest.refused WHERE {_OF_SOURCE} AND (
                    event->>'subject' = ANY($2::text[])
                    OR EXISTS (SELECT FROM unnest($2::text[]) AS p
                               WHERE position(to_json(p)::text IN (event #- '{{data,pupils}}')::text) > 0)
                )""",
            *(order.school, pupils),
        )
        records = await erase_records(connection, Service.INGEST, order)
        if self._lists_report is not None:
            self._lists_report.unlink(missing_ok=True)
        return add(
            {
                "ingest.inbox": rows_of(inbox) + rows_of(removals),
                "ingest.entity": len(entities),
                "ingest.refused": rows_of(refused),
            },
            records,
        )


class ListsEraser:
    """`Step.LISTS`: the names, once nobody needs them any more to find the rest. The rows stay as numbers,
    so that a journal or a list that still names them changes nothing."""

    async def erase(self, connection: AnyConnection, order: Order) -> Counts:
        """`shared.erasure.Eraser`."""
        pupils = await connection.execute(
            """UPDATE roster.pupil
               SET family_name = '', given_name = '', patronymic = '', birth_date = NULL, left_reason = ''
               WHERE school = $1 AND pupil = ANY($2::text[])
                 AND (family_name, given_name, patronymic, left_reason) <> ('', '', '', '')""",
            *(order.school, list(order.pupils)),
        )
        guardians = await connection.execute(
            """UPDATE roster.guardian SET family_name = '', given_name = '', patronymic = ''
               WHERE school = $1 AND guardian = ANY($2::text[])
                 AND (family_name, given_name, patronymic) <> ('', '', '')""",
            *(order.school, list(order.guardians)),
        )
        await raise_epochs(connection, "roster", {order.school})
        return {"roster.pupil": rows_of(pupils), "roster.guardian": rows_of(guardians)}


def rows_of(status: str) -> int:
    """How many rows a statement says it changed."""
    return int(status.rpartition(" ")[2])
