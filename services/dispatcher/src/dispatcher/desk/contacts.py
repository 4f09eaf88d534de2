"""Contacts a family gives at the desk, and how they become usable (R-C6): by the signed application at
once, or by a code sent there. An address somebody calls not theirs stops at once."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from dispatcher.desk.entries import Tie, Wrong
from dispatcher.desk.register import written
from dispatcher.papers import address_of
from shared.categories import Channel
from shared.cells import Unfit
from shared.db import AnyConnection
from shared.staff import Staff
from shared.web.language import mark

LIVES = timedelta(minutes=10)
TRIES = 5
PER_ADDRESS = 3  # codes an hour
PER_GUARDIAN = 10  # codes a day


class Answer(StrEnum):
    """What became of a code somebody typed."""

    CONFIRMED = "confirmed"
    WRONG = "wrong"
    OVER = "over"  # too late, used, or tried too often: a new one is needed


@dataclass(frozen=True, slots=True)
class Code:
    """A code to be sent now; it is kept nowhere but in the message."""

    id: UUID
    school: str
    guardian: str
    channel: Channel
    address: str
    digits: str


async def add(
    connection: AnyConnection,
    school: str,
    guardian: str,
    channel: Channel,
    written_as: str,
    *,
    who: Staff | str,
) -> str:
    """Note an address in its one spelling, which is returned; it is not used before it is confirmed.
    Inside the caller's transaction. Raises Wrong. An address that was stopped or failed stays so."""
    try:
        address = address_of(channel, written_as.strip())
    except Unfit as wrong:
        raise Wrong("address", f"{str(wrong)[:1].upper()}{str(wrong)[1:]}.") from wrong
    known = await connection.fetchval(
        "SELECT true FROM roster.guardian WHERE school = $1 AND guardian = $2", school, guardian
    )
    if not known:
        raise Wrong("guardian", mark("Такого представителя в школе нет."))
    await connection.execute(
        """INSERT INTO consent.contact (school, guardian, channel, address) VALUES ($1, $2, $3, $4)
           ON CONFLICT DO NOTHING""",
        *(school, guardian, channel.value, address),
    )
    await written(connection, Tie(school, "", guardian), who, "contact.added", channel=channel.value)
    return address


async def confirm_by_application(
    connection: AnyConnection,
    school: str,
    guardian: str,
    channel: Channel,
    address: str,
    *,
    number: str,
    who: Staff | str,
) -> None:
    """The address stands in the signed application `number`: usable at once; the first message offers
    "not my child". Inside the caller's transaction. Raises Wrong."""
    if not await connection.fetchval(
        """SELECT true FROM consent.application
           WHERE school = $1 AND guardian = $2 AND number = $3 AND erased_at IS NULL""",
        *(school, guardian, number),
    ):
        raise Wrong(
            "number", mark("Заявления с таким номером от этой семьи нет: сначала зарегистрируйте его.")
        )
    await _confirm(connection, school, guardian, channel, address, how="application")
    facts = {"channel": channel.value, "number": number}
    await written(connection, Tie(school, "", guardian), who, "contact.confirmed", **facts)


async def ask_code(
    connection: AnyConnection,
    school: str,
    guardian: str,
    channel: Channel,
    address: str,
    *,
    key: bytes,
    who: Staff | str,
) -> Code:
    """A fresh code of six digits for an address on file; earlier ones are void. Inside the caller's
    transaction. Raises Wrong when the address is not on file or has had too many."""
    if channel not in {Channel.EMAIL, Channel.SMS}:
        raise Wrong(
            "channel", mark("Код приходит письмом или в СМС; уведомления включают на своём устройстве.")
        )
    if not await connection.fetchval(
        """SELECT true FROM consent.contact
           WHERE school = $1 AND guardian = $2 AND channel = $3 AND address = $4 FOR UPDATE""",
        *(school, guardian, channel.value, address),
    ):
        raise Wrong("address", mark("Этого адреса нет среди контактов семьи: сначала запишите его."))
    asked = await connection.fetchrow(
        """SELECT count(*) FILTER (WHERE channel = $3 AND address = $4
                      AND asked_at > clock_timestamp() - interval '1 hour'
                      AND (failed_because IS NULL OR failed_because = 'unknown')) AS here,
                  count(*) FILTER (WHERE guardian = $2) AS theirs
           FROM dispatch.contact_code
           WHERE school = $1 AND (guardian = $2 OR (channel = $3 AND address = $4))
             AND asked_at > clock_timestamp() - interval '1 day'""",
        *(school, guardian, channel.value, address),
    )
    assert asked is not None
    if asked["here"] >= PER_ADDRESS or asked["theirs"] >= PER_GUARDIAN:
        raise Wrong("address", mark("Кодов отправлено уже много. Следующий можно запросить через час."))
    await connection.execute(
        """UPDATE dispatch.contact_code SET expires_at = clock_timestamp()
           WHERE school = $1 AND guardian = $2 AND channel = $3 AND address = $4
             AND used_at IS NULL AND expires_at > clock_timestamp()""",
        *(school, guardian, channel.value, address),
    )
    digits = f"{secrets.randbelow(1_000_000):06}"
    made: UUID = await connection.fetchval(
        """INSERT INTO dispatch.contact_code
               (school, guardian, channel, address, code_hash, asked_by, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp() + $7::interval) RETURNING id""",
        *(school, guardian, channel.value, address, _hash(key, address, digits)),
        *(who if isinstance(who, str) else who.key, LIVES),
    )
    await written(connection, Tie(school, "", guardian), who, "contact.code_asked", channel=channel.value)
    return Code(made, school, guardian, channel, address, digits)


