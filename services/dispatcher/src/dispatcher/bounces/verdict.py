"""What follows from a report: pure, by the same table that judges a server's own answers."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from dispatcher.bounces.report import Report, Says
from dispatcher.channels.base import AddressFailed, Retry
from dispatcher.channels.smtp_replies import Stage, judge

REST = timedelta(days=3)
"""How long a full mailbox, or one whose server did not answer for days, is left alone."""


class Verdict(StrEnum):
    GONE = "gone"
    """The address goes onto the list for good."""
    RESTS = "rests"
    """The address is left alone for `REST`; nobody knows that it is gone."""
    REFUSED = "refused"
    """The letter was not wanted, or we were not: nobody is suppressed, operators are told."""
    COMPLAINT = "complaint"
    """The family called it spam: no more mail to this address."""
    UNSUBSCRIBED = "unsubscribed"
    NOTHING = "nothing"
    """A delay, a success, a vacation notice."""
    DEAD = "dead"
    """Ours, and not understood: kept for a person to read."""


@dataclass(frozen=True, slots=True)
class Judged:
    """`reason` holds codes only."""

    verdict: Verdict
    reason: str


def verdict(report: Report) -> Judged:
    match report.says:
        case Says.COMPLAINT:
            return Judged(Verdict.COMPLAINT, "arf: complaint")
        case Says.UNREADABLE:
            return Judged(Verdict.DEAD, "not a report")
        case Says.FAILED:
            return _failed(report)
        case Says.DELAYED | Says.DELIVERED | Says.AUTOMATIC:
            return Judged(Verdict.NOTHING, report.says.value)


def _failed(report: Report) -> Judged:
    reason = f"dsn: {report.code}{' ' + report.enhanced if report.enhanced else ''}"
    if not report.enhanced and not report.text:
        return Judged(Verdict.RESTS, reason)  # it does not say why
    outcome = judge(report.code, f"{report.enhanced} {report.text}".strip(), Stage.RCPT)
    if isinstance(outcome, AddressFailed):
        return Judged(Verdict.GONE, reason)
    return Judged(Verdict.RESTS if isinstance(outcome, Retry) else Verdict.REFUSED, reason)
