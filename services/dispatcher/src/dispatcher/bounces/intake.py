"""Taking in: whether a mail concerns us at all, and keeping it before anybody is told that we have it.

Only mail that carries an address or a token we signed is kept: nobody can silence a family by writing
to us, and what others write to the same mailbox is not ours to keep.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message
from hashlib import blake2b
from uuid import UUID

from dispatcher.bounces.report import Says, parsed, read, unsubscribe_token
from dispatcher.channels.verp import Returned, Verp
from dispatcher.sending.unsubscribe import read as read_link
from dispatcher.texts.links import Claim, Links, Purpose
from shared.db import AnyConnection

LARGEST = 1 << 20
"""Bytes of one mail; a bounce with the whole letter in it has a few tens of thousands."""
_DELIVERED_TO = ("Delivered-To", "X-Original-To", "Envelope-To", "To")


@dataclass(frozen=True, slots=True)
class Ours:
    """Whose mail it is: of a letter of ours, or of somebody who unsubscribes."""

    letter: Returned | None
    unsubscribes: Claim | None


class Intake:
    """Of one installation; the same for LMTP and for a mailbox."""

    def __init__(self, verp: Verp, links: Links) -> None:
        self.verp = verp
        self._links = links

    def takes(self, recipient: str) -> bool:
        """Whether mail for this envelope recipient is for us: the bounce address, bare or signed."""
        address = recipient.strip().strip("<>").lower()
        return address == self.verp.address or self.verp.find(address) is not None

    def whose(self, recipient: str, mail: Message, content: bytes) -> Ours | None:
        """None: it concerns us in no way. `recipient` is the envelope's, if known."""
        claim = None
        token = unsubscribe_token(mail)
        if token is not None:
            claim = read_link(self._links, token, Purpose.UNSUBSCRIBE)
        return_paths = [
            recipient,
            *(str(value) for name in _DELIVERED_TO for value in mail.get_all(name, [])),
        ]
        letter = self.verp.find("\n".join(return_paths))
        if letter is None and read(mail).says is Says.COMPLAINT:
            # Sent to whom the mailbox provider knows; our address is in the letter it complains of.
            letter = self.verp.find(content.decode("latin-1"))
        return Ours(letter, claim) if letter is not None or claim is not None else None

    async def keep(self, connection: AnyConnection, recipient: str, content: bytes) -> bool:
        """Keep it, once however often it comes; False when it is none of our business."""
        if self.whose(recipient, parsed(content), content) is None:
            return False
        await connection.execute(
            """INSERT INTO dispatch.returned_mail (id, recipient, content) VALUES ($1, $2, $3)
               ON CONFLICT DO NOTHING""",
            _name([recipient.encode(), content]),
            recipient,
            content,
        )
        return True


def _name(parts: Iterable[bytes]) -> UUID:
    return UUID(bytes=blake2b(b"\0".join(parts), digest_size=16, person=b"vestnik bounces").digest())