async def answer_code(
    connection: AnyConnection,
    school: str,
    guardian: str,
    channel: Channel,
    address: str,
    digits: str,
    *,
    key: bytes,
    who: Staff | str,
) -> Answer:
    """What somebody typed. Every try counts, also beside another one at the same moment. Inside a
    transaction that the caller commits whatever the answer."""
    row = await connection.fetchrow(
        """UPDATE dispatch.contact_code SET tries = tries + 1
           WHERE id = (SELECT id FROM dispatch.contact_code
                       WHERE school = $1 AND guardian = $2 AND channel = $3 AND address = $4
                       ORDER BY asked_at DESC LIMIT 1 FOR UPDATE)
             AND used_at IS NULL AND expires_at > clock_timestamp() AND tries < $5
           RETURNING id, code_hash""",
        *(school, guardian, channel.value, address, TRIES),
    )
    if row is None:
        return Answer.OVER
    if not hmac.compare_digest(row["code_hash"], _hash(key, address, digits.strip())):
        return Answer.WRONG
    await connection.execute(
        "UPDATE dispatch.contact_code SET used_at = clock_timestamp() WHERE id = $1", row["id"]
    )
    await _confirm(connection, school, guardian, channel, address, how="code")
    facts = {"channel": channel.value, "how": "code"}
    await written(connection, Tie(school, "", guardian), who, "contact.confirmed", **facts)
    return Answer.CONFIRMED


async def withdraw_code(connection: AnyConnection, code: UUID, why: str) -> None:
    """The code did not leave, or perhaps not (`unknown`): who typed nothing wrong may ask again soon."""
    await connection.execute(
        """UPDATE dispatch.contact_code SET failed_because = $2,
               expires_at = CASE WHEN $2 = 'unknown' THEN expires_at ELSE clock_timestamp() END
           WHERE id = $1""",
        *(code, why),
    )


async def code_left(connection: AnyConnection, code: UUID) -> None:
    await connection.execute(
        "UPDATE dispatch.contact_code SET sent_at = clock_timestamp() WHERE id = $1", code
    )


async def put_away(
    connection: AnyConnection,
    school: str,
    guardian: str,
    channel: Channel,
    address: str,
    *,
    who: Staff | str,
) -> bool:
    """The family wants nothing there any more, or it was a slip of the pen: an address that was never
    confirmed is forgotten, another one stops and is kept for the record. Inside the caller's
    transaction; False when it was stopped or gone before."""
    key = (school, guardian, channel.value, address)
    forgotten = await connection.fetchval(
        """DELETE FROM consent.contact WHERE school = $1 AND guardian = $2 AND channel = $3 AND address = $4
               AND confirmed_at IS NULL AND stopped_at IS NULL RETURNING true""",
        *key,
    )
    stopped = forgotten or await connection.fetchval(
        """UPDATE consent.contact SET stopped_at = now(), stopped_because = 'desk'
           WHERE school = $1 AND guardian = $2 AND channel = $3 AND address = $4 AND stopped_at IS NULL
           RETURNING true""",
        *key,
    )
    if not stopped:
        return False
    action = "contact.forgotten" if forgotten else "contact.stopped"
    await written(connection, Tie(school, "", guardian), who, action, channel=channel.value)
    return True


async def dispute(connection: AnyConnection, school: str, guardian: str, address: str) -> bool:
    """Whoever reads there says that it is not their child: the address stops at once, everything else of
    the family goes on. Inside the caller's transaction; False when it was stopped before."""
    stopped = await connection.fetchval(
        """UPDATE consent.contact
           SET stopped_at = coalesce(stopped_at, now()), stopped_because = 'not_my_child', disputed_at = now()
           WHERE school = $1 AND guardian = $2 AND address = $3 AND disputed_at IS NULL RETURNING true""",
        *(school, guardian, address),
    )
    if stopped:
        await written(connection, Tie(school, "", guardian), "family", "contact.disputed")
    return bool(stopped)


async def _confirm(
    connection: AnyConnection, school: str, guardian: str, channel: Channel, address: str, *, how: str
) -> None:
    """A confirmation also takes back an earlier stop: the family asks for this address anew."""
    confirmed = await connection.fetchval(
        """UPDATE consent.contact SET confirmed_at = now(), confirmed_how = $5,
               stopped_at = NULL, stopped_because = NULL, disputed_at = NULL
           WHERE school = $1 AND guardian = $2 AND channel = $3 AND address = $4 RETURNING true""",
        *(school, guardian, channel.value, address, how),
    )
    if not confirmed:
        raise Wrong("address", mark("Этого адреса нет среди контактов семьи: сначала запишите его."))


def _hash(key: bytes, address: str, digits: str) -> bytes:
    return hmac.new(key, f"contact code\0{address}\0{digits}".encode(), hashlib.sha256).digest()
