"""Mails that come back, in the shapes of servers families have; every address is made up (example.org)."""

from dataclasses import dataclass

from dispatcher.bounces.report import Says
from dispatcher.bounces.verdict import Verdict

TO = "anna@example.org"


@dataclass(frozen=True, slots=True)
class Case:
    """A mail, what it says and what follows from it; `reason` as it is kept."""

    mail: bytes
    says: Says
    verdict: Verdict
    reason: str = ""


def report(
    *,
    action: str = "failed",
    status: str,
    diagnostic: str | None,
    person: str = "This is the mail system at host mx.example.org.",
    headers: str = "From: MAILER-DAEMON@mx.example.org (Mail Delivery System)\nAuto-Submitted: auto-replied",
    original: str = "Subject: =?utf-8?b?0J7RhtC10L3QutC4?=",
) -> bytes:
    """An RFC 3464 report as Postfix, Exim and Exchange shape it."""
    said = f"Diagnostic-Code: {diagnostic}\n" if diagnostic is not None else ""
    return f"""{headers}
To: bounce@school.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

{person}

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
Arrival-Date: Mon, 23 Nov 2026 18:30:00 +0300 (MSK)

Original-Recipient: rfc822;{TO}
Final-Recipient: rfc822; {TO}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.example.org
{said}
--B
Content-Type: text/rfc822-headers

{original}

--B--
""".encode()


def plain(headers: str, body: str) -> bytes:
    return f"{headers}\nContent-Type: text/plain; charset=utf-8\n\n{body}\n".encode()


def complaint(kind: str, return_path: str = "bounce@school.example") -> bytes:
    """RFC 5965, as feedback loops send it."""
    return f"""From: feedback@provider.example
To: abuse@school.example
Subject: FW: school
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="B"

--B
Content-Type: text/plain

This is an email abuse report.

--B
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <{return_path}>

--B
Content-Type: message/rfc822

Return-Path: <{return_path}>
From: school@school.example
To: {TO}
Subject: x

x

--B--
""".encode()


DAEMON = "From: Mail Delivery Subsystem <mailer-daemon@mx.example.org>\nTo: bounce@school.example"

