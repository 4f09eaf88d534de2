"""Envelope senders that tell a bounce's letter, and that nobody else can make (R-D3)."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.channels.verp import LONGEST_LOCAL, Verp

KEY = b"a key for tests"
VERP = Verp("bounce@school.example", KEY)


@given(st.uuids(), st.emails())
def test_a_sender_is_read_back(message: UUID, address: str) -> None:
    sender = VERP.sender(message, address)
    local = sender.rpartition("@")[0]
    assert len(local) <= 64
    for said in (sender, f"<{sender.upper()}>", f"To: x <{sender}>\nDelivered-To: {sender}"):
        found = VERP.find(said)
        assert found is not None
        assert (found.message, found.address) == (message, VERP.digest(f" {address.upper()} "))
        assert found.token == VERP.token(message, address)


def test_it_names_nobody() -> None:
    """R-D3"""
    sender = VERP.sender(uuid4(), "anna@example.org")
    assert "anna" not in sender
    assert "example.org" not in sender


@pytest.mark.parametrize("place", [0, 10, 30, 44, 50])
def test_a_changed_letter_makes_it_worthless(place: int) -> None:
    local, _, domain = VERP.sender(UUID(int=7), "anna@example.org").rpartition("@")
    where = len("bounce+") + place
    other = "a" if local[where] != "a" else "b"
    assert VERP.find(f"{local[:where]}{other}{local[where + 1 :]}@{domain}") is None


def test_another_key_another_box_another_domain() -> None:
    sender = VERP.sender(UUID(int=7), "anna@example.org")
    assert Verp("bounce@school.example", b"other").find(sender) is None
    assert Verp("return@school.example", KEY).find(sender) is None
    assert VERP.find(sender.replace("school.example", "school.example.evil.example")) is None
    assert VERP.find(f"x{sender}") is None


def test_a_forged_one_before_a_true_one_does_not_hide_it() -> None:
    true = VERP.sender(UUID(int=7), "anna@example.org")
    forged = Verp("bounce@school.example", b"other").sender(UUID(int=8), "olga@example.org")
    found = VERP.find(f"{forged} {true}")
    assert found is not None
    assert found.message == UUID(int=7)


def test_a_long_mailbox_has_no_room_for_a_token() -> None:
    assert Verp(f"{'b' * LONGEST_LOCAL}@school.example", KEY)
    with pytest.raises(ValueError, match="at most 11"):
        Verp(f"{'b' * (LONGEST_LOCAL + 1)}@school.example", KEY)
