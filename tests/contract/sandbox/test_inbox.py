"""The SMTP inbox driven by aiosmtplib, as our channel drives it."""

import asyncio
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import httpx
import pytest

from sandbox.faults import (
    MAIL_SERVER_BUSY,
    MAILBOX_FULL,
    NO_SUCH_MAILBOX,
    BreakAfterAccepting,
    BreakBeforeAccepting,
    Garbage,
    HangAfterAccepting,
    Refuse,
    Slow,
)
from sandbox.inbox import Inbox


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    async with Inbox() as server:
        yield server


def letter(to: str = "mama@example.org", text: str = "Алёна получила 5") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "school@example.org", to, "Отметки"
    message["Message-ID"] = "<1@vestnik.example>"
    message.set_content(text)
    return message


async def send(inbox: Inbox, message: EmailMessage, *, seconds: float = 5) -> None:
    async with aiosmtplib.SMTP(
        hostname=inbox.host, port=inbox.port, timeout=seconds, start_tls=False
    ) as client:
        if inbox.login:
            await client.login(*inbox.login)
        await client.send_message(message)


async def test_letters_are_kept_in_order(inbox: Inbox) -> None:
    for text in ("один", "два", "три"):
        await send(inbox, letter(text=text))
    assert [one.text.strip() for one in inbox.letters] == ["один", "два", "три"]
    first = inbox.letters[0]
    assert (first.mail_from, first.rcpt_to) == ("school@example.org", ("mama@example.org",))
    assert first.message["Subject"] == "Отметки"


async def test_one_connection_carries_many(inbox: Inbox) -> None:
    async with aiosmtplib.SMTP(hostname=inbox.host, port=inbox.port, start_tls=False) as client:
        for _ in range(20):
            await client.send_message(letter())
    assert len(inbox.letters) == 20


async def test_each_letter_is_a_file(tmp_path: Path) -> None:
    async with Inbox(folder=tmp_path / "mail") as inbox:
        await send(inbox, letter())
        (file,) = (tmp_path / "mail").iterdir()
        assert file.name == "00001-mama@example.org.eml"
        assert file.read_bytes() == inbox.letters[0].content


async def test_login_is_asked_where_configured() -> None:
    async with Inbox(login=("school", "pa:ss")) as inbox:
        assert inbox.url == f"smtp://school:pa%3Ass@127.0.0.1:{inbox.port}"
        await send(inbox, letter())
        async with aiosmtplib.SMTP(hostname=inbox.host, port=inbox.port, start_tls=False) as client:
            with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
                await client.send_message(letter())
            assert refused.value.code == 530
        async with aiosmtplib.SMTP(hostname=inbox.host, port=inbox.port, start_tls=False) as client:
            with pytest.raises(aiosmtplib.SMTPAuthenticationError):
                await client.login("school", "wrong")
        inbox.faults.add(Refuse(535), on="auth")
        with pytest.raises(aiosmtplib.SMTPAuthenticationError):
            await send(inbox, letter())
    assert len(inbox.letters) == 1


@pytest.mark.parametrize("on", [True, False])
async def test_extensions_are_switched(*, on: bool) -> None:
    async with (
        Inbox(pipelining=on, eightbitmime=on, smtputf8=on) as inbox,
        aiosmtplib.SMTP(hostname=inbox.host, port=inbox.port, start_tls=False) as client,
    ):
        await client.ehlo()
        for extension in ("pipelining", "8bitmime", "smtputf8"):
            assert client.supports_extension(extension) is on


async def test_commands_sent_in_one_go_are_answered_in_order(inbox: Inbox) -> None:
    reader, writer = await asyncio.open_connection(inbox.host, inbox.port)
    writer.write(
        b"EHLO me\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n"
        b"DATA\r\nSubject: x\r\n\r\nx\r\n.\r\nQUIT\r\n"
    )
    said = (await reader.read()).decode().splitlines()
    writer.close()
    await writer.wait_closed()
    assert [line[:3] for line in said if line[3:4] == " "] == [
        "220",
        "250",
        "250",
        "250",
        "354",
        "250",
        "221",
    ]
    assert len(inbox.letters) == 1


