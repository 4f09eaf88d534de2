"""Which SMS may leave now: one number is not flooded, one school's month is not overspent. Pure; the
caller holds the locks that make the counts true for all replicas."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

HOUR = timedelta(hours=1)
SAME_AN_HOUR = 20
ANY_AN_HOUR = 100
"""The most SMS one number gets within any hour of real time: with one text, and in all. What may have
been accepted counts (R-C7: news, not noise)."""
BUDGET_AGAIN = timedelta(seconds=2)
"""A message that does not fit beside what is in flight is looked at again soon; if the month is spent
by then, another channel takes it."""
LONGEST_SMS = 2
"""Segments; a month with fewer left is spent."""


@dataclass(frozen=True, slots=True)
class Planned:
    """An SMS that is about to be tried."""

    message: UUID
    school: str
    number: str
    text: str
    text_hash: bytes
    segments: int


@dataclass(frozen=True, slots=True)
class Earlier:
    """An attempt of the last hour that was not refused; `age` since it began."""

    number: str
    text_hash: bytes
    age: timedelta


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now: why, and when to look again."""

    reason: str
    again_in: timedelta


def admit(
    planned: Sequence[Planned], earlier: Sequence[Earlier], left: Mapping[str, int]
) -> tuple[list[Planned], dict[UUID, Wait]]:
    """Those that may go, in order, and the others. `left`: segments of each school's month."""
    ages: dict[tuple[str, bytes | None], list[timedelta]] = defaultdict(list)
    for one in earlier:
        ages[one.number, None].append(one.age)
        ages[one.number, one.text_hash].append(one.age)
    left, going, waits = dict(left), [], {}
    for sms in planned:
        same, every = ages[sms.number, sms.text_hash], ages[sms.number, None]
        wait = max(_over(same, SAME_AN_HOUR), _over(every, ANY_AN_HOUR))
        if wait:
            waits[sms.message] = Wait("number_limit", wait)
        elif left[sms.school] < min(sms.segments, LONGEST_SMS):
            waits[sms.message] = Wait("budget_in_flight", BUDGET_AGAIN)
        else:
            left[sms.school] -= sms.segments
            same.append(timedelta())
            every.append(timedelta())
            going.append(sms)
    return going, waits


def _over(ages: Sequence[timedelta], limit: int) -> timedelta:
    """How long until one more fits; 0 when it does now."""
    if len(ages) < limit:
        return timedelta()
    return max(timedelta(), HOUR - sorted(ages)[limit - 1])
