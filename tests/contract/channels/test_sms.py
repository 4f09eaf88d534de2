"""The SMS port against SMS Aero's API: no failure may lead to a second SMS."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from dispatcher.channels import sms as channels_sms
from dispatcher.channels.base import (
    Accepted,
    AddressFailed,
    MessageFailed,
    Misconfigured,
    Outcome,
    Parcel,
    Retry,
    Unknown,
)
from dispatcher.channels.sms import SmsChannel
from dispatcher.channels.smsaero_client import ListUnavailable
from sandbox.faults import (
    BAD_CREDENTIALS,
    NO_CREDITS,
    BreakAfterAccepting,
    BreakBeforeAccepting,
    Garbage,
    HangAfterAccepting,
    Misbehaviour,
    Refuse,
    Slow,
)
from sandbox.smsaero import SmsAero

MAMA = "+79161234567"
TEXT = "Иван П.: пропуск, 2-й урок, алгебра, 23.11"
KEY = "sandbox-key-0123456789abcdef"


@pytest.fixture
async def sms() -> AsyncIterator[SmsAero]:
    async with SmsAero(advance_after=None) as server:
        yield server


@asynccontextmanager
async def opened(
    url: str, *, key: str = KEY, seconds: int = 5, callback_url: str | None = None
) -> AsyncIterator[SmsChannel]:
    channel = SmsChannel(
        email="school@vestnik.example",
        api_key=key,
        sign="Ilinskaya",
        url=url,
        timeout=seconds,
        callback_url=callback_url,
    )
    await channel.start()
    try:
        yield channel
    finally:
        await channel.close()


def parcel(to: str = MAMA, text: str = TEXT) -> Parcel:
    return Parcel(UUID(int=1), "s", (to,), text.encode())


async def test_accepted_with_number_and_cost(sms: SmsAero) -> None:
    async with opened(sms.url, callback_url="http://127.0.0.1:1/dispatcher/receipts/t") as channel:
        outcome = await channel.send(parcel())
    (sent,) = sms.messages
    assert outcome == Accepted(provider_id=str(sent.id), cost=sms.price)
    assert (sent.number, sent.text, sent.sign) == ("79161234567", TEXT, "Ilinskaya")
    assert sent.callback_url == "http://127.0.0.1:1/dispatcher/receipts/t"


ROWS: dict[str | int, tuple[Misbehaviour, type[Outcome]]] = {
    "no credits": (NO_CREDITS, Misconfigured),
    "reject": (Refuse(200, "reject: стоп-слово"), MessageFailed),
    "number": (Refuse(400, "invalid: number"), AddressFailed),
    "sign": (Refuse(400, "invalid: sign"), Misconfigured),
    "callbackUrl": (Refuse(400, "invalid: callbackUrl"), Misconfigured),
    "text": (Refuse(400, "invalid: text"), MessageFailed),
    400: (Refuse(400, "Validation error."), MessageFailed),
    401: (BAD_CREDENTIALS, Misconfigured),
    402: (Refuse(402), Misconfigured),
    403: (Refuse(403), Misconfigured),
    404: (Refuse(404, "Method not found."), Misconfigured),
    429: (Refuse(429, "Too many requests"), Retry),
}
"""A real answer for every row of the adapter's tables."""


def test_every_row_of_the_tables_has_an_answer() -> None:
    assert set(ROWS) == {*channels_sms.RESULTS, *channels_sms.FIELDS, *channels_sms.HTTP}


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        *ROWS.values(),
        (Refuse(418, "never heard of"), MessageFailed),
        (Refuse(500), Unknown),
        (Refuse(502), Unknown),
        (Refuse(503), Unknown),
        (Garbage(), Unknown),
        (BreakBeforeAccepting(), Unknown),
        (BreakAfterAccepting(), Unknown),
    ],
)
async def test_each_failure_has_its_outcome(
    sms: SmsAero, fault: Misbehaviour, expected: type[Outcome]
) -> None:
    sms.faults.add(fault)
    async with opened(sms.url) as channel:
        outcome = await channel.send(parcel())
        assert isinstance(outcome, expected), outcome
        assert len(sms.messages) == isinstance(fault, BreakAfterAccepting)
        assert "9161234567" not in repr(outcome)
        sms.faults.clear()
        assert isinstance(await channel.send(parcel()), Accepted)


async def test_moderation_is_an_acceptance(sms: SmsAero) -> None:
    sms.moderated.add("79161234567")
    async with opened(sms.url) as channel:
        outcome = await channel.send(parcel())
        assert isinstance(outcome, Accepted)
        said = await channel.status(outcome.provider_id or "")
        assert said is not None
        assert (said.status, said.cost) == (8, sms.price)
        assert await channel.status("1") is None


async def test_the_black_list_over_all_pages(sms: SmsAero) -> None:
    sms.page_size = 2
    async with opened(sms.url) as channel:
        assert await channel.stopped() == frozenset()
        sms.blacklist = [f"7916123456{n}" for n in range(5)]
        assert await channel.stopped() == {f"+7916123456{n}" for n in range(5)}


