"""CloudEvents from an HTTP request in its three modes (CloudEvents HTTP binding 1.0.2; DESIGN §3).

The `cloudevents` SDK is not used: it reads one event or a whole batch or fails, while we must name
the index of what is wrong, refuse single events, and decode header values as strictly as the binding says.
"""

import json
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson
from starlette.requests import ClientDisconnect, Request

from ingest.envelope import Envelope, NotCloudEventsError, open_envelope
from ingest.problems import ProblemError

LARGEST_BODY = 5 * 1024 * 1024

_BATCH = "application/cloudevents-batch+json"
_STRUCTURED = "application/cloudevents+json"
_JSON = re.compile(r"application/([\w.-]+\+)?json")
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([\w-]+)", re.IGNORECASE)


async def read_body(request: Request) -> bytes:
    """The body, never more of it than is allowed. Raises ProblemError 413, also when chunked."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > LARGEST_BODY:
        raise _too_large()
    body = bytearray()
    async for part in _parts(request):
        body += part
        if len(body) > LARGEST_BODY:
            raise _too_large()
    return bytes(body)


async def _parts(request: Request) -> AsyncIterator[bytes]:
    try:
        async for part in request.stream():
            yield part
    except ClientDisconnect as gone:
        raise ProblemError(400, "Соединение закрыто раньше, чем запрос пришёл целиком.") from gone


def _too_large() -> ProblemError:
    return ProblemError(
        413,
        "Запрос больше 5 МиБ. Ничего не принято: разделите пачку и пришлите по частям.",
        # What is still on its way is not read, so the connection cannot be used again.
        headers={"Connection": "close"},
    )


def mode_of(content_type: str | None, encoding: str | None = None) -> str:
    """`batched`, `structured` or `binary`. Raises ProblemError 415 for what cannot be JSON in UTF-8."""
    media = (content_type or "").partition(";")[0].strip().lower()
    charset = _CHARSET.search(content_type or "")
    plain = encoding in {None, "", "identity"}
    if plain and (charset is None or charset[1].lower() in {"utf-8", "utf8"}):
        if media == _BATCH:
            return "batched"
        if media == _STRUCTURED:
            return "structured"
        if _JSON.fullmatch(media) and not media.startswith("application/cloudevents"):
            return "binary"
    raise ProblemError(
        415,
        f"Нужен Content-Type {_BATCH} (пачка), {_STRUCTURED} (одно событие) или application/json "
        "с заголовками ce-*, в UTF-8 и без сжатия.",
    )


def read_events(mode: str, headers: list[tuple[bytes, bytes]], body: bytes) -> list[Envelope]:
    """The events of a request in order. Raises NotCloudEventsError."""
    if mode == "binary":
        attributes = _attributes(headers)
        data = {"data": _json(body)} if body.strip() else {}
        return [open_envelope({**attributes, **data})]
    value = _json(body)
    if mode == "structured":
        return [open_envelope(value)]
    if not isinstance(value, list):
        raise NotCloudEventsError("пачка событий должна быть массивом JSON")
    return [open_envelope(event, index) for index, event in enumerate(value)]


def _attributes(headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in headers:
        attribute = name.decode("latin-1").lower().removeprefix("ce-")
        if not name.lower().startswith(b"ce-") or attribute == "datacontenttype":
            continue
        if attribute in found:
            raise NotCloudEventsError(f"заголовок ce-{attribute} дан дважды")
        if attribute == "data":
            raise NotCloudEventsError("заголовка ce-data не бывает: данные — это тело запроса")
        found[attribute] = _header_value(attribute, value)
    return found


def _header_value(attribute: str, value: bytes) -> str:
    """Quoted strings unescaped (RFC 9110, 5.6.4), then percent-decoded exactly once, as UTF-8."""
    text = value.strip()
    if len(text) > 1 and text[:1] == text[-1:] == b'"':
        text = re.sub(rb"\\(.)", rb"\1", text[1:-1])
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError as wrong:
        raise NotCloudEventsError(f"заголовок ce-{attribute} записан не в UTF-8 с процентами") from wrong


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    # A text cut in the middle of a symbol, or nested absurdly deep, must cost its own event and not
    # the whole batch: read what the strict reader will not, so that the event can be refused.
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_no_constant, parse_int=_integer)
    except (ValueError, RecursionError) as wrong:
        raise NotCloudEventsError("тело запроса не читается как JSON в UTF-8") from wrong


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _integer(digits: str) -> int | float:
    """Beyond 64 bits as the strict reader does: a number of less precision."""
    return int(digits) if len(digits) < 19 else float(digits)
