"""Header text as RFC 2047 wants it, word by word: not every reader joins words before it decodes them."""

import base64
import re
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.texts.clean import line
from dispatcher.texts.mime import encoded, mailbox

WORD = re.compile(r"=\?utf-8\?b\?([A-Za-z0-9+/=]*)\?=")


@given(st.text(max_size=300))
def test_every_word_stands_alone(text: str) -> None:
    said = encoded(text)
    assert said.isascii()
    for word in said.split("\r\n "):
        assert len(word) <= 75
        if found := WORD.fullmatch(word):
            base64.b64decode(found[1]).decode()  # whole letters only
    assert str(make_header(decode_header(said.replace("\r\n", "")))) == line(text.replace("\u00a0", " "))


@pytest.mark.parametrize("text", ["Journal", "a_b 1-2"])
def test_plain_words_stay_plain(text: str) -> None:
    assert encoded(text) == text


@pytest.mark.parametrize("text", ["=?utf-8?b?0L8=?=", "Doe, John", "a" * 61, 'a"b', "a@b"])
def test_what_a_parser_could_misread_is_encoded(text: str) -> None:
    assert WORD.search(encoded(text))


def test_a_mailbox_ends_where_it_should() -> None:
    assert mailbox("", "a@b.example>, <c@d.example") == "<a@b.examplec@d.example>"
    assert mailbox("x\r\nBcc: y", "a@b.example").count("\r\n") == 1  # its own fold
