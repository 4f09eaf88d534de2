"""The tables of failures are total, and nobody is suppressed for what is our fault."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.channels import push_replies, sms, sms_statuses, smtp_replies
from dispatcher.channels.base import (
    Accepted,
    AddressFailed,
    MessageFailed,
    Misconfigured,
    Outcome,
    Retry,
    Unknown,
)
from dispatcher.channels.email import envelope_address
from dispatcher.channels.push import allowed
from dispatcher.channels.sms_statuses import Word
from dispatcher.channels.smsaero_client import Refused
from dispatcher.channels.smtp_pool import Server
from dispatcher.channels.smtp_replies import Stage

NOW = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
OUTCOMES = (Accepted, AddressFailed, MessageFailed, Misconfigured, Retry, Unknown)


@given(st.integers(-1, 999), st.text(), st.sampled_from(Stage))
def test_any_smtp_reply(code: int, text: str, stage: Stage) -> None:
    outcome = smtp_replies.judge(code, text, stage)
    assert isinstance(outcome, OUTCOMES)
    if 400 <= code < 500:
        assert isinstance(outcome, Retry)
    if isinstance(outcome, AddressFailed):
        assert stage in {Stage.RCPT, Stage.DATA, Stage.DOT}


@given(st.integers(500, 599), st.integers(0, 99), st.text(), st.sampled_from(Stage))
def test_policy_never_suppresses(code: int, detail: int, text: str, stage: Stage) -> None:
    assert not isinstance(smtp_replies.judge(code, f"5.7.{detail} {text}", stage), AddressFailed)


@given(st.integers(400, 599), st.text(), st.sampled_from(Stage))
def test_a_reason_repeats_nothing_the_server_said(code: int, text: str, stage: Stage) -> None:
    """R-D3: servers like to quote the address."""
    outcome = smtp_replies.judge(code, f"<mama@example.org>: {text}", stage)
    assert "mama" not in str(getattr(outcome, "reason", ""))


@given(st.integers(100, 599), st.text(max_size=20), st.frozensets(st.text(max_size=10)))
def test_any_answer_of_the_sms_gateway(status: int, result: str, fields: frozenset[str]) -> None:
    assert isinstance(sms.judge(Refused(status, result, "", fields)), OUTCOMES)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"number"}, AddressFailed),
        ({"sign"}, Misconfigured),
        ({"text"}, MessageFailed),
        ({"x"}, MessageFailed),
    ],
)
def test_what_the_sms_gateway_complains_of(fields: set[str], expected: type[Outcome]) -> None:
    assert isinstance(sms.judge(Refused(400, "", "Validation error.", frozenset(fields))), expected)


@given(st.integers(-1, 40_000))
def test_only_three_status_numbers_end_an_sms(status: int) -> None:
    ends = {1: Word.DELIVERED, 2: Word.UNDELIVERED, 6: Word.REJECTED}
    assert sms_statuses.meaning(status) is ends.get(status, Word.ON_ITS_WAY)
    assert sorted(sms_statuses.FINAL) == sorted(ends)


@given(st.integers(100, 599), st.none() | st.text(max_size=40))
def test_any_answer_of_a_push_service(status: int, retry_after: str | None) -> None:
    outcome = push_replies.judge(status, retry_after, now=NOW)
    assert isinstance(outcome, OUTCOMES)
    assert isinstance(outcome, AddressFailed) == (status in {404, 410})


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("120", timedelta(minutes=2)),
        ("-5", timedelta()),
        ("Mon, 23 Nov 2026 15:31:00 GMT", timedelta(minutes=1)),
        ("Mon, 23 Nov 2026 15:29:00 GMT", timedelta()),
        ("99999999999999999999", None),
        ("9999999", push_replies.LONGEST_WAIT),
    ],
)
def test_retry_after(said: str | None, wait: timedelta | None) -> None:
    assert push_replies.wait(said, now=NOW) == wait


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([AddressFailed("x"), Accepted()], Accepted(dead=("0",))),
        ([Retry("r", timedelta(9)), Retry("s", timedelta(3))], Retry("r", timedelta(3))),
        ([AddressFailed("x"), Retry("r")], Retry("r", dead=("0",))),
        ([Misconfigured("m"), Unknown("u")], Unknown("u")),
        ([MessageFailed("x"), Misconfigured("m")], Misconfigured("m")),
        ([AddressFailed("x"), AddressFailed("y")], AddressFailed("x", dead=("0", "1"))),
        ([], AddressFailed("push: no device")),
    ],
)
def test_several_devices(outcomes: list[Outcome], expected: Outcome) -> None:
    assert push_replies.together([(str(n), one) for n, one in enumerate(outcomes)]) == expected


@pytest.mark.parametrize(
    ("endpoint", "fits"),
    [
        ("https://fcm.googleapis.com/fcm/send/x", True),
        ("https://fcm.googleapis.com:443/fcm/send/x", True),
        ("https://FCM.googleapis.com/x", True),
        ("https://web.push.apple.com/x", True),
        ("https://push.apple.com/x", False),
        ("https://evilpush.apple.com/x", False),
        ("https://push.apple.com.evil.example/x", False),
        ("https://fcm.googleapis.com:8443/x", False),
        ("https://fcm.googleapis.com@evil.example/x", False),
        ("http://fcm.googleapis.com/x", False),
        ("http://127.0.0.1:9000/x", True),
        ("http://127.0.0.1:9001/x", False),
        ("https://[::1/x", False),
        ("https://fcm.googleapis.com:99999/x", False),
    ],
)
def test_push_hosts(endpoint: str, fits: bool) -> None:  # noqa: FBT001
    assert allowed(endpoint, ("fcm.googleapis.com", "*.push.apple.com", "127.0.0.1:9000")) is fits


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://127.0.0.1:25", Server("127.0.0.1", 25, None, None, False, False)),
        ("smtp://mail.example", Server("mail.example", None, None, None, False, None)),
        ("smtp://u:p%40ss@mail.example:587", Server("mail.example", 587, "u", "p@ss", False, True)),
        ("smtp://mail.example?starttls=required", Server("mail.example", None, None, None, False, True)),
        ("smtp://mail.example?starttls=never", Server("mail.example", None, None, None, False, False)),
        ("smtps://u:p@mail.example", Server("mail.example", None, "u", "p", True, False)),
    ],
)
def test_smtp_urls(url: str, server: Server) -> None:
    """A password never goes in the clear unless somebody says so."""
    assert Server.parse(url) == server


@given(st.text())
def test_any_text_as_an_address(address: str) -> None:
    try:
        made = envelope_address(address)
    except ValueError:
        return
    assert not any(char.isspace() or ord(char) < 32 for char in made)
    assert made.rpartition("@")[2].isascii()