async def test_silence_is_unknown_and_posted_once(sms: SmsAero) -> None:
    """The library alone would post it to every gateway it knows."""
    sms.faults.add(HangAfterAccepting())
    async with opened(sms.url, seconds=3) as channel:
        assert isinstance(await channel.send(parcel()), Unknown)
    assert len(sms.messages) == 1


async def test_nobody_listens() -> None:
    async with SmsAero() as server:
        url = server.url
    async with opened(url) as channel:
        assert isinstance(await channel.send(parcel()), Retry)
        with pytest.raises(ListUnavailable):
            await channel.find(MAMA, TEXT, datetime.now(UTC))


async def test_slow_is_not_failed(sms: SmsAero) -> None:
    sms.faults.add(Slow(0.3))
    async with opened(sms.url) as channel:
        assert isinstance(await channel.send(parcel()), Accepted)


async def test_an_empty_purse_pauses(sms: SmsAero) -> None:
    sms.balance = 1.0
    async with opened(sms.url) as channel:
        assert isinstance(await channel.send(parcel()), Misconfigured)
        assert await channel.balance() == 1.0


@pytest.mark.parametrize("address", ["", "12", "мама", "+7916123456", "+7916123456789012"])
async def test_what_is_no_phone_number(sms: SmsAero, address: str) -> None:
    async with opened(sms.url) as channel:
        assert isinstance(await channel.send(parcel(address)), AddressFailed)
    assert sms.messages == []


@pytest.mark.parametrize("address", ["8 (916) 123-45-67", "9161234567", "+7 916 123 45 67"])
async def test_numbers_as_people_write_them(sms: SmsAero, address: str) -> None:
    async with opened(sms.url) as channel:
        assert isinstance(await channel.send(parcel(address)), Accepted)
    assert sms.messages[0].number == "79161234567"


async def test_what_the_library_refuses(sms: SmsAero) -> None:
    async with opened(sms.url) as channel:
        assert isinstance(await channel.send(parcel(text="я" * 641)), MessageFailed)


async def test_find_over_all_pages(sms: SmsAero) -> None:
    sms.page_size = 2
    began = datetime.now(UTC)
    async with opened(sms.url) as channel:
        sent = [await channel.send(parcel()) for _ in range(5)]
        await channel.send(parcel(text=TEXT + " и ещё 1"))
        await channel.send(parcel("+79161234568"))
        found = await channel.find(MAMA, TEXT, began)
    assert [row.provider_id for row in found] == [
        one.provider_id for one in reversed(sent) if isinstance(one, Accepted)
    ]
    assert (found[0].status, found[0].cost) == (0, sms.price)
    assert found[0].created_at >= began - timedelta(seconds=1)


async def test_find_leaves_older_ones_out(sms: SmsAero) -> None:
    async with opened(sms.url) as channel:
        await channel.send(parcel())
        sms.messages[0].created_at -= 3600
        assert await channel.find(MAMA, TEXT, datetime.now(UTC) - timedelta(minutes=5)) == []
        assert len(await channel.find(MAMA, TEXT, datetime.now(UTC) - timedelta(hours=2))) == 1


@pytest.mark.parametrize("fault", [Refuse(503), Garbage(), BreakBeforeAccepting(), BAD_CREDENTIALS])
async def test_a_list_that_cannot_be_read_proves_nothing(sms: SmsAero, fault: Misbehaviour) -> None:
    async with opened(sms.url) as channel:
        sms.faults.add(fault, on="list")
        with pytest.raises(ListUnavailable):
            await channel.find(MAMA, TEXT, datetime.now(UTC))
        sms.faults.clear()
        sms.faults.add(fault, on="balance")
        with pytest.raises(ListUnavailable):
            await channel.balance()


async def test_a_list_too_long_to_read_proves_nothing(sms: SmsAero) -> None:
    sms.page_size = 1
    began = datetime.now(UTC)
    async with opened(sms.url) as channel:
        await asyncio.gather(*(channel.send(parcel()) for _ in range(21)))
        with pytest.raises(ListUnavailable):
            await channel.find(MAMA, TEXT, began)


async def test_many_at_once(sms: SmsAero) -> None:
    async with opened(sms.url) as channel:
        outcomes = await asyncio.gather(*(channel.send(parcel(text=f"{TEXT} {n}")) for n in range(60)))
    by_id = {str(sent.id): sent.text for sent in sms.messages}
    assert [by_id[one.provider_id or ""] for one in outcomes if isinstance(one, Accepted)] == [
        f"{TEXT} {n}" for n in range(60)
    ]


async def test_the_key_and_the_family_are_in_no_log(sms: SmsAero, caplog: pytest.LogCaptureFixture) -> None:
    """R-D3: with every library at its most talkative."""
    caplog.set_level(logging.DEBUG)
    async with opened(sms.url) as channel:
        for fault in (None, BAD_CREDENTIALS, BreakBeforeAccepting(), Garbage()):
            if fault is not None:
                sms.faults.add(fault, times=1)
            await channel.send(parcel())
    said = caplog.text
    assert "send" in said
    assert not any(secret in said for secret in (KEY, "9161234567", "Иван", "school@vestnik.example"))


async def test_plain_http_only_to_this_machine() -> None:
    with pytest.raises(ValueError, match="https"):
        async with opened("http://gate.smsaero.ru/v2/"):
            pass
