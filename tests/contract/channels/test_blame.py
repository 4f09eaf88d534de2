"""Whose fault a failed call is, over real servers that are slow, cut, answer nonsense or say «too fast»:
the breaker counts what the provider does, never what one family's address does (DESIGN §7)."""

from uuid import uuid4

import pytest

from dispatcher.channels.base import Blame, Outcome, Parcel, Retry, Unknown
from dispatcher.channels.email import EmailChannel
from dispatcher.channels.sms import SmsChannel
from sandbox.faults import MAILBOX_FULL, BreakBeforeAccepting, Garbage, Misbehaviour, Refuse, Slow
from sandbox.inbox import Inbox
from sandbox.smsaero import SmsAero

LETTER = b"From: <a@s.example>\r\nTo: <b@s.example>\r\nSubject: x\r\n\r\nx\r\n"


def _whose(outcome: Outcome) -> Blame | None:
    """An unknown outcome is always the provider's."""
    if isinstance(outcome, Unknown):
        return Blame.PROVIDER
    return outcome.blame if isinstance(outcome, Retry) else None


async def _letter(url: str) -> Outcome:
    port = EmailChannel(url, mail_from="a@s.example", connections=1, timeout=1.0)
    try:
        return await port.send(Parcel(uuid4(), "s", ("b@s.example",), LETTER))
    finally:
        await port.close()


@pytest.mark.parametrize(
    ("fault", "blame"),
    [
        (Refuse(421, "4.3.2 Too many connections"), Blame.PACE),
        (Refuse(450, "4.2.0 Greylisted"), Blame.MESSAGE),
        (MAILBOX_FULL, Blame.MESSAGE),
        (Refuse(550, "5.1.1 No such mailbox"), None),
        (BreakBeforeAccepting(), Blame.PROVIDER),
        (Slow(5), Blame.PROVIDER),
        (Garbage(), Blame.PROVIDER),
    ],
    ids=str,
)
async def test_mail(fault: Misbehaviour, blame: Blame | None) -> None:
    async with Inbox() as inbox:
        inbox.faults.add(fault)
        assert _whose(await _letter(inbox.url)) is blame


async def test_nobody_listens() -> None:
    assert _whose(await _letter("smtp://127.0.0.1:1")) is Blame.PROVIDER


@pytest.mark.parametrize(
    ("fault", "blame"),
    [
        (Refuse(429, "Too many requests"), Blame.PACE),
        (Refuse(500), Blame.PROVIDER),
        (Garbage(), Blame.PROVIDER),
        (BreakBeforeAccepting(), Blame.PROVIDER),
        (Slow(5), Blame.PROVIDER),
        (Refuse(400, "reject: spam"), None),
    ],
    ids=str,
)
async def test_sms(fault: Misbehaviour, blame: Blame | None) -> None:
    async with SmsAero(advance_after=None) as gateway:
        gateway.faults.add(fault)
        port = SmsChannel(
            email=gateway.email, api_key=gateway.api_key, sign="Vestnik", url=gateway.url, timeout=3
        )
        sent = await port.send(Parcel(uuid4(), "s", ("+79161234567",), "Иван П.: пропуск".encode()))
        await port.close()
        assert _whose(sent) is blame