CASES: dict[str, Case] = {
    "postfix, no such user": Case(
        report(
            status="5.1.1",
            diagnostic=f"smtp; 550 5.1.1 <{TO}>: Recipient address rejected: User unknown in local table",
        ),
        Says.FAILED,
        Verdict.GONE,
        "dsn: 550 5.1.1",
    ),
    "postfix, no such domain": Case(
        report(
            status="5.4.4",
            diagnostic="X-Postfix; Host or domain name not found. Name service error for name=no.example",
        ),
        Says.FAILED,
        Verdict.GONE,
        "dsn: 550 5.4.4",
    ),
    "postfix, still trying": Case(
        report(action="delayed", status="4.4.1", diagnostic="X-Postfix; connect to mx: timed out"),
        Says.DELAYED,
        Verdict.NOTHING,
    ),
    "postfix, tried for five days": Case(
        report(status="4.4.1", diagnostic="X-Postfix; connect to mx.example.org[192.0.2.1]:25: timed out"),
        Says.FAILED,
        Verdict.RESTS,
        "dsn: 450 4.4.1",
    ),
    "postfix, delivered": Case(
        report(action="delivered", status="2.0.0", diagnostic="smtp; 250 2.0.0 Ok"),
        Says.DELIVERED,
        Verdict.NOTHING,
    ),
    "postfix, over quota": Case(
        report(status="5.2.2", diagnostic="x-unix; maildir over quota"),
        Says.FAILED,
        Verdict.RESTS,
        "dsn: 550 5.2.2",
    ),
    "gmail, over quota for days": Case(
        report(status="4.2.2", diagnostic=f"smtp; 452-4.2.2 The recipient's inbox is out of storage. {TO}"),
        Says.FAILED,
        Verdict.RESTS,
        "dsn: 452 4.2.2",
    ),
    "gmail, unauthenticated": Case(
        report(status="5.7.26", diagnostic="smtp; 550-5.7.26 This mail has been blocked: unauthenticated"),
        Says.FAILED,
        Verdict.REFUSED,
        "dsn: 550 5.7.26",
    ),
    "spam": Case(
        report(status="5.7.1", diagnostic="smtp; 554 5.7.1 Message rejected under suspicion of SPAM"),
        Says.FAILED,
        Verdict.REFUSED,
        "dsn: 554 5.7.1",
    ),
    "too big": Case(
        report(status="5.3.4", diagnostic="smtp; 552 5.3.4 Message size exceeds fixed limit"),
        Says.FAILED,
        Verdict.REFUSED,
        "dsn: 552 5.3.4",
    ),
    "yandex, no such user under a policy code": Case(
        report(
            status="5.7.1",
            diagnostic="smtp; 550 5.7.1 No such user!",
            headers="From: mailer-daemon@mail.example.org\nAuto-Submitted: auto-replied",
            person="Это письмо отправлено почтовым сервером. К сожалению, мы вынуждены сообщить Вам "
            "о том, что Ваше письмо не может быть отправлено.",
        ),
        Says.FAILED,
        Verdict.GONE,
        "dsn: 550 5.7.1",
    ),
    "mail.ru, no enhanced code at all": Case(
        report(
            status="5.0.0",
            diagnostic=f"smtp; 550 Message was not accepted -- invalid mailbox. Local mailbox {TO} is"
            " unavailable: user not found",
        ),
        Says.FAILED,
        Verdict.GONE,
        "dsn: 550",
    ),
    "mail.ru, spam": Case(
        report(
            status="5.0.0", diagnostic="smtp; 550 spam message rejected. Please visit http://help.example/"
        ),
        Says.FAILED,
        Verdict.REFUSED,
        "dsn: 550",
    ),
    "exim with a report": Case(
        report(
            status="5.0.0",
            diagnostic=f"smtp; 550-5.1.1 <{TO}>: user does not exist",
            headers=f"X-Failed-Recipients: {TO}\nAuto-Submitted: auto-replied\n"
            "From: Mail Delivery System <Mailer-Daemon@mx.example.org>",
        ),
        Says.FAILED,
        Verdict.GONE,
        "dsn: 550 5.1.1",
    ),
    "exim as of old": Case(
        plain(
            f"X-Failed-Recipients: {TO}\nAuto-Submitted: auto-replied\n"
            "From: Mail Delivery System <Mailer-Daemon@mx.example.org>\nTo: bounce@school.example",
            f"""This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  {TO}
    SMTP error from remote mail server after RCPT TO:<{TO}>:
    host mx.example.org [192.0.2.1]: 550 5.1.1 User unknown
""",
        ),
        Says.FAILED,
        Verdict.GONE,
        "dsn: 550 5.1.1",
    ),
    "exchange, unknown": Case(
        report(
            status="5.1.10",
            diagnostic="smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP lookup",
            headers="From: <postmaster@example.org>\nX-MS-Exchange-Message-Is-Ndr: ",
            person="Ваше сообщение не доставлено. Не удалось найти получателя.",
        ),
        Says.FAILED,
        Verdict.GONE,
        "dsn: 550 5.1.10",
    ),
    "exchange online, unknown under a routing code": Case(
        report(status="5.4.1", diagnostic="smtp;550 5.4.1 Recipient address rejected: Access denied."),
        Says.FAILED,
        Verdict.GONE,
        "dsn: 550 5.4.1",
    ),
    "exchange, not allowed to write to": Case(
        report(
            status="5.7.133",
            diagnostic="smtp;550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup",
        ),
        Says.FAILED,
        Verdict.REFUSED,
        "dsn: 550 5.7.133",
    ),
    "qmail": Case(
        plain(
            DAEMON.replace("Mail Delivery Subsystem ", ""),
            f"""Hi. This is the qmail-send program at mx.example.org.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<{TO}>:
192.0.2.1 does not like recipient.
Remote host said: 550 5.2.1 Mailbox disabled
Giving up on 192.0.2.1.

--- Below this line is a copy of the message.

Return-Path: <bounce@school.example>
""",
        ),
        Says.FAILED,
        Verdict.GONE,
        "dsn: 550 5.2.1",
    ),
    "failed, and nobody says why": Case(
        report(status="5.0.0", diagnostic=None), Says.FAILED, Verdict.RESTS, "dsn: 550"
    ),
    "no such action": Case(
        report(action="pondering", status="5.1.1", diagnostic=None), Says.UNREADABLE, Verdict.DEAD
    ),
    "vacation": Case(
        plain(
            f"From: {TO}\nTo: bounce@school.example\nAuto-Submitted: auto-replied\nSubject: Отпуск",
            "Я в отпуске. Ошибка 550 5.1.1 user unknown тут ни при чём.",
        ),
        Says.AUTOMATIC,
        Verdict.NOTHING,
    ),
    "vacation of a program without manners": Case(
        plain(f"From: {TO}\nPrecedence: auto_reply\nSubject: Out of office", "Back on Monday."),
        Says.AUTOMATIC,
        Verdict.NOTHING,
    ),
    "a person's answer": Case(
        plain(f"From: {TO}\nTo: bounce@school.example\nSubject: Re: school", "Спасибо!"),
        Says.UNREADABLE,
        Verdict.DEAD,
    ),
    "abuse": Case(complaint("abuse"), Says.COMPLAINT, Verdict.COMPLAINT, "arf: complaint"),
    "fraud": Case(complaint("fraud"), Says.COMPLAINT, Verdict.COMPLAINT, "arf: complaint"),
    "not spam after all": Case(complaint("not-spam"), Says.AUTOMATIC, Verdict.NOTHING),
    "a DMARC failure report": Case(complaint("auth-failure"), Says.AUTOMATIC, Verdict.NOTHING),
    "empty": Case(b"", Says.UNREADABLE, Verdict.DEAD),
    "bytes": Case(bytes(range(256)) * 4, Says.UNREADABLE, Verdict.DEAD),
    "a report cut in the middle": Case(
        report(status="5.1.1", diagnostic="smtp; 550 5.1.1 unknown")[:420], Says.UNREADABLE, Verdict.DEAD
    ),
}
