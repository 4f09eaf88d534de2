"""Web push to every device of a guardian at once (DESIGN §7; RFC 8030, 8291, 8292).

An address is the browser's PushSubscription in JSON: a stranger's input, so only allowed hosts are spoken to.
"""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import http_ece  # type: ignore[import-untyped]
from py_vapid import Vapid02, VapidException  # type: ignore[import-untyped]
from pywebpush import WebPushException, webpush_async  # type: ignore[import-untyped]

from dispatcher.channels.base import (
    AddressFailed,
    Blame,
    MessageFailed,
    Misconfigured,
    Outcome,
    Parcel,
    Retry,
    Unknown,
    topic,
)
from dispatcher.channels.push_replies import judge, together
from shared.categories import Channel
from shared.settings import is_loopback

TTL = 24 * 60 * 60
PAYLOAD_MAX = 3993
"""Every push service takes a body of 4096 bytes; encryption adds 103."""


class _Straight:
    """The part of a session that pywebpush uses. Never follows a redirect: it would lead past the hosts."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def post(self, endpoint: str, **said: Any) -> aiohttp.ClientResponse:
        return await self._session.post(endpoint, allow_redirects=False, **said)


class PushChannel:
    """The port over one HTTP session. `hosts` is VESTNIK_PUSH_HOSTS: `host[:port]`, `*.domain`."""

    channel = Channel.PUSH

    def __init__(self, *, key: Vapid02, subject: str, hosts: str, timeout: float = 15.0) -> None:
        self._key = key
        self._subject = subject
        self._hosts = tuple(host.strip().lower() for host in hosts.split(",") if host.strip())
        self._limits = aiohttp.ClientTimeout(total=timeout, connect=min(5.0, timeout))
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=64, limit_per_host=32),
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, parcel: Parcel) -> Outcome:
        """Needs the port started."""
        if len(parcel.content) > PAYLOAD_MAX:
            return MessageFailed("push: the payload is too large")
        assert self._session is not None
        session = _Straight(self._session)
        outcomes = await asyncio.gather(*(self._to(one, parcel, session) for one in parcel.addresses))
        return together(list(zip(parcel.addresses, outcomes, strict=True)))

    async def _to(self, address: str, parcel: Parcel, session: _Straight) -> Outcome:
        subscription = parse(address)
        if subscription is None:
            return AddressFailed("push: not a subscription")
        if not allowed(subscription["endpoint"], self._hosts):
            return AddressFailed("push: not a known push service")
        try:
            response = await webpush_async(
                subscription,
                parcel.content.decode(),
                vapid_private_key=self._key,
                vapid_claims={"sub": self._subject},  # a fresh one each time: the library writes into it
                ttl=TTL,
                timeout=self._limits,
                headers={"topic": topic(parcel.message), "urgency": "high" if parcel.urgent else "normal"},
                aiohttp_session=session,
            )
        except WebPushException as refused:
            if refused.status_code is None:
                return AddressFailed("push: keys of the subscription cannot be used")
            return judge(refused.status_code, refused.retry_after, now=datetime.now(UTC))
        except VapidException:
            return Misconfigured("push: VAPID key or subject cannot be used")
        except aiohttp.ClientConnectorCertificateError:
            return Misconfigured("push: certificate not trusted")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return Retry(f"push: not sent, {type(error).__name__}", blame=Blame.PROVIDER)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Unknown(f"push: {type(error).__name__}")
        except (http_ece.ECEException, ValueError, TypeError, LookupError):
            return AddressFailed("push: keys of the subscription cannot be used")
        return judge(getattr(response, "status", 0), None, now=datetime.now(UTC))


def parse(address: str) -> dict[str, Any] | None:
    """The subscription of an address; None if it is none."""
    try:
        said = json.loads(address)
    except ValueError:
        return None
    if not isinstance(said, dict) or not isinstance(said.get("endpoint"), str):
        return None
    keys = said.get("keys")
    if not isinstance(keys, dict) or not all(isinstance(keys.get(name), str) for name in ("p256dh", "auth")):
        return None
    return {"endpoint": said["endpoint"], "keys": {"p256dh": keys["p256dh"], "auth": keys["auth"]}}


def allowed(endpoint: str, hosts: tuple[str, ...]) -> bool:
    """Whether this endpoint is one of the services we speak to: https, plain http only to this machine."""
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        return False
    host = (parts.hostname or "").lower()
    if parts.username is not None or parts.password is not None or not host:
        return False
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        return False
    standard = port is None or port == (443 if parts.scheme == "https" else 80)
    return any(_fits(host, port, standard=standard, pattern=pattern) for pattern in hosts)


def _fits(host: str, port: int | None, *, standard: bool, pattern: str) -> bool:
    name, _, wanted = pattern.partition(":")
    if wanted != str(port) and not (standard and not wanted):
        return False
    return host.endswith(name[1:]) if name.startswith("*.") else host == name
