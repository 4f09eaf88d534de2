"""What the dispatcher destroys of a person: contacts, papers, decisions, messages and what came back
(R-B7, R-B8)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from dispatcher.erasing import returned
from shared.db import AnyConnection
from shared.erasure import Busy, Counts, Order
from shared.lists import raise_epochs
from shared.mentions import add, erase_records
from shared.topics import Service

ERASED = {
    "consent.contact": "адреса представителя удаляются",
    "consent.sheet": "пункты и подписи стираются; номер, дни и отметка об отзыве остаются",
    "consent.application": "содержание и подписи стираются; номер и день остаются",
    "consent.preference": "пожелания представителя удаляются",
    "consent.preference_change": "история пожеланий представителя удаляется",
    "people.family_link": "ссылка для входа удаляется вместе с адресом",
    "people.family_session": "входы представителя удаляются: он больше не войдёт",
    "consent.restriction": "основание стирается; дни ограничения остаются: они защищают ребёнка",
    "consent.departure": "причина стирается; номер и день остаются",
    "consent.refusal": "имена и подробности стираются; номер, день и основание остаются",
    "dispatch.change": "изменения об ученике удаляются",
    "dispatch.entity": "строки записей журнала об ученике удаляются",
    "dispatch.decision": "решения об ученике и для представителя удаляются",
    "dispatch.absence_alert": "строки об ученике и представителе удаляются",
    "dispatch.message": "сообщения представителя и сообщения, от которых ничего не осталось, удаляются",
    "dispatch.message_history": "вместе с сообщением",
    "dispatch.sms_attempt": "вместе с сообщением; в оставшихся сообщениях стирается текст об ученике",
    "dispatch.suppression": "адреса представителя, которых нет у других семей, удаляются",
    "dispatch.returned_mail": "возвраты удалённых сообщений и письма с именем или адресом удаляются",
    "dispatch.contact_code": "коды представителя удаляются",
    "dispatch.unreachable": "строки об ученике и представителе удаляются",
    "dispatch.notice": "уведомления о них удаляются",
    "dispatch.notice_addressee": "вместе с уведомлением",
    "dispatch.discrepancy": "строки о них удаляются",
    "dispatch.outbox": "записи о них удаляются",
    "dispatch.dead_letter": "отложенные записи о них удаляются",
}
"""Every store of a family's data here, and what becomes of it; `docs/architecture/data.md` says why."""
KEPT = {
    "consent.epoch": "счётчик изменений школы",
    "consent.withdrawal": "отзыв: номера и дни; доказывает, что срок соблюдён",
    "consent.erasure": "приказ об уничтожении: только номера; сам и есть учёт",
    "people.account": "сотрудники",
    "people.password": "сотрудники",
    "people.session": "сотрудники",
    "people.invitation": "сотрудники",
    "people.throttle": "хеши попыток входа с ключом, живут минуты",
    "dispatch.provider": "состояние шлюзов",
    "dispatch.channel_pause": "остановка канала",
    "dispatch.sms_budget": "суммы за месяц",
    "dispatch.notice_letter": "адреса сотрудников",
    "dispatch.late_school": "школа, не люди",
    "dispatch.class_since": "номер ученика, класс и день; ведётся заново из списков",
    "dispatch.bus_cursor": "место чтения шины",
    "dispatch.audit": "кто что сделал: только номера; журнал действий не меняется",
    "dispatch.erased": "что уничтожено: номера и количества",
}

_OF_GUARDIANS = (
    "consent.contact",
    "consent.preference",
    "consent.preference_change",
    "dispatch.contact_code",
    "people.family_link",
    "people.family_session",
)
_BUSY = """
SELECT EXISTS (
    SELECT FROM dispatch.message m WHERE m.school = $1 AND m.guardian = ANY($2::text[])
      AND m.status = 'sending' AND m.lease_until > clock_timestamp())"""
