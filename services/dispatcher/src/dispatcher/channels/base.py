"""The channel port: what a sender hands over and the few ways it can end (DESIGN §7).

Errors of libraries stop here: an adapter never raises for what a gateway did, it returns
one of the outcomes, and the sender decides what follows.
"""

import base64
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from shared.categories import Channel
from shared.registry import Epochs


@dataclass(frozen=True, slots=True)
class Accepted:
    """The gateway has taken it over; `provider_id` where it named one; `cost` in roubles.
    `dead`: addresses of the parcel that turned out to be gone for good all the same."""

    provider_id: str | None = None
    cost: float | None = None
    dead: tuple[str, ...] = ()


class Blame(StrEnum):
    """What stands in the way of a message that is to be tried again."""

    MESSAGE = "message"  # this address or text, for now: the others go on
    PROVIDER = "provider"  # the gateway cannot be reached or answers nonsense: the breaker counts it
    PACE = "pace"  # the gateway says we are too fast: everybody slows down
    GATE = "gate"  # our own gate was shut; the gateway was not asked


@dataclass(frozen=True, slots=True)
class Retry:
    """Not now. `after`: how long the gateway asked to wait; `dead` as in `Accepted`."""

    reason: str
    after: timedelta | None = None
    dead: tuple[str, ...] = ()
    blame: Blame = Blame.MESSAGE


@dataclass(frozen=True, slots=True)
class AddressFailed:
    """Never to this address: it goes to the suppression list, the next channel follows.
    `dead` names the addresses it concerns where the parcel had several; empty: the first."""

    reason: str
    dead: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MessageFailed:
    """Never this message; the address is good."""

    reason: str


@dataclass(frozen=True, slots=True)
class Misconfigured:
    """Our side is wrong (login, key, sender): the channel pauses, nobody is suppressed."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request was out and no answer came: it may or may not have been accepted."""

    reason: str


Outcome = Accepted | Retry | AddressFailed | MessageFailed | Misconfigured | Unknown


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message ready to go. `content` is what the channel's renderer made of it:
    the whole RFC 5322 message for e-mail, UTF-8 text for SMS, the JSON payload for push.
    `urgent`: worth waking a sleeping phone for (push). `papers`: the registry's epochs it was checked
    against; None: nothing of the registry is in it."""

    message: UUID
    school: str
    addresses: tuple[str, ...]
    content: bytes
    urgent: bool = False
    papers: Epochs | None = None


def topic(message: UUID) -> str:
    """The message's name among push services and on the device: 22 letters of base64url, so that a
    second delivery replaces the first one (RFC 8030 §5.4)."""
    return base64.urlsafe_b64encode(message.bytes).rstrip(b"=").decode()


class Port(Protocol):
    """A way out. Used by many tasks of one loop at once."""

    channel: Channel

    async def start(self) -> None: ...

    async def send(self, parcel: Parcel) -> Outcome:
        """Hand one parcel over. `addresses` are the guardian's usable ones, best first; e-mail and
        SMS use the first, push all (accepted when any device accepts)."""

    async def close(self) -> None: ...
