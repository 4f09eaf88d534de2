"""From a mail that came back to its consequence: taken in by LMTP or from a mailbox, once, and only ours."""

import asyncio
import smtplib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from integration.sending.office import Office, ScriptedPort
from support.buses import eventually
from unit.bounces import corpus

from dispatcher.bounces.intake import LARGEST
from dispatcher.bounces.returns import Returns
from dispatcher.channels.base import Accepted, Parcel
from dispatcher.channels.email import EmailChannel
from dispatcher.channels.verp import Verp
from dispatcher.texts.links import Links
from dispatcher.texts.renderer import Renderer
from sandbox.inbox import Inbox, Letter
from shared.categories import Channel
from shared.db import open_pool
from shared.settings import SettingsError
from shared.topics import Service

BOX = "bounce@school.example"
VERP = Verp(BOX, b"test key")
ANNA = corpus.TO
GONE = corpus.CASES["postfix, no such user"].mail


@pytest.fixture
async def office(database: str) -> AsyncIterator[Office]:
    """Unsubscribing by mail is offered."""
    pool = await open_pool(database, Service.DISPATCHER, largest=8)
    admin = await open_pool(database, largest=3)
    made = Office(pool, admin)
    made.renderer = Renderer(
        mail_from="school@school.example",
        public_url="http://127.0.0.1:8100",
        signing_key=lambda: b"test key",
        bounces_to=BOX,
    )
    await made.found()
    try:
        yield made
    finally:
        await pool.close()
        await admin.close()


def returns(office: Office, *, lmtp: str | None = None, maildir: Path | None = None) -> Returns:
    links: Links = office.renderer.links
    return Returns(office.pool, office.clock, verp=VERP, links=links, lmtp=lmtp, maildir=maildir)


async def settle(office: Office) -> None:
    worker = returns(office).worker
    while await worker.round():
        pass