@pytest.mark.parametrize("refusal", [NO_SUCH_MAILBOX, MAILBOX_FULL, MAIL_SERVER_BUSY])
async def test_an_address_is_refused_at_rcpt(inbox: Inbox, refusal: Refuse) -> None:
    inbox.faults.add(refusal, to="no-such-mailbox@example.org")
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
        await send(inbox, letter("no-such-mailbox@example.org"))
    assert refused.value.recipients[0].code == refusal.code
    assert refused.value.recipients[0].message == refusal.text
    await send(inbox, letter())
    assert [one.rcpt_to for one in inbox.letters] == [("mama@example.org",)]


async def test_a_refusal_after_the_final_dot(inbox: Inbox) -> None:
    inbox.faults.add(Refuse(554, "5.7.1 Looks like spam"), on="data")
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await send(inbox, letter())
    assert refused.value.code == 554
    assert inbox.letters == []


async def test_break_after_accepting_keeps_the_letter_and_says_nothing(inbox: Inbox) -> None:
    inbox.faults.add(BreakAfterAccepting(), times=1)
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await send(inbox, letter())
    assert len(inbox.letters) == 1
    await send(inbox, letter())
    assert len(inbox.letters) == 2


async def test_break_before_accepting_keeps_nothing(inbox: Inbox) -> None:
    inbox.faults.add(BreakBeforeAccepting(), times=1)
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await send(inbox, letter())
    assert inbox.letters == []


async def test_hang_after_accepting_times_the_client_out(inbox: Inbox) -> None:
    inbox.faults.add(HangAfterAccepting())
    with pytest.raises((aiosmtplib.SMTPReadTimeoutError, aiosmtplib.SMTPServerDisconnected)):
        await send(inbox, letter(), seconds=0.3)
    assert len(inbox.letters) == 1


async def test_stop_cuts_those_who_hang() -> None:
    inbox = await Inbox().start()
    inbox.faults.add(HangAfterAccepting())
    waiting = asyncio.create_task(send(inbox, letter()))
    await inbox.wait_for(1)
    await inbox.stop()
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await waiting


async def test_garbage_is_no_answer(inbox: Inbox) -> None:
    inbox.faults.add(Garbage(), times=1)
    with pytest.raises(aiosmtplib.SMTPException):
        await send(inbox, letter())
    assert inbox.letters == []


async def test_slow_but_right(inbox: Inbox) -> None:
    inbox.faults.add(Slow(0.2))
    started = asyncio.get_running_loop().time()
    await send(inbox, letter())
    assert asyncio.get_running_loop().time() - started >= 0.2
    assert len(inbox.letters) == 1


async def test_faults_are_set_over_http(inbox: Inbox) -> None:
    async with httpx.AsyncClient(base_url=inbox.control_url) as control:
        rule = {"kind": "refuse", "code": 550, "text": "5.1.1 No", "to": "*@bad.example", "times": 1}
        assert (await control.post("/control/faults", json=rule)).status_code == 200
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
            await send(inbox, letter("who@bad.example"))
        await send(inbox, letter("who@bad.example"))
        assert (await control.get("/control/faults")).json()[0]["times"] == 0
        assert (await control.post("/control/faults", json={"kind": "sulk"})).status_code == 422
        assert (await control.put("/control/faults", json=[rule, rule])).json() == [
            {**rule, "retry_after": None, "on": None, "probability": 1.0}
        ] * 2
        assert (await control.delete("/control/faults")).json() == []
        (seen,) = (await control.get("/control/letters")).json()
        assert (seen["message_id"], seen["subject"]) == ("<1@vestnik.example>", "Отметки")
        assert (await control.get("/control/letters?after=1")).json() == []
