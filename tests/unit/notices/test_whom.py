"""Who is told what: each kind reaches its own staff and nobody else (R-E4, R-E5)."""

from datetime import UTC, datetime

import orjson
import pytest

from dispatcher.notices.notice import Kind, Notice, read
from dispatcher.notices.whom import Account, Nobody, Staff, addresses, teaches

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
FACTS = {
    "channel": "sms",
    "reason": "smsaero: 401",
    "guardian": "g-1",
    "pupil": "p-1",
    "occasion": "week",
    "name": "2026-W47",
    "state": "typeset",
    "hand_out_by": "2026-11-24T12:00:00+00:00",
    "on": "2026-12-24",
    "due": "2026-09-05",
}
STAFF = Staff(
    (
        Account("s", "op", "operator", "op@s.example"),
        Account("s", "boss", "admin", "boss@s.example"),
        Account("s", "t7", "teacher", " T7@s.example "),
        Account("s", "t8", "teacher", "t8@s.example"),
        Account("s", "mute", "teacher", " "),
        Account("s", "it", "it", "it@s.example"),
        Account("s", "desk", "secretary", "desk@s.example"),
        Account("z", "boss", "admin", "boss@z.example"),
        Account("z", "t7", "teacher", "t7@z.example"),
    ),
    {("s", "7Б"): ("t7", "mute"), ("s", "8А"): ("t8", "gone"), ("s", "9В"): ("mute",), ("z", "7Б"): ("t7",)},
)


def notice(kind: str, *, school: str | None = "s", class_name: str = "7Б") -> Notice:
    said = {"kind": kind, "class": class_name, **FACTS} | ({"school": school} if school else {})
    return read(orjson.dumps(said), now=NOW)


@pytest.mark.parametrize("kind", [Kind.NOT_MY_CHILD, "from_the_future"])
def test_a_schools_own_operators(kind: str) -> None:
    assert addresses(notice(kind), STAFF) == {"op@s.example"}
    assert addresses(notice(kind, school="z"), STAFF) == {"boss@z.example"}, "no operator: the admin"


@pytest.mark.parametrize("kind", [Kind.CHANNEL_PAUSED, Kind.SMS_LIST_UNREACHABLE, "from_the_future"])
def test_what_concerns_every_school_goes_to_all_operators(kind: str) -> None:
    assert addresses(notice(kind, school=None), STAFF) == {"op@s.example", "boss@z.example"}


@pytest.mark.parametrize("kind", [Kind.PAPER_NOT_HANDED_OUT, Kind.MOVED_TO_PAPER])
def test_what_concerns_a_class_goes_to_its_own_teachers(kind: str) -> None:
    assert addresses(notice(kind), STAFF) == {"t7@s.example"}
    assert addresses(notice(kind, class_name="8А"), STAFF) == {"t8@s.example"}
    assert addresses(notice(kind, class_name="9В"), STAFF) is Nobody.NO_ADDRESS
    assert addresses(notice(kind, class_name="1А"), STAFF) is Nobody.NO_STAFF


def test_only_a_classs_own_teacher_teaches_it() -> None:
    assert teaches("t7@s.example", "s", "7Б", STAFF)
    for other in ("t8@s.example", "op@s.example", "t7@z.example", ""):
        assert not teaches(other, "s", "7Б", STAFF)


@pytest.mark.parametrize(
    "value",
    [
        b"{",
        b"[]",
        b"{}",
        b'{"kind": 1}',
        b'{"kind": ""}',
        b'{"kind": "x", "school": 5}',
        b'{"kind": "x", "at": "yesterday"}',
        b'{"kind": "x", "at": "2026-11-24T12:00:00"}',
        b'{"kind": "not_my_child", "school": "s"}',
        b'{"kind": "moved_to_paper", "school": "s", "pupil": "p"}',
    ],
)
def test_what_cannot_be_a_notice_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(value, now=NOW)


def test_the_time_of_a_notice() -> None:
    """Its own, else when it fell due, else now."""
    due = notice(Kind.PAPER_NOT_HANDED_OUT)
    assert due.at == datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    assert read(b'{"kind": "x"}', now=NOW).at == NOW
    assert read(b'{"kind": "x", "at": "2026-11-20T12:00:00Z"}', now=NOW).at.day == 20


def test_equal_records_are_one_notice() -> None:
    assert notice("x").id == notice("x").id != notice("y").id


def test_the_desk_is_told_with_the_class_teacher() -> None:
    """R-C8, R-B11: secretaries, and where a school has none its admins."""
    assert addresses(notice(Kind.PUPIL_TURNS_18), STAFF) == {"t7@s.example", "desk@s.example"}
    assert addresses(notice(Kind.LISTS_NOT_ROLLED_OVER), STAFF) == {"desk@s.example"}
    assert addresses(notice(Kind.LISTS_NOT_ROLLED_OVER, school="z"), STAFF) == {"boss@z.example"}