@dataclass(frozen=True, slots=True)
class Server:
    """The mail server's side of LMTP."""

    port: int

    async def hand(self, recipient: str, mail: bytes, *more: str) -> tuple[int, bytes]:
        return await asyncio.to_thread(self._hand, (recipient, *more), mail)

    def _hand(self, recipients: tuple[str, ...], mail: bytes) -> tuple[int, bytes]:
        with smtplib.LMTP("127.0.0.1", self.port) as session:
            session.ehlo("mx.example.org")
            session.mail("")
            for recipient in recipients:
                answer = session.rcpt(recipient)
            if answer[0] != 250:
                return answer
            return session.data(mail.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


@asynccontextmanager
async def listening(office: Office) -> AsyncIterator[Server]:
    made = returns(office, lmtp="127.0.0.1:0")
    await made.start()
    assert made.listener is not None
    try:
        yield Server(made.listener.port)
    finally:
        await made.stop()


async def sent(office: Office, **family: Any) -> Letter:
    """A letter to Anna that a server accepted."""
    await office.family("1", email=ANNA, **family)
    await office.tell("1")
    async with Inbox() as inbox:
        await office.work(EmailChannel(inbox.url, mail_from="school@school.example", verp=VERP))
        (letter,) = inbox.letters
    return letter


async def kept(office: Office) -> list[Any]:
    return await office.pool.fetch("SELECT * FROM dispatch.returned_mail ORDER BY received_at")


async def listed(office: Office) -> list[tuple[str, str]]:
    rows = await office.pool.fetch("SELECT address, source FROM dispatch.suppression WHERE lifted_at IS NULL")
    return [(row["address"], row["source"]) for row in rows]


async def test_the_envelope_sender_is_the_letters_own_and_its_message_id_is_not_touched(
    office: Office,
) -> None:
    letter = await sent(office)
    (message,) = await office.messages()
    assert letter.mail_from == VERP.sender(message["id"], ANNA)
    assert message["provider_id"] == VERP.token(message["id"], ANNA)
    assert letter.message["Message-ID"] == f"<{message['id']}@school.example>"
    assert "school@school.example" in str(letter.message["From"])


async def test_a_bounce_moves_the_letter_to_sms(office: Office) -> None:
    """R-E5"""
    letter = await sent(office, phone="+79161234567")
    async with listening(office) as server:
        assert (await server.hand(letter.mail_from, GONE))[0] == 250
    (mail,) = await kept(office)
    assert mail["done_at"] is None  # the answer means kept, not settled
    await settle(office)
    sms = ScriptedPort(Channel.SMS)
    await office.work(ScriptedPort(Channel.EMAIL), sms)
    assert await listed(office) == [(ANNA, "bounce")]
    assert await office.statuses() == [("email", "cancelled"), ("sms", "accepted")]
    (mail,) = await kept(office)
    assert (mail["verdict"], mail["reason"], mail["content"]) == ("gone", "dsn: 550 5.1.1", None)
    history = await office.pool.fetch("SELECT * FROM dispatch.message_history WHERE actor = 'bounce'")
    assert [row["to_status"] for row in history] == ["failed", "composed"]
    assert history[0]["reason"] == "dsn: 550 5.1.1"


async def test_brought_twice_it_counts_once(office: Office) -> None:
    letter = await sent(office, phone="+79161234567")
    async with listening(office) as server:
        for _ in range(2):
            assert (await server.hand(letter.mail_from, GONE))[0] == 250
            await settle(office)
    assert len(await kept(office)) == 1
    # another mail about the same letter changes nothing either
    async with listening(office) as server:
        await server.hand(letter.mail_from, GONE.replace(b"MAILER-DAEMON", b"postmaster"))
    await settle(office)
    assert [row["to_status"] for row in await office.pool.fetch(_BY_BOUNCE)] == ["failed", "composed"]


_BY_BOUNCE = "SELECT to_status FROM dispatch.message_history WHERE actor = 'bounce' ORDER BY id"


@pytest.mark.parametrize(
    "recipient",
    [
        "bounce+aaaabbbbccccddddeeeeffffgggghhhhiiiijjjjkkkkllllmmmm@school.example",
        "anna@school.example",
        "bounce@school.example.evil.example",
        Verp(BOX, b"forged").sender(UUID(int=1), ANNA),
    ],
)
async def test_what_we_did_not_sign_is_not_even_taken(office: Office, recipient: str) -> None:
    """Nobody silences a family by writing to us."""
    await sent(office)
    async with listening(office) as server:
        assert (await server.hand(recipient, GONE))[0] == 550
    assert await kept(office) == []


async def test_a_report_to_the_bare_address_is_believed_by_nobody(office: Office) -> None:
    await sent(office)
    async with listening(office) as server:
        assert (await server.hand(BOX, GONE))[0] == 250
    assert await kept(office) == []
    assert await office.statuses() == [("email", "accepted")]


@pytest.mark.parametrize(
    ("case", "on_the_list", "status"),
    [
        ("postfix, still trying", [], "accepted"),
        ("vacation", [], "accepted"),
        ("a person's answer", [], "accepted"),
        ("spam", [], "composed"),
        ("postfix, over quota", [(ANNA, "bounce")], "composed"),
        ("abuse", [(ANNA, "complaint")], "accepted"),
    ],
)
async def test_what_follows(
    office: Office, case: str, on_the_list: list[tuple[str, str]], status: str
) -> None:
    """R-E5; policy suppresses nobody, a delay and a vacation are no failures, a complaint was delivered."""
    letter = await sent(office)
    async with listening(office) as server:
        await server.hand(letter.mail_from, corpus.CASES[case].mail)
    await settle(office)
    assert await listed(office) == on_the_list
    assert await office.statuses() == [("email", status)]


async def test_a_refusal_for_policy_goes_by_another_way_and_operators_are_told_once(office: Office) -> None:
    letter = await sent(office)
    change = await office.pool.fetchval("SELECT change FROM dispatch.decision")
    async with listening(office) as server:
        for number in range(3):
            mail = corpus.CASES["gmail, unauthenticated"].mail + b"%d" % number
            await server.hand(letter.mail_from, mail)
    await settle(office)
    email = ScriptedPort(Channel.EMAIL)
    await office.work(email)
    assert email.parcels == []
    assert (await office.decision(change))["verdict"] == "paper"
    notices = await office.pool.fetch("SELECT value FROM dispatch.outbox WHERE topic = 'staff.notices'")
    assert len(notices) == 1
    assert b"mail_refused" in notices[0]["value"]
    assert ANNA.encode() not in notices[0]["value"]


async def test_a_complaint_may_come_to_any_address_of_ours(office: Office) -> None:
    """RFC 5965: the letter is recognised by the return path it quotes; a forged one is not."""
    letter = await sent(office)
    forged = Verp(BOX, b"forged").sender(UUID(int=1), ANNA)
    async with listening(office) as server:
        assert (await server.hand(BOX, corpus.complaint("abuse", forged)))[0] == 250
        assert await kept(office) == []
        await server.hand(BOX, corpus.complaint("abuse", letter.mail_from))
    await settle(office)
    assert await listed(office) == [(ANNA, "complaint")]


async def test_unsubscribing_by_mail(office: Office) -> None:
    """RFC 2369, RFC 8058: the same list as by the button"""
    letter = await sent(office)
    header = str(letter.message["List-Unsubscribe"])
    address, _, subject = header.partition("mailto:")[2].rstrip(">").partition("?subject=")
    assert address == BOX
    mail = f"From: {ANNA}\nTo: {BOX}\nSubject: {subject.replace('%20', ' ')}\n\n".encode()
    async with listening(office) as server:
        assert (await server.hand(BOX, mail.replace(b"unsubscribe ", b"unsubscribe X")))[0] == 250
        assert await kept(office) == []
        assert (await server.hand(BOX, mail))[0] == 250
    await settle(office)
    assert await listed(office) == [(ANNA, "unsubscribed")]
    assert await office.pool.fetchval("SELECT stopped_because FROM consent.contact") == "unsubscribed"


async def test_an_unread_one_of_ours_is_kept_for_a_person_but_not_whole(office: Office) -> None:
    letter = await sent(office)
    mail = corpus.CASES["a person's answer"].mail + b"x" * 200_000
    async with listening(office) as server:
        await server.hand(letter.mail_from, mail)
        await server.hand(letter.mail_from, GONE)
    await settle(office)
    dead, gone = await kept(office)
    assert (dead["verdict"], len(dead["content"])) == ("dead", 65_536)
    assert gone["content"] is None
    await office.admin.execute("UPDATE dispatch.returned_mail SET done_at = now() - interval '31 days'")
    await returns(office).worker.purge()
    assert await kept(office) == []


async def test_too_much_is_refused_and_recipients_come_one_by_one(office: Office) -> None:
    letter = await sent(office)
    async with listening(office) as server:
        assert (await server.hand(letter.mail_from, b"x: y\n\n" + b"z\n" * LARGEST))[0] == 552
        assert (await server.hand(BOX, GONE, letter.mail_from))[0] == 452
    assert await kept(office) == []


async def test_without_a_database_it_is_not_taken_over(office: Office) -> None:
    letter = await sent(office)
    made = returns(office, lmtp="127.0.0.1:0")
    await made.start()
    assert made.listener is not None
    server = Server(made.listener.port)
    await office.admin.execute("ALTER TABLE dispatch.returned_mail RENAME TO away")
    try:
        code, _ = await server.hand(letter.mail_from, GONE)
        assert code == 451
    finally:
        await office.admin.execute("ALTER TABLE dispatch.away RENAME TO returned_mail")
        await made.stop()


async def test_a_crash_between_the_answer_and_its_consequence_loses_nothing(office: Office) -> None:
    """Killed inside the transaction of the consequence: the next process does it again, once."""
    letter = await sent(office)
    async with listening(office) as server:
        assert (await server.hand(letter.mail_from, GONE))[0] == 250
    blocker = await office.admin.acquire()
    hold = blocker.transaction()
    await hold.start()
    await blocker.execute("SELECT FROM dispatch.message FOR UPDATE")
    half_way = asyncio.create_task(settle(office))

    async def waits() -> bool:
        return bool(
            await office.admin.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            )
        )

    await eventually(waits)
    half_way.cancel()
    await asyncio.gather(half_way, return_exceptions=True)
    await hold.rollback()
    await office.admin.release(blocker)
    assert await listed(office) == []
    await office.pool.execute("UPDATE dispatch.returned_mail SET next_attempt_at = now()")
    await settle(office)
    assert await listed(office) == [(ANNA, "bounce")]
    assert await office.statuses() == [("email", "composed")]


