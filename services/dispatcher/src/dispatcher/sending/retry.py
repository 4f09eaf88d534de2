"""When to try again: pure, `None` means stop (DESIGN §7).

Minutes and hours; what can be mended within seconds is tried inside one attempt by the channel.
Real time throughout.
"""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Backoff:
    """`first`, then twice as long each time, never longer than `longest`.

    `patience` is how long a message without an expiry is tried at least, also beyond its deadline:
    late is better than never.
    """

    first: timedelta = timedelta(seconds=20)
    longest: timedelta = timedelta(hours=1)
    patience: timedelta = timedelta(days=3)


def retry_in(
    backoff: Backoff,
    *,
    attempts: int,
    asked: timedelta | None,
    left: timedelta,
    jitter: float,
) -> timedelta | None:
    """How long to wait after attempt number `attempts` (from 1), or None: not worth another.

    `asked` is what the gateway asked to wait (Retry-After) and is never undercut; `left` is the
    time until the message loses its sense; `jitter` in [0, 1) spreads equal failures by a quarter.
    """
    doubled = backoff.first * 2 ** min(max(attempts, 1) - 1, 20)
    wait = min(doubled, backoff.longest) * (1 + jitter / 4)
    if asked is not None:
        wait = max(wait, asked)
    return wait if wait < left else None


def time_left(
    backoff: Backoff, *, until_expiry: timedelta | None, until_deadline: timedelta | None, waited: timedelta
) -> timedelta:
    """How long the message keeps its sense: to its expiry if it has one, else until patience is over,
    but never before its deadline. `waited`: since it was composed."""
    if until_expiry is not None:
        return until_expiry
    return max(backoff.patience - waited, until_deadline or timedelta(0))
