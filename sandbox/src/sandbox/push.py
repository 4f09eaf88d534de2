"""A Web Push service and the devices behind it: RFC 8030, 8291 and 8292, read by the one who holds the keys.

A device is online or not: what comes for an offline one waits (TTL 0: is dropped), and a later message of the
same Topic replaces it. Unlike a real service this one reads the message and refuses (400) what cannot be
read, so that a test sees it. Step for faults: `send`; the address is the subscription's id.
"""

import asyncio
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import http_ece  # type: ignore[import-untyped]
import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.faults import ANY_KIND, Faults, Refuse
from sandbox.vapid import NotVapidError, b64url, check
from sandbox.web import WebServer, answer, cut, fault_routes

BODY_MAX = 4096
URGENCIES = frozenset({"very-low", "low", "normal", "high"})


class Fate(StrEnum):
    SHOWN = "shown"
    WAITING = "waiting"
    REPLACED = "replaced"
    DROPPED = "dropped"


@dataclass(slots=True)
class Notice:
    """An accepted push message. `payload` is the decrypted JSON, or the text where it is no JSON."""

    number: int
    subscription: str
    payload: Any
    ttl: int
    urgency: str
    topic: str | None
    received_at: datetime
    fate: Fate = Fate.SHOWN

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class Device:
    """One subscription as its browser holds it: the private key, the secret, whether it is online."""

    id: str
    key: ec.EllipticCurvePrivateKey
    secret: bytes
    application_server_key: str | None
    online: bool = True
    expired: bool = False


