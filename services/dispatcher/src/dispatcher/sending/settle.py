"""What follows from a channel's answer: pure, one case an outcome (DESIGN §7)."""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from dispatcher.channels.base import (
    Accepted,
    AddressFailed,
    Blame,
    MessageFailed,
    Misconfigured,
    Outcome,
    Retry,
    Unknown,
)
from dispatcher.messages import Move, Status
from dispatcher.sending.claims import Claimed
from dispatcher.sending.retry import Backoff, retry_in
from shared.categories import Channel

UNKNOWN_AGAIN = timedelta(seconds=30)
"""E-mail and push whose outcome is unknown go out again after this (same Message-ID, same Topic)."""
SMS_ASKS = (timedelta(seconds=5), timedelta(seconds=20), timedelta(seconds=60))
"""After an SMS was sent with no answer, when to ask the gateway's list for it."""


class AttemptEnd(StrEnum):
    """How an SMS attempt ended, where the answer says it."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Settlement:
    """Moves in order, and what else is recorded with them. `suppress` are addresses never to be used
    again; `elsewhere`: this channel is not tried again for what the message carries, and the last move is
    made only where that leaves something to look for; `pause` stops the channel until an operator resumes
    it; `attempt` None leaves it open."""

    moves: tuple[Move, ...]
    suppress: tuple[str, ...] = ()
    elsewhere: bool = False
    pause: str | None = None
    attempt: AttemptEnd | None = None


def settle(
    claimed: Claimed,
    outcome: Outcome,
    *,
    addresses: tuple[str, ...],
    backoff: Backoff,
    left: timedelta,
    jitter: float,
) -> Settlement:
    """`addresses` of the parcel, best first; `left` is the time until the message loses its sense (real)."""

    def to(after: Status, reason: str | None = None, again_in: timedelta | None = None) -> Move:
        return Move(
            claimed.message,
            after,
            before=Status.SENDING,
            lease=claimed.lease,
            reason=reason,
            again_in=again_in,
        )

    next_channel = Move(claimed.message, Status.COMPOSED, before=Status.FAILED, reason="next_channel")
    match outcome:
        case Accepted(provider_id, cost, dead):
            accepted = Move(
                claimed.message,
                Status.ACCEPTED,
                before=Status.SENDING,
                lease=claimed.lease,
                provider_id=provider_id,
                cost=cost,
            )
            return Settlement((accepted,), suppress=dead, attempt=AttemptEnd.ACCEPTED)
        case Retry(reason, after, blame=Blame.GATE):
            # Nobody was called, so this was no attempt.
            back = replace(to(Status.COMPOSED, reason, again_in=after), attempted=False)
            return Settlement((back,), attempt=AttemptEnd.REFUSED)
        case Retry(reason, after, dead):
            wait = retry_in(backoff, attempts=claimed.attempts, asked=after, left=left, jitter=jitter)
            if wait is None:
                return Settlement(
                    (to(Status.FAILED, f"gave_up: {reason}"), next_channel),
                    suppress=dead,
                    elsewhere=True,
                    attempt=AttemptEnd.REFUSED,
                )
            again = to(Status.COMPOSED, reason, again_in=wait)
            return Settlement((again,), suppress=dead, attempt=AttemptEnd.REFUSED)
        case AddressFailed(reason, dead):
            # Taken up again at once: the check before sending finds the next address, channel or paper.
            anew = Move(claimed.message, Status.COMPOSED, before=Status.FAILED, reason="next_address")
            return Settlement(
                (to(Status.FAILED, reason), anew), suppress=dead or addresses[:1], attempt=AttemptEnd.REFUSED
            )
        case MessageFailed(reason):
            return Settlement(
                (to(Status.FAILED, reason), next_channel), elsewhere=True, attempt=AttemptEnd.REFUSED
            )
        case Misconfigured(reason):
            return Settlement((to(Status.COMPOSED, reason),), pause=reason, attempt=AttemptEnd.REFUSED)
        case Unknown(reason):
            first = SMS_ASKS[0] if claimed.channel is Channel.SMS else UNKNOWN_AGAIN
            return Settlement((to(Status.UNKNOWN, reason, again_in=first),))
