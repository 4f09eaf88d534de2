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


# 3GPP TS 23.038 §6.2.1, by code, row after row of the default alphabet; \x1b leads to the extension table.
ALPHABET = (
    "\u0040\u00a3\u0024\u00a5\u00e8\u00e9\u00f9\u00ec\u00f2\u00c7\u000a\u00d8\u00f8\u000d\u00c5\u00e5"
    "\u0394\u005f\u03a6\u0393\u039b\u03a9\u03a0\u03a8\u03a3\u0398\u039e\u001b\u00c6\u00e6\u00df\u00c9"
    "\u0020\u0021\u0022\u0023\u00a4\u0025\u0026\u0027\u0028\u0029\u002a\u002b\u002c\u002d\u002e\u002f"
    "0123456789:;<=>?"
    "\u00a1ABCDEFGHIJKLMNOPQRSTUVWXYZ\u00c4\u00d6\u00d1\u00dc\u00a7"
    "\u00bfabcdefghijklmnopqrstuvwxyz\u00e4\u00f6\u00f1\u00fc\u00e0"
)
EXTENSION = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
}
EXTENSION |= {0x65: "€"}
CODES = {char: bytes([code]) for code, char in enumerate(ALPHABET) if char != "\x1b"}
CODES |= {char: bytes([0x1B, code]) for code, char in EXTENSION.items()}


def _counted(text: str) -> int:
    """Independently: the text is coded, then cut into parts at whole characters."""
    if set(text) <= CODES.keys():
        coded, single, part = [CODES[char] for char in text], 160, 153
    else:
        coded, single, part = [char.encode("utf-16-be", "surrogatepass") for char in text], 140, 134
    if len(b"".join(coded)) <= single:
        return 1
    parts = [b""]
    for char in coded:
        if len(parts[-1] + char) > part:
            parts.append(b"")
        parts[-1] += char
    return len(parts)


def test_the_tables_are_the_standards() -> None:
    assert len(ALPHABET) == 128
    assert {char for char, code in CODES.items() if len(code) == 1} == GSM_BASIC
    assert set(EXTENSION.values()) == GSM_EXTENDED


_LATIN = st.text(alphabet=sorted(CODES), max_size=480)
_MIXED = st.text(alphabet=[*"abя«€{😀𝔸", "\u0301"], max_size=220)


@given(st.one_of(_LATIN, _MIXED, st.text(max_size=220)))
def test_counts_as_the_standard_codes_it(text: str) -> None:
    assert segments(text) == _counted(text)
