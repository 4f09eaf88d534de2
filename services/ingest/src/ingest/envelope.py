"""Is this JSON a CloudEvent, and can its content be kept at all (CloudEvents 1.0; DESIGN §3).

Without a usable id, source or type there is nothing to answer or to keep a refusal by: the
whole request is then no CloudEvents. Everything else is refused event by event.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson

LONGEST_ID = 255
_DEEPEST = 64
_LARGEST = 2**63


class NotCloudEventsError(Exception):
    """The request cannot be read as CloudEvents (400); the text says why and where."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A CloudEvent in structured form with its idempotency key and the hash of its content.

    `damage` says why it cannot be stored as sent; `event` then has the offending parts replaced.
    """

    id: str
    source: str
    type: str
    event: dict[str, Any]
    hash: bytes
    damage: str | None = None


def open_envelope(event: object, index: int | None = None) -> Envelope:
    """Raises NotCloudEventsError for what lacks a required attribute; `index` names the event in it."""
    where = "" if index is None else f"событие {index}: "
    if not isinstance(event, dict):
        raise NotCloudEventsError(f"{where}это не объект JSON, а событие CloudEvents — объект")
    for name in ("specversion", "id", "source", "type"):
        value = event.get(name)
        if not isinstance(value, str) or not value:
            raise NotCloudEventsError(f"{where}нет атрибута {name} (непустая строка)")
        if has_control(value):
            raise NotCloudEventsError(f"{where}в атрибуте {name} есть недопустимый знак")
    if event["specversion"] != "1.0":
        raise NotCloudEventsError(f"{where}specversion должен быть «1.0»")
    kept, damage = event, None
    try:
        content = orjson.dumps(event, option=orjson.OPT_SORT_KEYS)
        sound = b"\\u0000" not in content
    except TypeError:  # lone surrogates, too deep, integers beyond 64 bits
        sound = False
    if not sound:
        mended = _Mended()
        kept = mended.copy(event, ())
        content, damage = orjson.dumps(kept, option=orjson.OPT_SORT_KEYS), mended.damage
    return Envelope(
        event["id"], event["source"], event["type"], kept, hashlib.sha256(content).digest(), damage
    )


def has_control(text: str) -> bool:
    """Whether a name or id holds what CloudEvents forbids in strings: control characters, surrogates."""
    return not text.isprintable() and any(
        code < 0x20 or 0x7F <= code <= 0x9F or 0xD800 <= code <= 0xDFFF for code in map(ord, text)
    )


class _Mended:
    """Copies JSON so that it can be stored, remembering the first thing it had to replace."""

    def __init__(self) -> None:
        self.damage: str | None = None

    def copy(self, value: Any, path: tuple[str, ...]) -> Any:
        match value:
            case str():
                return self._text(value, path)
            case dict() | list() if len(path) >= _DEEPEST:
                return self._replaced(path[:3], "вложено слишком глубоко", None)
            case dict():
                return {
                    self._text(key, path): self.copy(one, (*path, self._safe(key)))
                    for key, one in value.items()
                }
            case list():
                return [self.copy(one, (*path, str(at))) for at, one in enumerate(value)]
            case int() if not -_LARGEST <= value < 2 * _LARGEST:
                return self._replaced(path, "число слишком велико", None)
            case _:
                return value

    def _text(self, value: str, path: tuple[str, ...]) -> str:
        safe = self._safe(value)
        return safe if safe == value else self._replaced(path, "есть знак, который нельзя сохранить", safe)

    @staticmethod
    def _safe(value: str) -> str:
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode() if value else value

    def _replaced(self, path: tuple[str, ...], why: str, instead: Any) -> Any:
        self.damage = self.damage or f"в поле {'.'.join(path) or 'события'} {why}"
        return instead
