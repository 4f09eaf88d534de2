"""What a push service's answer means, and what the answers of several devices mean together."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

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

LONGEST_WAIT = timedelta(hours=12)

# RFC 8030 §8, RFC 8292 §4. A bad key is our fault: the subscription stays.
STATUSES: Mapping[int, Callable[[str], Outcome]] = {
    400: MessageFailed,
    401: Misconfigured,
    403: Misconfigured,
    404: AddressFailed,
    405: Misconfigured,
    408: Retry,
    410: AddressFailed,
    413: MessageFailed,
    429: Retry,
}


def judge(status: int, retry_after: str | None, *, now: datetime) -> Outcome:
    """The outcome of one device's answer. Total."""
    reason = f"push: http {status}"
    if status in {200, 201, 202}:
        return Accepted()
    verdict = STATUSES.get(status, Retry if status >= 500 else MessageFailed)
    if verdict is Retry:
        blame = Blame.PROVIDER if status >= 500 else Blame.PACE if status == 429 else Blame.MESSAGE
        return Retry(reason, wait(retry_after, now=now), blame=blame)
    return verdict(reason)


def wait(retry_after: str | None, *, now: datetime) -> timedelta | None:
    """Retry-After, in seconds or as an HTTP date; None when absent or unreadable."""
    if not retry_after:
        return None
    try:
        asked = timedelta(seconds=int(retry_after))
    except (ValueError, OverflowError):
        try:
            until = parsedate_to_datetime(retry_after)
        except ValueError:
            return None
        asked = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    return min(max(asked, timedelta()), LONGEST_WAIT)


def together(answers: Sequence[tuple[str, Outcome]]) -> Outcome:
    """The parcel's outcome from its devices' (DESIGN §7: accepted when any device accepts).

    Otherwise the most hopeful one wins: what may still come right, then our fault, then the message's,
    and only when every subscription is dead the address has failed.
    """
    dead = tuple(address for address, outcome in answers if isinstance(outcome, AddressFailed))
    for kind in (Accepted, Unknown, Retry, Misconfigured, MessageFailed):
        of_kind = [outcome for _, outcome in answers if isinstance(outcome, kind)]
        if not of_kind:
            continue
        match of_kind[0]:
            case Accepted():
                return Accepted(dead=dead)
            case Retry(reason):
                retries = [one for one in of_kind if isinstance(one, Retry)]
                waits = [one.after for one in retries if one.after is not None]
                blame = next((one.blame for one in retries if one.blame is Blame.PACE), retries[0].blame)
                return Retry(reason, min(waits, default=None), dead=dead, blame=blame)
            case other:
                return other
    reason = (
        answers[0][1].reason if answers and isinstance(answers[0][1], AddressFailed) else "push: no device"
    )
    return AddressFailed(reason, dead=dead)
