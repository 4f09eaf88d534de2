"""Links that act without a login cannot be guessed, changed, or used for another address (R-D1)."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from dispatcher.texts.links import Claim, Links, Purpose

LINKS = Links(public_url="https://vestnik.example", key=lambda: b"one secret")
ids = st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


@given(ids, ids, ids)
def test_what_goes_in_comes_out(school: str, guardian: str, address: str) -> None:
    token = LINKS.token(Purpose.UNSUBSCRIBE, school, guardian, address)
    assert LINKS.read(token) == Claim(Purpose.UNSUBSCRIBE, school, guardian, LINKS.digest(address))


@given(st.integers(min_value=0), st.integers(1, 255))
def test_no_byte_can_be_changed(place: int, by: int) -> None:
    token = LINKS.token(Purpose.UNSUBSCRIBE, "s", "g", "mama@example.org")
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    raw[place % len(raw)] ^= by
    assert LINKS.read(base64.urlsafe_b64encode(raw).decode().rstrip("=")) is None


@given(st.text(max_size=200))
def test_what_we_did_not_make(token: str) -> None:
    assert LINKS.read(token) is None


def test_another_installation_cannot_make_ours() -> None:
    other = Links(public_url="https://vestnik.example", key=lambda: b"another secret")
    assert LINKS.read(other.token(Purpose.NOT_MINE, "s", "g", "a")) is None


def test_the_address_is_not_inside() -> None:
    url = LINKS.unsubscribe(school="s", guardian="g-1", address="mama@example.org")
    token = url.rpartition("/")[2]
    assert b"mama" not in base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    claim = LINKS.read(token)
    assert claim is not None
    assert claim.address == LINKS.digest(" Mama@Example.org")
    assert claim.address != LINKS.digest("papa@example.org")