_CHANGES = """
SELECT change FROM dispatch.change c WHERE school = $1 AND (
    pupil = ANY($2::text[])
    OR pupil IS NULL AND (source, entity) IN (
        SELECT source, entity FROM dispatch.change WHERE school = $1 AND pupil = ANY($2::text[])))"""
_DECISIONS = """
DELETE FROM dispatch.decision d USING (
    SELECT change, guardian FROM dispatch.decision WHERE change = ANY($2::uuid[])
    UNION SELECT change, guardian FROM dispatch.decision WHERE school = $1 AND guardian = ANY($3::text[])
    UNION SELECT d.change, d.guardian FROM dispatch.decision d JOIN dispatch.change c USING (change)
          JOIN unnest($4::text[], $5::text[]) AS tie (pupil, guardian)
            ON (c.pupil, d.guardian) = (tie.pupil, tie.guardian)
          WHERE d.school = $1) AS doomed
WHERE (d.change, d.guardian) = (doomed.change, doomed.guardian)
RETURNING d.change, d.message"""
# Of a decision about several children the erased one is taken out; about nobody else, it goes.
_LESS = """
UPDATE dispatch.decision d SET pupils = ARRAY(
    SELECT pupil FROM unnest(d.pupils) WITH ORDINALITY AS told (pupil, place)
    WHERE NOT (pupil = ANY($2::text[]) OR EXISTS (
        SELECT FROM unnest($3::text[], $4::text[]) AS tie (pupil, guardian)
        WHERE (tie.pupil, tie.guardian) = (told.pupil, d.guardian)))
    ORDER BY place)
WHERE d.school = $1 AND (d.pupils && $2::text[] OR d.guardian = ANY($4::text[]) AND d.pupils && $3::text[]
    AND EXISTS (SELECT FROM unnest($3::text[], $4::text[]) AS tie (pupil, guardian)
                WHERE tie.guardian = d.guardian AND tie.pupil = ANY(d.pupils)))
RETURNING d.change, d.guardian, d.message, d.pupils"""
_EMPTY_MESSAGES = """
SELECT id FROM dispatch.message m WHERE m.school = $1 AND (m.guardian = ANY($2::text[])
    OR m.id = ANY($3::uuid[]) AND NOT EXISTS (SELECT FROM dispatch.decision d WHERE d.message = m.id))"""

_TIED = """(pupil = ANY($2::text[]) OR guardian = ANY($3::text[])
    OR (pupil, guardian) IN (SELECT * FROM unnest($4::text[], $5::text[])))"""


class DeliveryEraser:
    """`Step.DELIVERY`. The names in the roster must still be there: some stores have nothing else."""

    async def erase(self, connection: AnyConnection, order: Order) -> Counts:
        """`shared.erasure.Eraser`."""
        if order.empty:
            return {}
        concerned = sorted({*order.guardians, *order.tie_guardians})
        if await connection.fetchval(_BUSY, order.school, concerned):
            raise Busy
        told = await _what_was_told(connection, order)
        addresses = await _addresses(connection, order, told.messages)
        counts = [
            told.counts,
            await returned.erase(connection, order, told.messages, addresses),
            await _messages(connection, told),
            await _contacts(connection, order, addresses),
            await _papers(connection, order),
            await _watches(connection, order),
            await erase_records(connection, Service.DISPATCHER, order),
        ]
        await raise_epochs(connection, "consent", {order.school})
        return add(*counts)


@dataclass(frozen=True, slots=True)
class _Told:
    """Messages to destroy whole, and those that keep something of others."""

    messages: list[UUID]
    shortened: list[UUID]
    counts: Counts


