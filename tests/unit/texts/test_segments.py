"""What an SMS costs, against the arithmetic of 3GPP TS 23.038 and against the gateway's own count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.texts.segments import GSM_BASIC, GSM_EXTENDED, segments
from sandbox.sms import segments as billed


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 151, 2),  # an escaped letter is not torn apart: 152, then 153
        ("a" * 152 + "€" + "a" * 152, 3),
        ("я" * 70, 1),
        ("я" * 71, 2),
        ("я" * 134, 2),
        ("я" * 135, 3),
        ("я" * 66 + "😀" + "я" * 66, 3),  # nor an emoji: 66, then 68
        ("a" * 159 + "«", 3),  # one such letter makes the whole of it Unicode
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_counts(text: str, parts: int) -> None:
    assert segments(text) == parts


@given(st.text(max_size=700))
def test_never_fewer_than_the_gateway_bills(text: str) -> None:
    assert segments(text) >= billed(text)


@given(st.text(alphabet=st.characters(min_codepoint=0x410, max_codepoint=0x44F), max_size=700))
def test_plain_russian_is_billed_alike(text: str) -> None:
    assert segments(text) == billed(text)


@given(st.text(alphabet=sorted(GSM_BASIC | GSM_EXTENDED), max_size=700), st.text(max_size=3))
def test_longer_never_costs_less_and_one_part_is_the_least(text: str, more: str) -> None:
    assert 1 <= segments(text) <= segments(text + more)
