"""What a mail server's refusal means for us: a table of enhanced codes (RFC 3463), one of words for where
the code says little, and a few plain codes.

Reasons carry codes only: a server's text repeats the address.
"""

import re
from collections.abc import Callable
from enum import StrEnum

from dispatcher.channels.base import (
    AddressFailed,
    Blame,
    MessageFailed,
    Misconfigured,
    Outcome,
    Retry,
    Unknown,
)


class Stage(StrEnum):
    """How far the conversation had come. After `DOT` the message may have been taken."""

    CONNECT = "connect"
    LOGIN = "login"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    DOT = "dot"


Verdict = Callable[[str], Outcome]

# The first row that fits wins. 5.7 speaks of us or of the text, not of the family, whatever `SAYS` finds no
# words for.
ENHANCED: tuple[tuple[str, Verdict], ...] = (
    (r"4\.\d+\.\d+", Retry),
    (r"5\.1\.[78]", Misconfigured),  # it is our own address that is wrong
    (r"5\.1\.\d+", AddressFailed),  # no such mailbox, domain, or form of address
    (r"5\.2\.1", AddressFailed),  # disabled
    (r"5\.2\.2", Retry),  # full: people tidy up
    (r"5\.4\.(1|4|310)", AddressFailed),  # Exchange: no such recipient; no such domain
    (r"5\.7\.(8|9|11|13|14)", Misconfigured),  # our login
    (r"5\.7\.(2\d|60)", Misconfigured),  # SPF, DKIM, DMARC, the right to send as
    (r"5\.\d+\.\d+", MessageFailed),
)
# Where a code says little (none, 5.0.0, 5.7.1), the words decide; the first row that fits wins.
VAGUE = frozenset({"", "5.0.0", "5.7.0", "5.7.1"})
SAYS: tuple[tuple[str, Verdict], ...] = (
    # Postfix answers at RCPT for everything that it found wrong before.
    (r"sender address rejected|client host rejected|helo command rejected", Misconfigured),
    (r"relay(ing)? (access )?(is )?(denied|not permitted|prohibited)|unable to relay", Misconfigured),
    # Yandex says 5.7.1, mail.ru nothing, for a mailbox that does not exist.
    (r"no such (user|mailbox|recipient)|(unknown|invalid|inactive) (user|mailbox|recipient)", AddressFailed),
    (r"(user|mailbox|account|recipient) (is )?(unknown|not found|unavailable|disabled)", AddressFailed),
    (r"(user|mailbox|account|recipient) (does ?n.t|does not) exist", AddressFailed),
)
LOGIN_CODES = frozenset({530, 534, 535, 538})
SAYS_POLICY = re.compile(
    r"spam|polic|block|black|denied|denial|reject|relay|spf|dkim|dmarc|authent|reputation|content",
    re.IGNORECASE,
)
_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")


def judge(code: int, text: str, stage: Stage) -> Outcome:
    """The outcome of a reply that was not the hoped-for one. Total: any code, any text."""
    if not 400 <= code <= 599:
        reason = f"smtp: no SMTP reply at {stage}"
        return Unknown(reason) if stage is Stage.DOT else Retry(reason, blame=Blame.PROVIDER)
    enhanced = _ENHANCED.match(text)
    reason = f"smtp: {code}{' ' + enhanced[1] if enhanced else ''} at {stage}"
    if code < 500:
        return Retry(reason, blame=_blame(code, stage))
    if code == 552 and stage is Stage.MAIL:
        return MessageFailed(reason)  # larger than the server takes, said early (RFC 1870)
    if code in LOGIN_CODES or stage in {Stage.CONNECT, Stage.LOGIN, Stage.MAIL}:
        return Misconfigured(reason)
    if (enhanced[1] if enhanced else "") in VAGUE:
        for pattern, verdict in _SAYS:
            if pattern.search(text):
                return verdict(reason)
    if enhanced and enhanced[1] != "5.0.0":
        return next(verdict(reason) for pattern, verdict in _COMPILED if pattern.fullmatch(enhanced[1]))
    return _plain(code, text, stage)(reason)


_COMPILED = tuple((re.compile(pattern), verdict) for pattern, verdict in (*ENHANCED, (r".*", MessageFailed)))

_SAYS = tuple((re.compile(pattern, re.IGNORECASE), verdict) for pattern, verdict in SAYS)


def _blame(code: int, stage: Stage) -> Blame:
    """421 is said to us, whatever the recipient; before there is a recipient nothing else can be meant."""
    if code == 421:
        return Blame.PACE
    return Blame.PROVIDER if stage in {Stage.CONNECT, Stage.LOGIN, Stage.MAIL} else Blame.MESSAGE


def _plain(code: int, text: str, stage: Stage) -> Verdict:
    """Without an enhanced code only a refused recipient that nobody explains by policy is gone."""
    if stage is not Stage.RCPT:
        return MessageFailed
    if code == 552:
        return Retry  # RFC 821's «exceeded storage allocation»
    if code in {550, 551, 553} and not SAYS_POLICY.search(text):
        return AddressFailed
    return MessageFailed
