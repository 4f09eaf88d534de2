"""The push port against a push service that checks VAPID and decrypts."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from py_vapid import Vapid02
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

from dispatcher.channels import push_replies, vapid
from dispatcher.channels.base import (
    Accepted,
    AddressFailed,
    MessageFailed,
    Misconfigured,
    Outcome,
    Parcel,
    Retry,
    Unknown,
    topic,
)
from dispatcher.channels.push import PAYLOAD_MAX, PushChannel
from sandbox.faults import (
    SUBSCRIPTION_GONE,
    TOO_MANY_PUSHES,
    BreakAfterAccepting,
    BreakBeforeAccepting,
    Garbage,
    HangAfterAccepting,
    Misbehaviour,
    Refuse,
    Slow,
)
from sandbox.push import Fate, PushService
from sandbox.web import WebServer
from shared.settings import Settings

CONTENT = json.dumps({"title": "Иван П.", "body": "пропуск"}, ensure_ascii=False).encode()


@pytest.fixture
async def push() -> AsyncIterator[PushService]:
    async with PushService() as server:
        yield server


@pytest.fixture(scope="module")
def key() -> Vapid02:
    made = Vapid02()
    made.generate_keys()
    return made


@asynccontextmanager
async def opened(
    push: PushService, key: Vapid02, *, seconds: float = 5, subject: str = "mailto:school@example.org"
) -> AsyncIterator[PushChannel]:
    channel = PushChannel(key=key, subject=subject, hosts=push.authority, timeout=seconds)
    await channel.start()
    try:
        yield channel
    finally:
        await channel.close()


def parcel(*subscriptions: dict[str, Any], content: bytes = CONTENT, urgent: bool = False) -> Parcel:
    return Parcel(UUID(int=7), "s", tuple(json.dumps(one) for one in subscriptions), content, urgent)


async def test_every_device_reads_it(push: PushService, key: Vapid02) -> None:
    devices = [push.subscribe(application_server_key=vapid.public_key(key)) for _ in range(3)]
    async with opened(push, key) as channel:
        assert await channel.send(parcel(*devices, urgent=True)) == Accepted()
    assert len(push.notices) == 3
    for notice in push.notices:
        assert notice.payload == {"title": "Иван П.", "body": "пропуск"}
        assert (notice.ttl, notice.urgency, notice.topic) == (86400, "high", topic(UUID(int=7)))


async def test_a_second_delivery_replaces_the_first(push: PushService, key: Vapid02) -> None:
    device = push.subscribe(online=False)
    async with opened(push, key) as channel:
        await channel.send(parcel(device))
        await channel.send(parcel(device))
    assert [notice.fate for notice in push.notices] == [Fate.REPLACED, Fate.WAITING]
    assert {notice.urgency for notice in push.notices} == {"normal"}


ROWS: dict[int, tuple[Misbehaviour, type[Outcome]]] = {
    400: (Refuse(400), MessageFailed),
    401: (Refuse(401), Misconfigured),
    403: (Refuse(403), Misconfigured),
    404: (Refuse(404), AddressFailed),
    405: (Refuse(405), Misconfigured),
    408: (Refuse(408), Retry),
    410: (SUBSCRIPTION_GONE, AddressFailed),
    413: (Refuse(413), MessageFailed),
    429: (TOO_MANY_PUSHES, Retry),
}
"""A real answer for every row of the adapter's table."""


def test_every_row_of_the_table_has_an_answer() -> None:
    assert set(ROWS) == set(push_replies.STATUSES)


@pytest.mark.parametrize("status", [200, 201, 202])
async def test_taken_is_taken_now_or_for_later(push: PushService, key: Vapid02, status: int) -> None:
    push.faults.add(Refuse(status))
    async with opened(push, key) as channel:
        assert await channel.send(parcel(push.subscribe())) == Accepted()


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        *ROWS.values(),
        (Refuse(500), Retry),
        (Refuse(503, retry_after="Mon, 23 Nov 1998 10:00:00 GMT"), Retry),
        (Refuse(302), MessageFailed),
        (BreakBeforeAccepting(), Unknown),
        (BreakAfterAccepting(), Unknown),
        (Garbage(), Unknown),
    ],
)
async def test_each_failure_has_its_outcome(
    push: PushService, key: Vapid02, fault: Misbehaviour, expected: type[Outcome]
) -> None:
    push.faults.add(fault)
    device = push.subscribe()
    async with opened(push, key) as channel:
        outcome = await channel.send(parcel(device))
        assert isinstance(outcome, expected), outcome
        assert device["endpoint"] not in getattr(outcome, "reason", "")
        push.faults.clear()
        assert await channel.send(parcel(device)) == Accepted()


async def test_silence_is_unknown(push: PushService, key: Vapid02) -> None:
    push.faults.add(HangAfterAccepting(), times=1)
    async with opened(push, key, seconds=0.4) as channel:
        assert isinstance(await channel.send(parcel(push.subscribe())), Unknown)
    assert len(push.notices) == 1


async def test_slow_is_not_failed(push: PushService, key: Vapid02) -> None:
    push.faults.add(Slow(0.2))
    async with opened(push, key) as channel:
        assert await channel.send(parcel(push.subscribe())) == Accepted()


