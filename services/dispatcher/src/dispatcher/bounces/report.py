"""What a mail that came back says: pure, over RFC 3464 reports, RFC 5965 complaints and the many shapes
of bounces without a report, which `flufl.bounce` knows.

Nothing of it is believed here; whose it is and whether we made its address is `bounces.intake`.
"""

import logging
import re
from dataclasses import dataclass
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from enum import StrEnum

from flufl.bounce import all_failures

for _logger in ("flufl.bounce", "flufl.bounce._scan"):
    logging.getLogger(_logger).setLevel(logging.CRITICAL + 1)  # its tracebacks may quote a mail


class Says(StrEnum):
    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    COMPLAINT = "complaint"
    AUTOMATIC = "automatic"
    """A vacation notice and the like."""
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Report:
    """`code` (three digits), `enhanced` (RFC 3463; empty if unknown) and `text` of the answer that a failure
    rests on. The text may quote an address: it is judged, never kept."""

    says: Says
    code: int = 0
    enhanced: str = ""
    text: str = ""


_ANSWER = re.compile(r"(?<![\d.])([45]\d\d)(?:[ -]+#?(?:([245]\.\d{1,3}\.\d{1,3})\b)?|$)")
_STATUS = re.compile(r"([245]\.\d{1,3}\.\d{1,3})")
_ABUSE = {"abuse", "fraud", "opt-out", "opt-out-list", "miscategorized", "other", "virus"}
_OF_MACHINES = re.compile(r"mailer-daemon|postmaster|mail delivery", re.IGNORECASE)
_UNSUBSCRIBE = re.compile(r"unsubscribe[ :]+([A-Za-z0-9_-]{20,})", re.IGNORECASE)
_READ = 16_384


def parsed(content: bytes) -> Message:
    """Never raises: the parser takes anything."""
    return message_from_bytes(content)


def read(mail: Message) -> Report:
    """What it says. Total: any mail."""
    try:
        return _complaint(mail) or _by_report(mail) or _automatic(mail) or _by_shape(mail)
    except Exception:  # noqa: BLE001 - parsers of what anybody may send; the mail is kept
        return Report(Says.UNREADABLE)


def unsubscribe_token(mail: Message) -> str | None:
    """The token of a mail that the List-Unsubscribe of ours asked for (RFC 2369)."""
    try:
        subject = str(make_header(decode_header(str(mail.get("Subject", "")))))
    except (ValueError, LookupError):
        return None
    match = _UNSUBSCRIBE.search(" ".join(subject.split()))
    return match[1] if match else None


def _complaint(mail: Message) -> Report | None:
    for part in mail.walk():
        if part.get_content_type() == "message/feedback-report":
            kind = re.search(r"^feedback-type:\s*([\w-]+)", _inside(part), re.IGNORECASE | re.MULTILINE)
            spam = kind is not None and kind[1].lower() in _ABUSE
            return Report(Says.COMPLAINT if spam else Says.AUTOMATIC)
    return None


def _by_report(mail: Message) -> Report | None:
    """The worst of what a report says of its recipients: there is one, but forwarding may make more."""
    found: list[Report] = []
    for part in mail.walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        blocks = part.get_payload()
        found += [
            _of_recipient(block)
            for block in (blocks if isinstance(blocks, list) else [])
            if isinstance(block, Message) and "Action" in block
        ]
    order = (Says.FAILED, Says.DELAYED, Says.DELIVERED, Says.UNREADABLE)
    return min(found, key=lambda one: order.index(one.says), default=None)


def _of_recipient(block: Message) -> Report:
    action = str(block["Action"]).strip().lower().split()[0]
    if action == "delayed":
        return Report(Says.DELAYED)
    if action in {"delivered", "relayed", "expanded"}:
        return Report(Says.DELIVERED)
    if action not in {"failed", "error"}:
        return Report(Says.UNREADABLE)
    text = " ".join(str(block.get("Diagnostic-Code", "")).partition(";")[2].split())
    status = _STATUS.search(str(block.get("Status", "")))
    answer = _ANSWER.search(text)
    enhanced = status[1] if status else ""
    if answer and answer[2] and (not enhanced or enhanced.endswith(".0.0")):
        enhanced = answer[2]
    return _failed(int(answer[1]) if answer else 0, enhanced, text)


def _automatic(mail: Message) -> Report | None:
    """Who answers by itself without being a mail server. Exim's bounces without a report name the failed
    recipient in a header of their own."""
    if mail.get_content_type() == "multipart/report" or "X-Failed-Recipients" in mail:
        return None
    submitted = str(mail.get("Auto-Submitted", "no")).strip().lower()
    busy = any(name in mail for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Response-From"))
    replied = str(mail.get("Precedence", "")).strip().lower() in {"auto_reply", "bulk", "junk", "list"}
    if _OF_MACHINES.search(str(mail.get("From", ""))):
        return None
    return Report(Says.AUTOMATIC) if submitted != "no" or busy or replied else None


def _by_shape(mail: Message) -> Report:
    temporary, permanent = all_failures(mail)
    if permanent:
        text = _first_text(mail)
        answers = list(_ANSWER.finditer(text))
        best = next((one for one in answers if one[2]), answers[0] if answers else None)
        if best is None:
            return _failed(0, "", text)
        line = text[best.start() : best.start() + 300]
        return _failed(int(best[1]), best[2] or "", line)
    return Report(Says.DELAYED if temporary else Says.UNREADABLE)


def _failed(code: int, enhanced: str, text: str) -> Report:
    """The enhanced code decides the class where the two differ: «failed» after days of 4.4.1."""
    if enhanced.startswith("2."):
        enhanced = ""
    if enhanced and code // 100 != int(enhanced[0]):
        code = int(enhanced[0]) * 100 + 50
    if enhanced.endswith(".0.0"):
        enhanced = ""
    return Report(Says.FAILED, code or 550, enhanced, text)


def _first_text(mail: Message) -> str:
    for part in mail.walk():
        if part.get_content_type() == "text/plain":
            return _inside(part)[:_READ]
    return ""


def _inside(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if isinstance(payload, bytes):
        return payload[:_READ].decode("utf-8", "replace")
    blocks = part.get_payload()
    return (
        "\n".join(str(block) for block in blocks)[:_READ] if isinstance(blocks, list) else str(blocks)[:_READ]
    )