async def _what_was_told(connection: AnyConnection, order: Order) -> _Told:
    ties = (order.tie_pupils, order.tie_guardians)
    pupils, guardians = list(order.pupils), list(order.guardians)
    changes = [row["change"] for row in await connection.fetch(_CHANGES, order.school, pupils)]
    gone = await connection.fetch(_DECISIONS, order.school, changes, guardians, *ties)
    less = await connection.fetch(_LESS, order.school, pupils, *ties)
    hollow = [row for row in less if not row["pupils"]]
    await connection.execute(
        """DELETE FROM dispatch.decision d USING unnest($1::uuid[], $2::text[]) AS hollow (change, guardian)
           WHERE (d.change, d.guardian) = (hollow.change, hollow.guardian)""",
        [row["change"] for row in hollow],
        [row["guardian"] for row in hollow],
    )
    # The ledger counts guardians by change: it goes on adding up without these (DESIGN §7).
    fewer = Counter(row["change"] for row in (*gone, *hollow))
    await connection.execute(
        """UPDATE dispatch.change c SET guardians = greatest(c.guardians - given.gone, 0)
           FROM unnest($1::uuid[], $2::int[]) AS given (change, gone) WHERE c.change = given.change""",
        list(fewer),
        list(fewer.values()),
    )
    entities = await connection.execute(
        """DELETE FROM dispatch.entity e USING dispatch.change c
           WHERE c.change = ANY($1::uuid[]) AND (e.source, e.entity) = (c.source, c.entity)""",
        changes,
    )
    await connection.execute("DELETE FROM dispatch.change WHERE change = ANY($1::uuid[])", changes)
    touched = {row["message"] for row in (*gone, *less) if row["message"] is not None}
    doomed = [
        row["id"] for row in await connection.fetch(_EMPTY_MESSAGES, order.school, guardians, list(touched))
    ]
    wrong = await connection.execute(
        """DELETE FROM dispatch.discrepancy
           WHERE school = $1 AND (guardian = ANY($2::text[]) OR subject = ANY($3::uuid[]))""",
        *(order.school, guardians, [*changes, *doomed]),
    )
    counts = {
        "dispatch.change": len(changes),
        "dispatch.entity": _rows(entities),
        "dispatch.decision": len(gone) + len(less),
        "dispatch.discrepancy": _rows(wrong),
    }
    return _Told(doomed, sorted(touched - set(doomed)), counts)


async def _messages(connection: AnyConnection, told: _Told) -> Counts:
    """An attempt still open keeps its text: without it a second SMS could not be told from the first.
    The order waits for it."""
    if await connection.fetchval(
        """SELECT EXISTS (SELECT FROM dispatch.sms_attempt
                          WHERE message = ANY($1::uuid[]) AND settled_at IS NULL)""",
        [*told.messages, *told.shortened],
    ):
        raise Busy
    found = {
        table: _rows(
            await connection.execute(
                f"DELETE FROM dispatch.{table} WHERE {key} = ANY($1::uuid[])", told.messages
            )
        )
        for table, key in (("message_history", "message"), ("sms_attempt", "message"), ("message", "id"))
    }
    texts = await connection.execute(
        r"""UPDATE dispatch.sms_attempt SET text = '', text_hash = '\x'
            WHERE message = ANY($1::uuid[]) AND text <> ''""",
        told.shortened,
    )
    found["sms_attempt"] += _rows(texts)
    return {f"dispatch.{table}": rows for table, rows in found.items()}


async def _addresses(connection: AnyConnection, order: Order, messages: list[UUID]) -> list[tuple[str, str]]:
    """(channel, address) that only the erased guardians have, also such as were sent to and are no longer
    on file."""
    rows = await connection.fetch(
        """SELECT channel, address FROM consent.contact WHERE school = $1 AND guardian = ANY($2::text[])
           UNION SELECT channel, address FROM dispatch.contact_code
                 WHERE school = $1 AND guardian = ANY($2::text[])
           UNION SELECT 'sms', number FROM dispatch.sms_attempt WHERE message = ANY($3::uuid[])
           EXCEPT SELECT channel, address FROM consent.contact
                 WHERE school = $1 AND guardian <> ALL($2::text[])""",
        *(order.school, list(order.guardians), messages),
    )
    return [(row["channel"], row["address"]) for row in rows]


