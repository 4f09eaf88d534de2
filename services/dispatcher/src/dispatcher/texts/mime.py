"""An e-mail as bytes, spliced from parts that are ready: EmailMessage costs more than sending.

Headers are ASCII (RFC 2047), folded, and cannot be broken out of; bodies are base64.
"""

import base64
import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache

from dispatcher.texts.clean import line

BOUNDARY = "=_vestnik_alternative"  # base64 has no underscore, so no body can hold it
_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_WORD_BYTES = 42  # 56 characters of base64 and 12 around them: within the 75 of RFC 2047
_UNFIT_IN_ADDRESS = re.compile(r"[\s<>(),;:\"\[\]\\]")


@dataclass(frozen=True, slots=True)
class Headers:
    """`sender` and `recipient` are ready mailboxes (see `mailbox`); the rest is plain text. `unsubscribe` is
    the one-click address (RFC 8058), `unsubscribe_mail` a mailto beside it (RFC 2369)."""

    sender: str
    recipient: str
    subject: str
    date: datetime
    message_id: str
    language: str
    unsubscribe: str
    unsubscribe_mail: str | None = None


def message(headers: Headers, *, text: str, html: str) -> bytes:
    """The whole RFC 5322 message with CRLF line ends."""
    by_mail = f",\r\n <{headers.unsubscribe_mail}>" if headers.unsubscribe_mail else ""
    head = (
        f"From: {headers.sender}\r\n"
        f"To: {headers.recipient}\r\n"
        f"Subject: {encoded(headers.subject)}\r\n"
        f"Date: {format_datetime(headers.date)}\r\n"
        f"Message-ID: {headers.message_id}\r\n"
        "Auto-Submitted: auto-generated\r\n"
        "X-Auto-Response-Suppress: All\r\n"
        f"Content-Language: {headers.language}\r\n"
        f"List-Unsubscribe: <{headers.unsubscribe}>{by_mail}\r\n"
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        "MIME-Version: 1.0\r\n"
        f'Content-Type: multipart/alternative; boundary="{BOUNDARY}"\r\n'
        "\r\n"
    )
    return b"".join((head.encode(), _PLAIN, _base64(text.replace("\n", "\r\n")), _HTML, _base64(html), _END))


def plain(
    *,
    sender: str,
    recipient: str,
    subject: str,
    date: datetime,
    message_id: str,
    text: str,
    language: str = "ru",
) -> bytes:
    """A message of text alone; `sender` and `recipient` are ready mailboxes."""
    head = (
        f"From: {sender}\r\n"
        f"To: {recipient}\r\n"
        f"Subject: {encoded(subject)}\r\n"
        f"Date: {format_datetime(date)}\r\n"
        f"Message-ID: {message_id}\r\n"
        "Auto-Submitted: auto-generated\r\n"
        "X-Auto-Response-Suppress: All\r\n"
        f"Content-Language: {language}\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        "\r\n"
    )
    return head.encode() + _base64(text.replace("\n", "\r\n")) + b"\r\n"


def _part(kind: str) -> bytes:
    return (
        f"--{BOUNDARY}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    ).encode()


_PLAIN = _part("text/plain")
_HTML = b"\r\n" + _part("text/html")
_END = f"\r\n--{BOUNDARY}--\r\n".encode()


def _base64(body: str) -> bytes:
    whole = base64.b64encode(body.encode())
    return b"\r\n".join([whole[start : start + 76] for start in range(0, len(whole), 76)])


@lru_cache(maxsize=4096)
def encoded(value: str) -> str:
    """Header text: as it is when it is plain ASCII and short, else encoded words, one a line."""
    value = line(value.replace("\u00a0", " "))
    if len(value) <= 60 and _ATOM.fullmatch(value) and "=?" not in value:
        return value
    words, start = [], 0
    raw = value.encode()
    while start < len(raw):
        end = min(start + _WORD_BYTES, len(raw))
        while end < len(raw) and raw[end] & 0xC0 == 0x80:  # never inside a letter
            end -= 1
        words.append(f"=?utf-8?b?{base64.b64encode(raw[start:end]).decode()}?=")
        start = end
    return "\r\n ".join(words)


def mailbox(name: str, address: str) -> str:
    """`name <address>`; the address is stripped of what could end it."""
    address = _UNFIT_IN_ADDRESS.sub("", line(address))
    name = encoded(name)
    if not name:
        return f"<{address}>"
    return f"{name}\r\n <{address}>" if name.startswith("=?") else f"{name} <{address}>"
