"""The e-mail port against an SMTP server: every way it can end (DESIGN §7, R-A11's resends included)."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from aiosmtpd.smtp import SMTP

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
from dispatcher.channels.email import EmailChannel
from sandbox.faults import (
    MAIL_SERVER_BUSY,
    MAILBOX_FULL,
    NO_SUCH_MAILBOX,
    BreakAfterAccepting,
    BreakBeforeAccepting,
    Garbage,
    HangAfterAccepting,
    Misbehaviour,
    Refuse,
    Slow,
)
from sandbox.inbox import Inbox

CONTENT = b"Subject: x\r\nMessage-ID: <1@school.example>\r\n\r\nline\r\n.dot\r\n..\r\n"


@pytest.fixture(params=[True, False], ids=["commands ahead", "one by one"])
async def inbox(request: pytest.FixtureRequest) -> AsyncIterator[Inbox]:
    async with Inbox(pipelining=request.param) as server:
        yield server


@asynccontextmanager
async def opened(url: str, *, connections: int = 2, seconds: float = 5) -> AsyncIterator[EmailChannel]:
    channel = EmailChannel(
        url, mail_from="Школа <school@example.org>", connections=connections, timeout=seconds
    )
    await channel.start()
    try:
        yield channel
    finally:
        await channel.close()


def parcel(to: str = "mama@example.org", content: bytes = CONTENT, number: int = 1) -> Parcel:
    return Parcel(UUID(int=number), "s", (to,), content)


async def test_a_letter_arrives_byte_for_byte(inbox: Inbox) -> None:
    async with opened(inbox.url) as channel:
        assert await channel.send(parcel()) == Accepted()
    (letter,) = inbox.letters
    assert letter.content == CONTENT
    assert (letter.mail_from, letter.rcpt_to) == ("school@example.org", ("mama@example.org",))


@pytest.mark.parametrize(
    ("fault", "on", "expected"),
    [
        (MAIL_SERVER_BUSY, None, Retry),
        (MAILBOX_FULL, None, Retry),
        (Refuse(552, "5.2.2 Over quota"), None, Retry),
        (Refuse(451, "4.7.1 Greylisted"), None, Retry),
        (NO_SUCH_MAILBOX, None, AddressFailed),
        (Refuse(550, "User unknown"), None, AddressFailed),
        (Refuse(550, "5.2.1 Mailbox disabled"), None, AddressFailed),
        (Refuse(556, "5.1.10 Recipient address has null MX"), None, AddressFailed),
        (Refuse(550, "blocked by our spam policy"), None, MessageFailed),
        (Refuse(554, "5.7.1 Rejected as spam"), "data", MessageFailed),
        (Refuse(550, "5.7.1 Relaying denied"), None, Misconfigured),
        (Refuse(550, "5.7.26 Unauthenticated mail is prohibited"), "data", Misconfigured),
        (Refuse(552, "5.3.4 Message too big"), "data", MessageFailed),
        (Refuse(552, "5.3.4 Message too big"), "mail", MessageFailed),
        (Refuse(554, "Transaction failed"), "data", MessageFailed),
        (Refuse(451, "4.3.0 Try later"), "data", Retry),
        (Refuse(553, "5.1.8 Sender domain not found"), "mail", Misconfigured),
        (Refuse(550, "5.7.1 Not allowed to send as"), "mail", Misconfigured),
        (Refuse(421, "4.3.2 Closing"), "mail", Retry),
        (BreakBeforeAccepting(), "mail", Retry),
        (BreakBeforeAccepting(), "rcpt", Retry),
        (Garbage(), "rcpt", Retry),
        (Garbage(), "data", Unknown),
        (BreakBeforeAccepting(), "data", Unknown),
        (BreakAfterAccepting(), None, Unknown),
    ],
)
async def test_each_failure_has_its_outcome(
    inbox: Inbox, fault: Misbehaviour, on: str | None, expected: type[Outcome]
) -> None:
    inbox.faults.add(fault, on=on)
    async with opened(inbox.url, connections=1) as channel:
        outcome = await channel.send(parcel())
        assert isinstance(outcome, expected), outcome
        assert "mama" not in repr(outcome)
        inbox.faults.clear()
        before = len(inbox.letters)
        assert await channel.send(parcel(number=2)) == Accepted()  # the connection is fit for use again
        assert len(inbox.letters) == before + 1


@pytest.mark.parametrize(
    ("fault", "on", "expected"),
    [
        (HangAfterAccepting(), None, Unknown),
        (HangAfterAccepting(), "rcpt", Retry),
        (HangAfterAccepting(), "ehlo", Retry),
    ],
)
async def test_silence(inbox: Inbox, fault: Misbehaviour, on: str | None, expected: type[Outcome]) -> None:
    inbox.faults.add(fault, on=on, times=1)
    async with opened(inbox.url, connections=1, seconds=0.4) as channel:
        assert isinstance(await channel.send(parcel()), expected)
        assert await channel.send(parcel()) == Accepted()


async def test_slow_is_not_failed(inbox: Inbox) -> None:
    inbox.faults.add(Slow(0.2))
    async with opened(inbox.url) as channel:
        assert await channel.send(parcel()) == Accepted()


async def test_nobody_listens(unused_tcp_port: int) -> None:
    async with opened(f"smtp://127.0.0.1:{unused_tcp_port}") as channel:
        assert isinstance(await channel.send(parcel()), Retry)


async def test_no_such_server() -> None:
    async with opened("smtp://no-such-host.invalid:2525") as channel:
        assert isinstance(await channel.send(parcel()), Retry)


@pytest.fixture
async def guarded() -> AsyncIterator[Inbox]:
    async with Inbox(login=("school", "p@ss:word")) as server:
        yield server


async def test_login(guarded: Inbox) -> None:
    async with opened(guarded.url, connections=1) as channel:
        assert [await channel.send(parcel()) for _ in range(3)] == [Accepted()] * 3


async def test_a_wrong_password_pauses_and_suppresses_nobody(guarded: Inbox) -> None:
    url = f"smtp://school:wrong@{guarded.host}:{guarded.port}"
    async with opened(url) as channel:
        assert isinstance(await channel.send(parcel()), Misconfigured)


async def test_no_password_where_one_is_asked(guarded: Inbox) -> None:
    async with opened(f"smtp://{guarded.host}:{guarded.port}") as channel:
        assert isinstance(await channel.send(parcel()), Misconfigured)


async def test_login_without_such_a_thing(inbox: Inbox) -> None:
    async with opened(f"smtp://school:word@{inbox.host}:{inbox.port}") as channel:
        assert isinstance(await channel.send(parcel()), Misconfigured)


async def test_tls_required_where_there_is_none(inbox: Inbox) -> None:
    async with opened(f"{inbox.url}?starttls=required") as channel:
        assert isinstance(await channel.send(parcel()), Misconfigured)
    assert inbox.letters == []


@pytest.mark.parametrize(
    "address", ["", "mama", "@example.org", "ma ma@example.org", "m@e.org\r\nRCPT TO:<x@y>"]
)
async def test_what_is_no_address(inbox: Inbox, address: str) -> None:
    async with opened(inbox.url) as channel:
        assert isinstance(await channel.send(parcel(address)), AddressFailed)
    assert inbox.letters == []


async def test_a_cyrillic_domain_travels_as_a_labels(inbox: Inbox) -> None:
    async with opened(inbox.url) as channel:
        assert await channel.send(parcel("mama@Школа.рф")) == Accepted()
    assert inbox.letters[0].rcpt_to == ("mama@xn--80atdl2c.xn--p1ai",)


async def test_a_cyrillic_mailbox_needs_smtputf8(inbox: Inbox) -> None:
    async with opened(inbox.url) as channel:
        assert await channel.send(parcel("мама@example.org")) == Accepted()
    assert inbox.letters[0].rcpt_to == ("мама@example.org",)
    async with Inbox(smtputf8=False) as old, opened(old.url, connections=1) as channel:
        assert isinstance(await channel.send(parcel("мама@example.org")), AddressFailed)
        assert await channel.send(parcel()) == Accepted()


async def test_connections_are_kept_and_renewed() -> None:
    greeted = 0

    class Counting(Inbox):
        def _protocol(self) -> SMTP:
            nonlocal greeted
            greeted += 1
            return super()._protocol()

    async with Counting() as inbox, opened(inbox.url, connections=1) as channel:
        outcomes = await asyncio.gather(*(channel.send(parcel(number=n)) for n in range(250)))
    assert set(outcomes) == {Accepted()}
    assert greeted == 3  # a hundred each


async def test_an_idle_connection_that_the_server_closed(inbox: Inbox) -> None:
    """A new one is opened within the same attempt: nothing had been said on the old one."""
    async with opened(inbox.url, connections=1) as channel:
        assert await channel.send(parcel()) == Accepted()
        inbox.faults.add(BreakBeforeAccepting(), on="mail", times=1)
        assert await channel.send(parcel()) == Accepted()


async def test_each_letter_goes_to_its_own_address(inbox: Inbox) -> None:
    inbox.faults.add(NO_SUCH_MAILBOX, to="*3@example.org")
    async with opened(inbox.url) as channel:
        outcomes = await asyncio.gather(
            *(
                channel.send(parcel(f"m{n}@example.org", b"Subject: %d\r\n\r\nx\r\n" % n, n))
                for n in range(20)
            )
        )
    failed = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, AddressFailed)]
    assert failed == [3, 13]
    for letter in inbox.letters:
        assert letter.rcpt_to == (f"m{letter.message['Subject']}@example.org",)


@pytest.fixture
def unused_tcp_port() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield int(probe.getsockname()[1])


async def test_a_server_that_wants_the_letter_of_a_refused_address_does_not_get_it() -> None:
    """RFC 2920 3.1: DATA is on its way when the refusal comes; no word of the letter may follow it."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = {b"EHLO": b"250-x\r\n250 PIPELINING\r\n", b"RCPT": b"550 5.1.1 x\r\n", b"DATA": b"354 go\r\n"}
        writer.write(b"220 x\r\n")
        while line := await reader.readline():
            heard.append(line)
            writer.write(said.get(line[:4], b"250 ok\r\n"))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, opened(f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}") as channel:
        for _ in range(2):
            assert isinstance(await channel.send(parcel()), AddressFailed)
    assert [line[:4] for line in heard] == 2 * [b"EHLO", b"MAIL", b"RCPT", b"DATA"]
