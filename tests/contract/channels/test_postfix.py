"""The e-mail port against a real Postfix: each of its answers has its outcome (DESIGN §7).

What Postfix decides by itself: unknown mailbox, relaying, size, senders, clients, content checks, TLS,
logins, connections. What others decide and it hands on word for word: greylisting and full mailboxes (a
policy server), an unknown domain (an access table: there is no DNS here).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
from support.buses import eventually

from dispatcher.channels.base import (
    Accepted,
    AddressFailed,
    Blame,
    MessageFailed,
    Misconfigured,
    Outcome,
    Parcel,
    Retry,
    Unknown,
)
from dispatcher.channels.email import EmailChannel
from sandbox.cut import CutAfterDot
from sandbox.mailstore import Delivered
from sandbox.postfix import LARGEST, Postfix
from sandbox.postfix_neighbours import PASSWORD

FROM = "school@school.example"


@asynccontextmanager
async def opened(url: str, *, mail_from: str = FROM, seconds: float = 10) -> AsyncIterator[EmailChannel]:
    channel = EmailChannel(url, mail_from=mail_from, connections=1, timeout=seconds)
    await channel.start()
    try:
        yield channel
    finally:
        await channel.close()


def parcel(to: str = "anna@mail.example", *, subject: str = "news", extra: str = "", size: int = 0) -> Parcel:
    number = uuid4()
    content = (
        f"From: {FROM}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{number}@school.example>\r\n"
        f"Date: Mon, 23 Nov 2026 18:30:00 +0300\r\n{extra}\r\nline\r\n.dot\r\n{'x' * 70}\r\n"
    )
    return Parcel(number, "s", (to,), (content + f"{'y' * 70}\r\n" * (size // 72)).encode())


def letters(postfix: Postfix, message: UUID) -> list[Delivered]:
    return [one for one in postfix.store.letters if str(message) in str(one.message["Message-ID"])]


async def test_a_letter_arrives(postfix: Postfix) -> None:
    async with opened(postfix.url()) as channel:
        sent = parcel()
        assert await channel.send(sent) == Accepted()

        async def there() -> bool:
            return len(letters(postfix, sent.message)) == 1

        await eventually(there)
    (letter,) = letters(postfix, sent.message)
    assert letter.content.endswith(sent.content.partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize(
    ("given", "expected", "reason"),
    [
        (parcel("nobody@mail.example"), AddressFailed, "smtp: 550 5.1.1 at rcpt"),
        (parcel("anna@moved.example"), AddressFailed, "smtp: 550 5.1.2 at rcpt"),
        (parcel("closed@mail.example"), AddressFailed, "smtp: 550 5.2.1 at rcpt"),
        (parcel("anna@elsewhere.example"), Misconfigured, "smtp: 554 5.7.1 at rcpt"),  # relay access denied
        (parcel("policy@mail.example"), MessageFailed, "smtp: 554 5.7.1 at rcpt"),
        (parcel("full@mail.example"), Retry, "smtp: 452 4.2.2 at rcpt"),
        (parcel("overfull@mail.example"), Retry, "smtp: 552 5.2.2 at rcpt"),
        (parcel(size=LARGEST + 1), MessageFailed, "smtp: 552 5.3.4 at mail"),
        (parcel(subject="cheap pills"), MessageFailed, "smtp: 550 5.7.1 at dot"),
        (parcel(extra="X-Alignment: none\r\n"), Misconfigured, "smtp: 550 5.7.26 at dot"),
    ],
    ids=lambda value: value.addresses[0] if isinstance(value, Parcel) else None,
)
async def test_a_refusal_has_its_outcome(
    postfix: Postfix, given: Parcel, expected: type[Outcome], reason: str
) -> None:
    async with opened(postfix.url()) as channel:
        outcome = await channel.send(given)
        assert isinstance(outcome, expected), outcome
        assert getattr(outcome, "reason", "") == reason
        assert await channel.send(parcel()) == Accepted()  # on the same connection
    assert letters(postfix, given.message) == []


async def test_a_sender_it_will_not_have(postfix: Postfix) -> None:
    """Postfix keeps what it has against a sender until RCPT: it is no fault of the recipient."""
    async with opened(postfix.url(), mail_from="stranger@school.example") as channel:
        assert await channel.send(parcel()) == Misconfigured("smtp: 554 5.7.1 at rcpt")


async def test_greylisting(postfix: Postfix) -> None:
    async with opened(postfix.url()) as channel:
        postfix.policy.asked.clear()
        assert await channel.send(parcel("grey@mail.example")) == Retry("smtp: 450 4.7.1 at rcpt")
        assert await channel.send(parcel("grey@mail.example")) == Accepted()


async def test_tls_with_a_certificate_that_is_trusted(
    postfix: Postfix, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(postfix.certificate))
    for url in (f"{postfix.url(host='localhost')}?starttls=required", postfix.url("tls", host="localhost")):
        async with opened(url) as channel:
            assert await channel.send(parcel()) == Accepted()


async def test_a_certificate_that_is_not(postfix: Postfix) -> None:
    for url in (f"{postfix.url()}?starttls=required", postfix.url("tls")):
        async with opened(url) as channel:
            outcome = await channel.send(parcel())
            assert isinstance(outcome, Misconfigured), outcome


async def test_tls_is_asked_for(postfix: Postfix) -> None:
    async with opened(f"{postfix.url('strict')}?starttls=never") as channel:
        assert await channel.send(parcel()) == Misconfigured("smtp: 530 5.7.0 at mail")


async def test_logins(postfix: Postfix, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(postfix.certificate))
    required = "?starttls=required"
    right = postfix.url("strict", login="school", host="localhost")
    async with opened(right + required) as channel:
        assert await channel.send(parcel()) == Accepted()
        assert await channel.send(parcel("anna@elsewhere.example")) == Accepted()  # who logged in may relay
    async with opened(right.replace(f":{PASSWORD}@", ":wrong@") + required) as channel:
        assert await channel.send(parcel()) == Misconfigured("smtp: 535 5.7.8 at login")
    async with opened(postfix.url("strict", host="localhost") + required) as channel:
        assert await channel.send(parcel()) == Misconfigured("smtp: 554 5.7.1 at rcpt")


async def test_too_many_connections(postfix: Postfix) -> None:
    url = postfix.url("narrow")
    async with opened(url) as first, opened(url) as second:
        assert await first.send(parcel()) == Accepted()
        assert await second.send(parcel()) == Retry("smtp: 421 4.7.0 at connect", blame=Blame.PACE)
        assert await first.send(parcel()) == Accepted()


@pytest.mark.parametrize("delivers", [True, False])
async def test_cut_after_the_dot(postfix: Postfix, *, delivers: bool) -> None:
    """Whether Postfix has it cannot be known: the letter goes again under the same Message-ID."""
    sent = parcel()
    async with (
        CutAfterDot(postfix.port(), delivers=delivers) as wire,
        opened(f"smtp://127.0.0.1:{wire.port}") as channel,
    ):
        assert isinstance(await channel.send(sent), Unknown)
        assert await channel.send(sent) == Accepted()
    expected = 2 if delivers else 1

    async def there() -> bool:
        return len(letters(postfix, sent.message)) == expected

    await eventually(there)
    assert len({letter.message["Message-ID"] for letter in letters(postfix, sent.message)}) == 1


async def test_many_at_once(postfix: Postfix) -> None:
    channel = EmailChannel(postfix.url(), mail_from=FROM, connections=4)
    sent = [parcel(to) for to in ("anna@mail.example", "nobody@mail.example") * 20]
    try:
        outcomes = await asyncio.gather(*(channel.send(one) for one in sent))
    finally:
        await channel.close()
    assert [type(outcome) for outcome in outcomes] == [Accepted, AddressFailed] * 20
