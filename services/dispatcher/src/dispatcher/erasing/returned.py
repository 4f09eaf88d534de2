"""Returned mail about a person: by the message it answers, else by what is written in it (R-B8)."""

import email
import email.policy
from collections.abc import Collection, Sequence
from email.message import EmailMessage
from uuid import UUID

from shared.db import AnyConnection
from shared.erasure import Counts, Order

_PART = 200
_LONGEST = 1_000_000


async def erase(
    connection: AnyConnection, order: Order, messages: Sequence[UUID], addresses: Collection[tuple[str, str]]
) -> Counts:
    """In the caller's transaction. Mail that was not understood is opened: it says whose it is."""
    known = await connection.execute(
        "DELETE FROM dispatch.returned_mail WHERE message = ANY($1::uuid[])", list(messages)
    )
    wanted = await names_of(connection, order) | {address.lower() for _, address in addresses}
    wanted |= {str(message) for message in messages} | {message.hex for message in messages}
    found = []
    after = UUID(int=0)
    while wanted:
        rows = await connection.fetch(
            """SELECT id, recipient, content FROM dispatch.returned_mail
               WHERE content IS NOT NULL AND id > $1 ORDER BY id LIMIT $2""",
            *(after, _PART),
        )
        if not rows:
            break
        after = rows[-1]["id"]
        found += [row["id"] for row in rows if mentions(row["content"], wanted, row["recipient"])]
    await connection.execute("DELETE FROM dispatch.returned_mail WHERE id = ANY($1::uuid[])", found)
    return {"dispatch.returned_mail": int(known.rpartition(" ")[2]) + len(found)}


async def names_of(connection: AnyConnection, order: Order) -> set[str]:
    """The erased people as others write them: «петрова анна» and «анна сергеевна петрова», in lower case."""
    rows = await connection.fetch(
        """SELECT family_name, given_name, patronymic FROM roster.pupil
           WHERE school = $1 AND pupil = ANY($2::text[])
           UNION SELECT family_name, given_name, patronymic FROM roster.guardian
           WHERE school = $1 AND guardian = ANY($3::text[])""",
        *(order.school, list(order.pupils), list(order.guardians)),
    )
    found = set()
    for family, given, patronymic in rows:
        if family and given:
            found |= {f"{family} {given}", f"{given} {family}", f"{given} {patronymic} {family}"}
    return {" ".join(name.lower().split()) for name in found}


def mentions(content: bytes, wanted: Collection[str], recipient: str = "") -> bool:
    """Whether a mail names any of these, in lower case, in a header or in any text part, however encoded."""
    said = " ".join([recipient, content[:_LONGEST].decode("latin-1"), *_texts(content)]).lower()
    words = " ".join(said.split())
    return any(one in words for one in wanted)


def _texts(content: bytes) -> list[str]:
    try:
        mail = email.message_from_bytes(content[:_LONGEST], policy=email.policy.default)
        texts = [str(value) for value in mail.values()]
        for part in mail.walk():
            texts += [str(value) for value in part.values()]
            if isinstance(part, EmailMessage) and not part.is_multipart():
                texts.append(_text(part))
    except (ValueError, LookupError, AttributeError, TypeError, IndexError):
        # A mail broken beyond reading says nothing more than its bytes.
        return []
    return texts


def _text(part: EmailMessage) -> str:
    body = part.get_payload(decode=True)
    if not isinstance(body, bytes):
        return ""
    return body.decode(part.get_content_charset() or "utf-8", "replace")
