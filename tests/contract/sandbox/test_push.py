"""The push service driven by pywebpush, as our channel drives it."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02
from pywebpush import WebPushException, webpush

from sandbox.faults import (
    SUBSCRIPTION_GONE,
    TOO_MANY_PUSHES,
    BreakAfterAccepting,
    BreakBeforeAccepting,
    Garbage,
    HangAfterAccepting,
    Misbehaviour,
    Refuse,
)
from sandbox.push import Fate, PushService


@pytest.fixture
async def push() -> AsyncIterator[PushService]:
    async with PushService() as server:
        yield server


@pytest.fixture(scope="module")
def vapid() -> Vapid02:
    keys = Vapid02()
    keys.generate_keys()
    return keys


def public(vapid: Vapid02) -> str:
    point = vapid.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


async def send(
    vapid: Vapid02,
    subscription: dict[str, Any],
    payload: object = None,
    *,
    claims: dict[str, Any] | None = None,
    ttl: int = 3600,
    seconds: float = 5,
    **headers: str,
) -> int:
    data = json.dumps(payload or {"title": "Отметки", "tag": "m1"}, ensure_ascii=False)
    said = {"sub": "mailto:school@example.org", **(claims or {})}
    with requests.Session() as session:
        response = await asyncio.to_thread(
            webpush,
            subscription,
            data,
            vapid_private_key=vapid,
            vapid_claims=said,
            ttl=ttl,
            timeout=seconds,
            headers=headers,
            requests_session=session,
        )
    return int(response.status_code)


async def test_a_message_is_read_by_its_device(push: PushService, vapid: Vapid02) -> None:
    subscription = push.subscribe(application_server_key=public(vapid))
    assert set(subscription) == {"endpoint", "expirationTime", "keys"}
    assert await send(vapid, subscription, {"title": "Алёна: 5"}, urgency="high", topic="t1") == 201
    (notice,) = push.notices
    assert notice.payload == {"title": "Алёна: 5"}
    assert (notice.ttl, notice.urgency, notice.topic, notice.fate) == (3600, "high", "t1", Fate.SHOWN)


async def test_the_topic_replaces_what_waits(push: PushService, vapid: Vapid02) -> None:
    subscription = push.subscribe(online=False)
    await send(vapid, subscription, {"n": 1}, topic="t1")
    await send(vapid, subscription, {"n": 2}, topic="t1")
    await send(vapid, subscription, {"n": 3}, topic="t2")
    await send(vapid, subscription, {"n": 4}, ttl=0)
    assert [one.fate for one in push.notices] == [Fate.REPLACED, Fate.WAITING, Fate.WAITING, Fate.DROPPED]
    push.set_online(subscription, True)
    assert [one.payload["n"] for one in push.shown(subscription)] == [2, 3]


async def test_the_tag_replaces_what_is_shown(push: PushService, vapid: Vapid02) -> None:
    subscription = push.subscribe()
    for n, tag in [(1, "a"), (2, "a"), (3, "b")]:
        await send(vapid, subscription, {"n": n, "tag": tag})
    assert [one.payload["n"] for one in push.shown(subscription)] == [2, 3]


async def test_unknown_and_expired(push: PushService, vapid: Vapid02) -> None:
    subscription = push.subscribe()
    push.expire(subscription)
    assert await failure(vapid, subscription) == 410
    assert await failure(vapid, {**subscription, "endpoint": f"{push.url}/push/nobody"}) == 404


async def failure(vapid: Vapid02, subscription: dict[str, Any], **more: Any) -> int:
    with pytest.raises(WebPushException) as error:
        await send(vapid, subscription, **more)
    return int(error.value.status_code or 0)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://another.example"},
        {"exp": int(time.time()) + 25 * 3600},
    ],
)
async def test_claims_are_checked(push: PushService, vapid: Vapid02, claims: dict[str, Any]) -> None:
    assert await failure(vapid, push.subscribe(), claims=claims) in {401, 403}
    assert push.notices == []


async def test_a_foreign_key_is_refused(push: PushService, vapid: Vapid02) -> None:
    other = Vapid02()
    other.generate_keys()
    subscription = push.subscribe(application_server_key=public(other))
    assert await failure(vapid, subscription) == 403


async def test_the_signature_is_checked(push: PushService, vapid: Vapid02) -> None:
    header = vapid.sign({"sub": "mailto:a@b.example", "aud": push.url, "exp": int(time.time()) + 60})
    token, _, key = header["Authorization"].removeprefix("vapid t=").partition(",")
    forged = f"vapid t={token[:-8]}AAAAAAAA,{key}"
    endpoint = push.subscribe()["endpoint"]
    async with httpx.AsyncClient() as http:
        good = {"TTL": "60", "Authorization": f"vapid t={token},{key}"}
        assert (await http.post(endpoint, headers=good)).status_code == 201
        assert (await http.post(endpoint, headers={**good, "Authorization": forged})).status_code == 403
        assert (await http.post(endpoint, headers={"TTL": "60"})).status_code == 401
        assert (
            await http.post(endpoint, headers={"Authorization": good["Authorization"]})
        ).status_code == 400
        long = {**good, "Content-Encoding": "aes128gcm"}
        assert (await http.post(endpoint, headers=long, content=b"x" * 4097)).status_code == 413
        assert (await http.post(endpoint, headers=long, content=b"x" * 500)).status_code == 400
        assert (await http.post(endpoint, headers=good, content=b"x" * 500)).status_code == 415
        assert (await http.post(endpoint, headers={**good, "Topic": "x" * 33})).status_code == 400


async def test_the_largest_payload(push: PushService, vapid: Vapid02) -> None:
    subscription = push.subscribe()
    spare = 3993 - len(json.dumps({"t": ""}))
    assert await send(vapid, subscription, {"t": "x" * spare}) == 201
    assert await failure(vapid, subscription, payload={"t": "x" * (spare + 1)}) == 413


@pytest.mark.parametrize("fault", [SUBSCRIPTION_GONE, TOO_MANY_PUSHES, Refuse(404), Refuse(413), Refuse(500)])
async def test_refusals(push: PushService, vapid: Vapid02, fault: Refuse) -> None:
    push.faults.add(fault, times=1)
    subscription = push.subscribe()
    with pytest.raises(WebPushException) as error:
        await send(vapid, subscription)
    assert error.value.status_code == fault.code
    assert error.value.retry_after == fault.retry_after
    assert push.notices == []
    await send(vapid, subscription)


@pytest.mark.parametrize(
    ("fault", "kept"),
    [(BreakBeforeAccepting(), 0), (Garbage(), 0), (BreakAfterAccepting(), 1), (HangAfterAccepting(), 1)],
)
async def test_broken_connections(push: PushService, vapid: Vapid02, fault: Misbehaviour, kept: int) -> None:
    push.faults.add(fault)
    with pytest.raises(requests.RequestException):
        await send(vapid, push.subscribe(), seconds=0.5)
    assert len(push.notices) == kept


async def test_files_and_control(tmp_path: Path, vapid: Vapid02) -> None:
    async with PushService(folder=tmp_path / "push") as push, httpx.AsyncClient(base_url=push.url) as control:
        subscription = (await control.post("/control/subscriptions", json={"online": False})).json()
        await send(vapid, subscription, {"title": "Ёлка"}, topic="t")
        (seen,) = (await control.get("/control/notices")).json()
        assert (seen["payload"], seen["fate"]) == ({"title": "Ёлка"}, "waiting")
        (file,) = (tmp_path / "push").iterdir()
        assert "Ёлка" in file.read_text(encoding="utf-8")
