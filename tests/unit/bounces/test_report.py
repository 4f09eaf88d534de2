"""What comes back is understood, and nobody is suppressed for what is our fault (R-E5)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.bounces.corpus import CASES, TO, Case

from dispatcher.bounces.report import parsed, read, unsubscribe_token
from dispatcher.bounces.verdict import verdict


@pytest.mark.parametrize("name", CASES)
def test_a_corpus_of_shapes(name: str) -> None:
    case: Case = CASES[name]
    report = read(parsed(case.mail))
    judged = verdict(report)
    assert (report.says, judged.verdict) == (case.says, case.verdict), (report, judged)
    if case.reason:
        assert judged.reason == case.reason
    assert TO not in judged.reason


@given(st.sampled_from(sorted(CASES)), st.integers(0, 3000), st.binary(max_size=40))
@settings(max_examples=150)
def test_no_mail_breaks_it(name: str, place: int, noise: bytes) -> None:
    mail = CASES[name].mail
    verdict(read(parsed(mail[:place] + noise + mail[place + len(noise) :])))


@pytest.mark.parametrize(
    ("subject", "token"),
    [
        ("unsubscribe abcdefghij_klmnop-qrst", "abcdefghij_klmnop-qrst"),
        ("Unsubscribe: abcdefghij_klmnop-qrst", "abcdefghij_klmnop-qrst"),
        ("=?utf-8?q?unsubscribe_abcdefghij=5Fklmnop-qrst?=", "abcdefghij_klmnop-qrst"),
        ("unsubscribe\n abcdefghij_klmnop-qrst", "abcdefghij_klmnop-qrst"),
        ("unsubscribe", None),
        ("=?no-such-charset?b?AAAA?=", None),
        ("", None),
    ],
)
def test_unsubscribing_by_mail(subject: str, token: str | None) -> None:
    """RFC 2369"""
    assert unsubscribe_token(parsed(f"Subject: {subject}\n\n".encode())) == token
