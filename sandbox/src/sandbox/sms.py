"""An SMS as the gateway sees it, and the shelf it keeps them on."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from ipaddress import ip_address
from typing import Any, Self
from urllib.parse import urlsplit

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENDED = frozenset("^{}\\[~]|€\f")
TEXT_MIN, TEXT_MAX = 2, 640


class SmsStatus(IntEnum):
    """SMS Aero's own numbers."""

    QUEUE = 0
    DELIVERED = 1
    UNDELIVERED = 2
    SENT = 3
    WAIT = 4
    REJECTED = 6
    MODERATION = 8

    @property
    def word(self) -> str:
        return _WORDS[self]


_WORDS = {
    SmsStatus.QUEUE: "queue",
    SmsStatus.DELIVERED: "delivery",
    SmsStatus.UNDELIVERED: "undelivered",
    SmsStatus.SENT: "smsc submit",
    SmsStatus.WAIT: "wait status expected",
    SmsStatus.REJECTED: "reject",
    SmsStatus.MODERATION: "moderation",
}
FINAL = frozenset({SmsStatus.DELIVERED, SmsStatus.UNDELIVERED, SmsStatus.REJECTED})
NEXT = {
    SmsStatus.MODERATION: SmsStatus.QUEUE,
    SmsStatus.QUEUE: SmsStatus.SENT,
    SmsStatus.SENT: SmsStatus.DELIVERED,
    SmsStatus.WAIT: SmsStatus.DELIVERED,
}


def segments(text: str) -> int:
    """How many parts are billed: GSM 03.38 160/153 septets, else UCS-2 70/67 UTF-16 units."""
    if all(char in GSM_BASIC or char in GSM_EXTENDED for char in text):
        length, single, part = sum(2 if char in GSM_EXTENDED else 1 for char in text), 160, 153
    else:
        length, single, part = len(text.encode("utf-16-le")) // 2, 70, 67
    return 1 if length <= single else -(-length // part)


def normal_number(number: object) -> str | None:
    """Digits only, 7 to 15 of them; None if it is no number."""
    digits = str(number).removeprefix("+")
    return digits if re.fullmatch(r"\d{7,15}", digits) else None


def is_loopback(url: str) -> bool:
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return False
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def invalid_fields(asked: Mapping[str, Any]) -> dict[str, list[str]]:
    """What the API answers in `data` to a send it does not take; empty when it does."""
    wrong: dict[str, list[str]] = {}
    numbers = asked.get("numbers")
    if isinstance(numbers, list):
        if not numbers or any(normal_number(number) is None for number in numbers):
            wrong["numbers"] = ["incorrect"]
    elif not asked.get("number"):
        wrong["number"] = ["required"]
    elif normal_number(asked["number"]) is None:
        wrong["number"] = ["incorrect"]
    text = asked.get("text")
    if not isinstance(text, str) or not text:
        wrong["text"] = ["required"]
    elif not TEXT_MIN <= len(text) <= TEXT_MAX:
        wrong["text"] = ["incorrect"]
    if not asked.get("sign"):
        wrong["sign"] = ["required"]
    return wrong


@dataclass(slots=True)
class Sms:
    """`listed_at` is a monotonic instant; the rest of the times are Unix seconds."""

    id: int
    number: str
    text: str
    sign: str
    cost: float
    segments: int
    created_at: float
    listed_at: float
    status: SmsStatus = SmsStatus.QUEUE
    answered_at: float | None = None
    callback_url: str | None = None
    callback_format: str = ""

    @property
    def final(self) -> bool:
        return self.status in FINAL

    @property
    def file_name(self) -> str:
        return f"{self.id}-{self.number}.txt"

    @property
    def file_text(self) -> str:
        return f"Кому: +{self.number}\nОт: {self.sign}\nЧастей: {self.segments}\n\n{self.text}\n"

    def snapshot(self) -> Self:
        """As it is now, for a callback that leaves later."""
        return replace(self)

    def as_json(self) -> dict[str, Any]:
        said: dict[str, Any] = {
            "id": self.id,
            "from": self.sign,
            "number": self.number,
            "text": self.text,
            "status": int(self.status),
            "extendStatus": self.status.word,
            "channel": "FREE SIGN",
            "cost": f"{self.cost:.2f}",
            "dateCreate": int(self.created_at),
            "dateSend": int(self.created_at),
        }
        if self.answered_at is not None:
            said["dateAnswer"] = int(self.answered_at)
        return said


@dataclass(slots=True)
class Shelf:
    """Messages in order of acceptance, found by id and number; pages newest first."""

    first_id: int = 100_001
    messages: list[Sms] = field(default_factory=list)
    by_id: dict[int, Sms] = field(default_factory=dict)
    by_number: dict[str, list[Sms]] = field(default_factory=dict)

    def make(self, number: object, asked: Mapping[str, Any], *, price: float, listed_at: float) -> Sms:
        """A message with the next id, not kept yet."""
        text = str(asked["text"])
        parts = segments(text)
        self.first_id += 1
        return Sms(
            id=self.first_id - 1,
            number=normal_number(number) or "",
            text=text,
            sign=str(asked["sign"]),
            cost=round(parts * price, 2),
            segments=parts,
            created_at=time.time(),
            listed_at=listed_at,
            callback_url=asked.get("callbackUrl") or None,
            callback_format=str(asked.get("callbackFormat") or ""),
        )

    def keep(self, sms: Sms) -> None:
        self.messages.append(sms)
        self.by_id[sms.id] = sms
        self.by_number.setdefault(sms.number, []).append(sms)

    def page(self, numbers: list[Any], text: Any, *, page: int, size: int) -> dict[str, Any]:
        """The API's odd list: rows keyed "0", "1", …, then "links" and "totalCount"."""
        now = time.monotonic()
        source = self.messages
        if numbers:
            source = [
                sms for number in numbers for sms in self.by_number.get(normal_number(number) or "", [])
            ]
        found = [sms for sms in source if sms.listed_at <= now and (not text or str(text) in sms.text)]
        found.sort(key=lambda sms: -sms.id)
        pages = max(1, -(-len(found) // size))
        rows = found[(page - 1) * size : page * size]
        links = {"self": page, "first": 1, "last": pages}
        if page < pages:
            links["next"] = page + 1
        if page > 1:
            links["prev"] = page - 1
        listed: dict[str, Any] = {str(index): sms.as_json() for index, sms in enumerate(rows)}
        listed["links"] = {name: f"/v2/sms/list?page={number}" for name, number in links.items()}
        listed["totalCount"] = str(len(found))
        return listed