async def test_a_bounce_that_overtakes_the_settling(office: Office) -> None:
    """The server bounced it before we had noted that it accepted it."""
    await office.family("1", email=ANNA)
    await office.tell("1")
    async with listening(office) as server:

        async def bounces_at_once(parcel: Parcel) -> Accepted:
            await server.hand(VERP.sender(parcel.message, ANNA), GONE)
            await settle(office)
            return Accepted(VERP.token(parcel.message, ANNA))

        await office.work(ScriptedPort(Channel.EMAIL, [bounces_at_once]))
    assert await office.statuses() == [("email", "accepted")]
    assert await listed(office) == [(ANNA, "bounce")]
    await office.pool.execute("UPDATE dispatch.returned_mail SET next_attempt_at = now()")
    await settle(office)
    assert await office.statuses() == [("email", "composed")]


async def test_a_mailbox_as_a_folder(office: Office, tmp_path: Path) -> None:
    """What concerns us is kept, what does not stays a letter nobody has read."""
    letter = await sent(office)
    for name in ("new", "cur", "tmp"):
        (tmp_path / name).mkdir()
    ours = GONE.replace(b"To: bounce@school.example", f"Delivered-To: {letter.mail_from}".encode())
    (tmp_path / "new" / "1.host").write_bytes(ours)
    (tmp_path / "new" / "2.host").write_bytes(b"From: head@example.org\nSubject: private\n\nhello\n")
    made = returns(office, maildir=tmp_path)
    await made.start()
    running = asyncio.create_task(made.run())

    async def settled() -> bool:
        return await listed(office) == [(ANNA, "bounce")] and not list((tmp_path / "new").iterdir())

    try:
        await eventually(settled)
    finally:
        await made.stop()
        await running
    assert sorted(path.name for path in (tmp_path / "cur").iterdir()) == ["1.host:2,", "2.host:2,"]
    assert len(await kept(office)) == 1


