"""An address or a number that a guardian gives on their own page: noted, told a code, and used for nothing
else before the code comes back (R-C6). The rules of codes are the desk's."""

from dataclasses import dataclass
from datetime import datetime

from dispatcher.desk import contacts as desk
from dispatcher.desk.codes import Failure
from dispatcher.desk.contacts import TRIES, Answer, Code
from dispatcher.desk.entries import Wrong
from dispatcher.papers import address_of
from dispatcher.parent import choices
from dispatcher.parent.contacts import WHO, OwnContact, State, read_contacts
from dispatcher.parent.household import Household
from shared.categories import Channel
from shared.cells import Unfit
from shared.db import AnyConnection
from shared.parents import Parent
from shared.web.language import mark

BY_CODE = (Channel.EMAIL, Channel.SMS)
_NOT_AN_ADDRESS = mark("Проверьте, как написан адрес: нужен вид name@mail.ru.")
_NOT_A_NUMBER = mark(
    "На этот номер СМС не придёт. Напишите мобильный (вид: +7 900 123-45-67) или адрес почты."
)
_CLOSED = mark("Так сообщать вам сейчас нельзя: почему, сказано на странице нового адреса.")
_WORKS = mark("Этот адрес уже работает, подтверждать его не нужно.")
_STANDS = mark("Этот адрес нельзя включить здесь. Скажите секретарю школы: он проверит запись.")


@dataclass(frozen=True, slots=True)
class Waiting:
    """The newest code this guardian asked for. `left`: tries that remain; `alive`: it can be typed."""

    contact: OwnContact
    expires_at: datetime
    left: int
    alive: bool
    failure: Failure | None


async def give(
    connection: AnyConnection, household: Household, parent: Parent, typed: str, *, key: bytes
) -> Code:
    """Note an address and make its code, together or not at all. In the caller's transaction. Raises
    Wrong."""
    channel = Channel.EMAIL if "@" in typed else Channel.SMS
    try:
        address = address_of(channel, typed)
    except Unfit as wrong:
        raise Wrong("address", _NOT_AN_ADDRESS if channel is Channel.EMAIL else _NOT_A_NUMBER) from wrong
    await desk.add(connection, parent.school, parent.guardian, channel, address, who=WHO)
    mine = await read_contacts(connection, parent, now=household.now)
    contact = next(one for one in mine if (one.channel, one.address) == (channel, address))
    return await ask(connection, household, parent, contact, key=key)


async def ask(
    connection: AnyConnection, household: Household, parent: Parent, contact: OwnContact, *, key: bytes
) -> Code:
    """A fresh code for an address that waits for one and may be written to. In the caller's transaction.
    Raises Wrong."""
    if choices.closed_to_addresses(household, contact.channel) is not None:
        raise Wrong("address", _CLOSED)
    if contact.state is not State.UNCONFIRMED:
        raise Wrong("address", _WORKS if contact.usable else _STANDS)
    return await desk.ask_code(
        connection, parent.school, parent.guardian, contact.channel, contact.address, key=key, who=WHO
    )


async def answer(
    connection: AnyConnection, parent: Parent, contact: OwnContact, digits: str, *, key: bytes
) -> Answer:
    """As `desk.contacts.answer_code`: the caller commits whatever the answer."""
    return await desk.answer_code(
        connection, parent.school, parent.guardian, contact.channel, contact.address, digits, key=key, who=WHO
    )


async def forget(connection: AnyConnection, parent: Parent, contact: OwnContact) -> bool:
    """Takes back an address that was never confirmed; False when it no longer is one. In the caller's
    transaction."""
    return contact.state is State.UNCONFIRMED and await desk.put_away(
        connection, parent.school, parent.guardian, contact.channel, contact.address, who=WHO
    )


async def waiting(connection: AnyConnection, parent: Parent, *, now: datetime) -> Waiting | None:
    """What the page of the code is about; None when no code waits to be typed or sent again."""
    row = await connection.fetchrow(
        """SELECT *, used_at IS NULL AND expires_at > clock_timestamp() AND tries < $4 AS alive
           FROM dispatch.contact_code WHERE school = $1 AND guardian = $2 AND asked_by = $3
           ORDER BY asked_at DESC LIMIT 1""",
        *(parent.school, parent.guardian, WHO, TRIES),
    )
    if row is None:
        return None
    for contact in await read_contacts(connection, parent, now=now):
        known = (contact.channel, contact.address) == (row["channel"], row["address"])
        if known and contact.state is State.UNCONFIRMED:
            failure = Failure(row["failed_because"]) if row["failed_because"] else None
            return Waiting(contact, row["expires_at"], TRIES - row["tries"], row["alive"], failure)
    return None
