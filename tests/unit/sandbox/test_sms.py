"""How SMS are counted and listed."""

import pytest

from sandbox.sms import Shelf, is_loopback, normal_number, segments


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("x" * 160, 1),
        ("x" * 161, 2),
        ("x" * 306, 2),
        ("x" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("я" * 70, 1),
        ("я" * 71, 2),
        ("я" * 134, 2),
        ("я" * 135, 3),
        ("🙂" * 35, 1),
        ("🙂" * 36, 2),
        ("x" * 70 + "№", 2),
        ("Иванов И.: отсутствовал на 2 уроке (математика) 21.11", 1),
    ],
)
def test_segments(text: str, parts: int) -> None:
    assert segments(text) == parts


def test_numbers() -> None:
    assert normal_number("+79161234567") == normal_number(79161234567) == "79161234567"
    assert [normal_number(bad) for bad in ("", "123", "8(916)1234567", "1" * 16, None)] == [None] * 5


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:80/x", True),
        ("http://localhost/x", True),
        ("http://[::1]/x", True),
        ("http://127.0.0.1.evil.example/", False),
        ("http://example.org/127.0.0.1", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_callbacks_stay_at_home(url: str, loopback: bool) -> None:  # noqa: FBT001 - a table's column
    assert is_loopback(url) is loopback


def test_an_empty_shelf_has_one_page() -> None:
    listed = Shelf().page([], None, page=1, size=50)
    assert listed["totalCount"] == "0"
    assert set(listed["links"]) == {"self", "first", "last"}