async def test_settings_that_lead_nowhere_say_so(office: Office, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="VESTNIK_BOUNCE_MAILDIR"):
        await returns(office, maildir=tmp_path).start()
    with pytest.raises(SettingsError, match="VESTNIK_BOUNCE_LMTP"):
        await returns(office, lmtp=f"unix:{tmp_path}/none/socket").start()


async def test_a_letter_to_staff_that_came_back_is_untold(office: Office) -> None:
    await office.pool.execute(
        """WITH made AS (INSERT INTO dispatch.notice_letter (address, ended_at, outcome)
                         VALUES ('teacher@school.example', now(), 'accepted') RETURNING id),
                said AS (INSERT INTO dispatch.notice (id, kind, details, at, addressed_at, told_at)
                         VALUES (uuidv7(), 'moved_to_paper', '{}', now(), now(), now()) RETURNING id)
           INSERT INTO dispatch.notice_addressee
           SELECT said.id, 'teacher@school.example', made.id FROM made, said"""
    )
    letter = await office.pool.fetchval("SELECT id FROM dispatch.notice_letter")
    async with listening(office) as server:
        await server.hand(VERP.sender(letter, "teacher@school.example"), GONE)
    await settle(office)
    notice = await office.pool.fetchrow("SELECT told_at, untold_because FROM dispatch.notice")
    assert tuple(notice) == (None, "refused")