async def test_the_wait_that_was_asked_for(push: PushService, key: Vapid02) -> None:
    push.faults.add(TOO_MANY_PUSHES)
    async with opened(push, key) as channel:
        outcome = await channel.send(parcel(push.subscribe()))
    assert isinstance(outcome, Retry)
    assert outcome.after == timedelta(seconds=2)


async def test_one_device_is_enough_and_the_dead_are_named(push: PushService, key: Vapid02) -> None:
    good, gone = push.subscribe(), push.subscribe()
    push.expire(gone)
    async with opened(push, key) as channel:
        assert await channel.send(parcel(gone, good)) == Accepted(dead=(json.dumps(gone),))
        failed = await channel.send(parcel(gone))
    assert isinstance(failed, AddressFailed)
    assert failed.dead == (json.dumps(gone),)


async def test_nobody_listens(key: Vapid02) -> None:
    async with PushService() as push:
        device = push.subscribe()
    async with opened(push, key) as channel:
        assert isinstance(await channel.send(parcel(device)), Retry)


async def test_two_services_get_each_their_own_claims(key: Vapid02) -> None:
    """The library writes `aud` into the claims it is given."""
    async with PushService() as one, PushService() as other:
        channel = PushChannel(
            key=key, subject="mailto:s@example.org", hosts=f"{one.authority},{other.authority}"
        )
        await channel.start()
        outcome = await channel.send(parcel(one.subscribe(), other.subscribe()))
        await channel.close()
        assert outcome == Accepted()
        assert len(one.notices) == len(other.notices) == 1


@pytest.mark.parametrize("subject", ["", "not an address"])
async def test_a_bad_subject_is_our_fault(push: PushService, key: Vapid02, subject: str) -> None:
    async with opened(push, key, subject=subject) as channel:
        assert isinstance(await channel.send(parcel(push.subscribe())), Misconfigured)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://10.0.0.1/push/x",
        "https://evil.example/push/x",
        "http://fcm.googleapis.com/push/x",
        "http://127.0.0.1:1/push/x",
        "file:///etc/passwd",
        "https://user@127.0.0.1:{port}/push/x",
        "",
    ],
)
async def test_strangers_are_not_spoken_to(push: PushService, key: Vapid02, endpoint: str) -> None:
    device = {**push.subscribe(), "endpoint": endpoint.replace("{port}", push.authority.rpartition(":")[2])}
    async with opened(push, key) as channel:
        assert isinstance(await channel.send(parcel(device)), AddressFailed)
    assert push.notices == []


@pytest.mark.parametrize(
    "keys",
    [{}, {"p256dh": "x", "auth": "y"}, {"p256dh": "AAAA" * 20, "auth": "AAAA"}, {"p256dh": 1, "auth": None}],
)
async def test_unusable_keys(push: PushService, key: Vapid02, keys: dict[str, Any]) -> None:
    async with opened(push, key) as channel:
        assert isinstance(await channel.send(parcel({**push.subscribe(), "keys": keys})), AddressFailed)
        bad = Parcel(UUID(int=1), "s", ("not json",), CONTENT)
        assert isinstance(await channel.send(bad), AddressFailed)


async def test_the_largest_payload(push: PushService, key: Vapid02) -> None:
    device = push.subscribe()
    async with opened(push, key) as channel:
        assert await channel.send(parcel(device, content=b"x" * PAYLOAD_MAX)) == Accepted()
        assert isinstance(await channel.send(parcel(device, content=b"x" * (PAYLOAD_MAX + 1))), MessageFailed)
    assert len(push.notices) == 1


async def test_the_key_is_made_once_and_kept(push: PushService, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    first, second = await asyncio.gather(*(asyncio.to_thread(vapid.vapid_key, settings) for _ in range(2)))
    assert vapid.public_key(first) == vapid.public_key(second)
    assert (tmp_path / "vapid.key").stat().st_mode & 0o777 == 0o600
    device = push.subscribe(application_server_key=vapid.public_key(first))
    async with opened(push, vapid.vapid_key(settings)) as channel:
        assert await channel.send(parcel(device)) == Accepted()
    said = (tmp_path / "vapid.key").read_text()
    given = Settings(data=tmp_path / "other", vapid_private_key=SecretStr(said))
    assert vapid.public_key(vapid.vapid_key(given)) == vapid.public_key(first)
    pem = Settings(data=tmp_path / "other", vapid_private_key=SecretStr(first.private_pem().decode()))
    assert vapid.public_key(vapid.vapid_key(pem)) == vapid.public_key(first)


async def test_redirects_are_not_followed(push: PushService, key: Vapid02) -> None:
    """Whoever subscribes chooses the endpoint; a redirect would choose the next host too."""

    async def elsewhere(_: Request) -> RedirectResponse:
        return RedirectResponse(push.subscribe()["endpoint"], 307)

    front = await WebServer([Route("/push/x", elsewhere, methods=["POST"])]).start()
    channel = PushChannel(key=key, subject="mailto:s@example.org", hosts=f"{front.host}:{front.port}")
    await channel.start()
    outcome = await channel.send(parcel({**push.subscribe(), "endpoint": f"{front.url}/push/x"}))
    await channel.close()
    await front.stop()
    assert isinstance(outcome, MessageFailed)
    assert push.notices == []