class PushService:
    """The server. `async with PushService() as push` listens on a free loopback port; `notices` in order."""

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, folder: Path | None = None) -> None:
        self.folder = folder
        self.faults = Faults()
        self.notices: list[Notice] = []
        self.devices: dict[str, Device] = {}
        self._arrived = asyncio.Event()
        routes = [
            *fault_routes(self.faults),
            Route("/control/subscriptions", self._control_subscribe, methods=["POST"]),
            Route("/control/notices", self._control_notices),
            Route("/push/{id}", self._receive, methods=["POST"]),
        ]
        self._web = WebServer(routes, host=host, port=port)

    @property
    def url(self) -> str:
        return self._web.url

    @property
    def control_url(self) -> str:
        return self._web.url

    @property
    def authority(self) -> str:
        """host:port, as VESTNIK_PUSH_HOSTS wants it."""
        return f"{self._web.host}:{self._web.port}"

    async def start(self) -> Self:
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
        await self._web.start()
        return self

    async def stop(self) -> None:
        await self._web.stop()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def subscribe(self, *, application_server_key: str | None = None, online: bool = True) -> dict[str, Any]:
        """A new device's PushSubscription JSON. Needs the server started: the endpoint has its port."""
        key = ec.generate_private_key(ec.SECP256R1())
        device = Device(
            secrets.token_urlsafe(12), key, secrets.token_bytes(16), application_server_key, online
        )
        self.devices[device.id] = device
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {
            "endpoint": f"{self.url}/push/{device.id}",
            "expirationTime": None,
            "keys": {"p256dh": b64url(point), "auth": b64url(device.secret)},
        }

    def expire(self, subscription: str | dict[str, Any]) -> None:
        """From now on this subscription answers 410."""
        self._device(subscription).expired = True

    def set_online(self, subscription: str | dict[str, Any], online: bool) -> None:  # noqa: FBT001 - the verb says it
        """Online again, a device shows what waited for it."""
        device = self._device(subscription)
        device.online = online
        if online:
            for notice in self.notices:
                if notice.subscription == device.id and notice.fate is Fate.WAITING:
                    notice.fate = Fate.SHOWN

    def shown(self, subscription: str | dict[str, Any]) -> list[Notice]:
        """What the device shows now: a notification replaces an earlier one with the same `tag`."""
        device, visible = self._device(subscription), dict[str, Notice]()
        for notice in self.notices:
            if notice.subscription == device.id and notice.fate is Fate.SHOWN:
                tag = notice.payload.get("tag") if isinstance(notice.payload, dict) else None
                visible[str(tag or f"#{notice.number}")] = notice
        return list(visible.values())

    async def wait_for(self, count: int, *, timeout: float = 10.0) -> list[Notice]:  # noqa: ASYNC109 - a test says it
        """All notices once there are `count`; TimeoutError otherwise."""
        async with asyncio.timeout(timeout):
            while len(self.notices) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return list(self.notices)

    def _device(self, subscription: str | dict[str, Any]) -> Device:
        endpoint = subscription if isinstance(subscription, str) else str(subscription["endpoint"])
        return self.devices[endpoint.rpartition("/")[2]]

    async def _receive(self, request: Request) -> Response:
        device_id = request.path_params["id"]
        fault = self.faults.pick("send", (device_id,), ANY_KIND)
        body = await request.body()

        async def garbage() -> Response:
            return await cut(request, b"\x15\x03\x01 not HTTP\r\n\r\n")

        return await self._web.under(
            fault, request, lambda: self._accept(request, device_id, body), refuse=_refused, garbage=garbage
        )

    def _accept(self, request: Request, device_id: str, body: bytes) -> Response:
        device = self.devices.get(device_id)
        if device is None:
            return _said(404, "no such subscription")
        if device.expired:
            return _said(410, "the subscription has expired")
        try:
            check(
                request.headers.get("authorization", ""), origin=self.url, key=device.application_server_key
            )
        except NotVapidError as error:
            return _said(error.status, str(error))
        wrong = _wrong(request, body)
        if wrong:
            return wrong
        try:
            plain = http_ece.decrypt(body, private_key=device.key, auth_secret=device.secret) if body else b""
        except (http_ece.ECEException, ValueError) as error:
            return _said(400, f"the body cannot be decrypted: {error}")
        notice = self._keep(device, request, plain)
        return Response(
            status_code=201, headers={"Location": f"{self.url}/message/{notice.number}", "TTL": "0"}
        )

    def _keep(self, device: Device, request: Request, plain: bytes) -> Notice:
        try:
            payload = json.loads(plain)
        except ValueError:
            payload = plain.decode(errors="replace")
        headers = request.headers
        topic, ttl = headers.get("topic"), int(headers["ttl"])
        fate = Fate.SHOWN if device.online else Fate.WAITING if ttl > 0 else Fate.DROPPED
        if topic and fate is Fate.WAITING:
            for earlier in self.notices:
                if (earlier.subscription, earlier.topic, earlier.fate) == (device.id, topic, Fate.WAITING):
                    earlier.fate = Fate.REPLACED
        urgency = headers.get("urgency", "normal")
        number = len(self.notices) + 1
        notice = Notice(number, device.id, payload, ttl, urgency, topic, datetime.now(UTC), fate)
        self.notices.append(notice)
        if self.folder:
            text = json.dumps(payload, ensure_ascii=False, indent=2)
            path = self.folder / f"{number:05d}-{device.id}.txt"
            path.write_text(
                f"TTL: {ttl}\nUrgency: {urgency}\nTopic: {topic or ''}\n\n{text}\n", encoding="utf-8"
            )
        self._arrived.set()
        return notice

    async def _control_subscribe(self, request: Request) -> Response:
        """Body: {"application_server_key"?, "online"?}; answers the PushSubscription JSON."""
        asked = orjson.loads(await request.body() or b"{}")
        key, online = asked.get("application_server_key"), bool(asked.get("online", True))
        return answer(self.subscribe(application_server_key=key, online=online), 201)

    async def _control_notices(self, request: Request) -> Response:
        after = int(request.query_params.get("after", "0"))
        return answer([notice.as_json() for notice in self.notices[after:]])


def _wrong(request: Request, body: bytes) -> Response | None:
    """What a push service refuses before it looks inside."""
    headers = request.headers
    topic = headers.get("topic", "x")
    if not headers.get("ttl", "").isdigit():
        return _said(400, "TTL is required")
    if headers.get("urgency", "normal") not in URGENCIES:
        return _said(400, "unknown Urgency")
    if not 0 < len(topic) <= 32 or not topic.replace("-", "a").replace("_", "a").isascii():
        return _said(400, "Topic is at most 32 characters of base64url")
    if len(body) > BODY_MAX:
        return _said(413, f"the body is larger than {BODY_MAX} bytes")
    if body and headers.get("content-encoding") != "aes128gcm":
        return _said(415, "Content-Encoding must be aes128gcm")
    return None


def _said(status: int, reason: str) -> Response:
    return answer({"reason": reason}, status)


def _refused(fault: Refuse) -> Response:
    response = _said(fault.code, fault.text)
    if fault.retry_after is not None:
        response.headers["Retry-After"] = fault.retry_after
    return response