async def _contacts(connection: AnyConnection, order: Order, addresses: Iterable[tuple[str, str]]) -> Counts:
    given = list(addresses)
    stopped = await connection.execute(
        """DELETE FROM dispatch.suppression s USING unnest($2::text[], $3::text[]) AS own (channel, address)
           WHERE s.school = $1 AND (s.channel, s.address) = (own.channel, own.address)""",
        order.school,
        [channel for channel, _ in given],
        [address for _, address in given],
    )
    found = {"dispatch.suppression": _rows(stopped)}
    for table in _OF_GUARDIANS:
        status = await connection.execute(
            f"DELETE FROM {table} WHERE school = $1 AND guardian = ANY($2::text[])",
            *(order.school, list(order.guardians)),
        )
        found[table] = _rows(status)
    return found


async def _papers(connection: AnyConnection, order: Order) -> Counts:
    """Papers registered after the order are another consent. Numbers and dates stay."""
    who = (order.school, list(order.pupils), list(order.guardians), order.tie_pupils, order.tie_guardians)
    sheets = await connection.execute(
        f"""UPDATE consent.sheet
            SET items = '{{}}', signed_items = '{{}}', signed_by = '', accepted_by = '',
                erased_at = clock_timestamp()
            WHERE school = $1 AND erased_at IS NULL AND registered_at <= $6 AND {_TIED}""",
        *(*who, order.ordered_at),
    )
    applications = await connection.execute(
        f"""UPDATE consent.application
            SET scope = '{{}}', pupil_access = false, accepted_by = '', erased_at = clock_timestamp()
            WHERE school = $1 AND erased_at IS NULL AND registered_at <= $6 AND {_TIED}""",
        *(*who, order.ordered_at),
    )
    restrictions = await connection.execute(
        f"UPDATE consent.restriction SET basis = '' WHERE school = $1 AND basis <> '' AND {_TIED}", *who
    )
    departures = await connection.execute(
        """UPDATE consent.departure SET reason = ''
           WHERE school = $1 AND reason <> '' AND pupil = ANY($2::text[])""",
        *who[:2],
    )
    names = await returned.names_of(connection, order)
    refusals = await connection.execute(
        """UPDATE consent.refusal SET applicant = '', about = '', details = '', letter = '{}'
           WHERE school = $1 AND (applicant, about, details, letter) <> ('', '', '', '{}')
             AND (pupil = ANY($2::text[]) OR guardian = ANY($3::text[])
                  OR EXISTS (SELECT FROM unnest($4::text[]) AS name
                             WHERE position(name IN
                                 lower(concat_ws(' ', applicant, about, details, letter))) > 0)
             )""",
        *(*who[:3], sorted(names)),
    )
    return {
        "consent.sheet": _rows(sheets),
        "consent.application": _rows(applications),
        "consent.restriction": _rows(restrictions),
        "consent.departure": _rows(departures),
        "consent.refusal": _rows(refusals),
    }


async def _watches(connection: AnyConnection, order: Order) -> Counts:
    who = (order.school, list(order.pupils), list(order.guardians), order.tie_pupils, order.tie_guardians)
    found = {
        table: _rows(await connection.execute(f"DELETE FROM {table} WHERE school = $1 AND {_TIED}", *who))
        for table in ("dispatch.absence_alert", "dispatch.unreachable")
    }
    notices = await connection.fetch(
        """DELETE FROM dispatch.notice WHERE school = $1
             AND (details->>'pupil' = ANY($2::text[]) OR details->>'guardian' = ANY($3::text[]))
           RETURNING id""",
        *who[:3],
    )
    addressed = await connection.execute(
        "DELETE FROM dispatch.notice_addressee WHERE notice = ANY($1::uuid[])", [row["id"] for row in notices]
    )
    return {**found, "dispatch.notice": len(notices), "dispatch.notice_addressee": _rows(addressed)}


def _rows(status: str) -> int:
    return int(status.rpartition(" ")[2])
