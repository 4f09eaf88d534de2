"""Letters to staff as they are read, kept in `golden/`. After a change: UPDATE_GOLDEN=1, then read them."""

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default as email_policy
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import pytest

from dispatcher.notices.letter import StaffLetters, subject
from dispatcher.notices.notice import Kind, read
from dispatcher.notices.store import Letter
from dispatcher.notices.view import Seen

GOLDEN = Path(__file__).parent / "golden"
MOSCOW = ZoneInfo("Europe/Moscow")
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
LETTER = Letter(UUID(int=7), "teacher@s.example", 1, timedelta(0))
AT = {"at": "2026-11-24T06:30:00+00:00"}
SCHOOL: dict[str, Any] = {"school": "s", "class": "7Б", **AT}


def seen(kind: str, *, home: str = "Школа № 5", **facts: Any) -> Seen:
    one = read(orjson.dumps({"kind": kind, **facts}), now=NOW)
    return Seen(one, one.at.astimezone(MOSCOW), MOSCOW, home if one.school else None)


PAUSED = seen(Kind.CHANNEL_PAUSED, channel="sms", reason="smsaero: 401", **AT)
LIST = seen(Kind.SMS_LIST_UNREACHABLE, **AT)
REFUSED = seen(Kind.MAIL_REFUSED, reason="dsn: 550 5.7.26", **SCHOOL)
NOT_MINE = seen(Kind.NOT_MY_CHILD, guardian="g-17", **SCHOOL)
LATE = {"occasion": "week", "name": "2026-W47", "state": "typeset", "hand_out_by": "2026-11-24T12:00:00Z"}
NOT_HANDED = seen(Kind.PAPER_NOT_HANDED_OUT, **SCHOOL, **LATE)
EXTRA = seen(
    Kind.PAPER_NOT_HANDED_OUT,
    **SCHOOL | LATE | {"occasion": "extra", "name": "2026-11-24", "state": "printed"},
)
ODD = seen(Kind.PAPER_NOT_HANDED_OUT, **SCHOOL | LATE | {"name": "2026-Wxx", "state": "burnt"})
MOVED = [
    replace(seen(Kind.MOVED_TO_PAPER, **SCHOOL | {"pupil": number}), pupil=name)
    for number, name in (("p-1", "Петров Иван"), ("p-2", "Орлова Анна"), ("p-3", None))
]
AWAY = seen(Kind.PROVIDER_AWAY, channel="email", reason="smtp: SMTPConnectError at connect")
LOW = seen(Kind.SMS_BUDGET_LOW, month="2026-11", segments="16000", limit="20000", **SCHOOL)
SPENT = seen(Kind.SMS_BUDGET_SPENT, month="2026-11", segments="19999", limit="20000", **SCHOOL)
UNREACHABLE = [
    replace(
        seen(Kind.FAMILY_UNREACHABLE, **SCHOOL | {"pupil": number, "instead": instead}), pupil="Петров Иван"
    )
    for number, instead in (("p-1", "paper"), ("p-2", "nothing"))
]
DEADLINE = seen(Kind.DEADLINE_LATE, late="12", channels="email sms", **SCHOOL)
FUTURE = seen("meteor_seen", size=12, **SCHOOL)
COMING = {"pupil": "p-1", "on": "2026-12-24"}
TURNS_18 = [
    replace(seen(Kind.PUPIL_TURNS_18, **SCHOOL | COMING), pupil="Иван Петров"),
    seen(Kind.PUPIL_TURNS_18, **SCHOOL | {"class": "11А", "pupil": "p-2", "on": "someday"}),
]
LETTERS: dict[str, Sequence[Seen]] = {
    "channel_paused": [PAUSED],
    "sms_list_unreachable": [LIST],
    "mail_refused": [REFUSED],
    "not_my_child": [NOT_MINE],
    "paper_not_handed_out": [NOT_HANDED, EXTRA, ODD],
    "moved_to_paper": MOVED,
    "sms_list_lies": [seen(Kind.SMS_LIST_LIES, **AT)],
    "family_unreachable": UNREACHABLE,
    "deadline_late": [DEADLINE],
    "provider_away": [AWAY],
    "sms_budget_low": [LOW],
    "sms_budget_spent": [SPENT],
    "pupil_turns_18": TURNS_18,
    "lists_not_rolled_over": [seen(Kind.LISTS_NOT_ROLLED_OVER, due="2026-09-05", **SCHOOL)],
    "erasure_overdue": [seen(Kind.ERASURE_OVERDUE, late="2", **SCHOOL)],
    "erasure_braked": [seen(Kind.ERASURE_BRAKED, leavings="14", **SCHOOL)],
    "unknown": [FUTURE],
    "several": [
        PAUSED,
        NOT_MINE,
        seen(Kind.NOT_MY_CHILD, home="Лицей", guardian="g-3", **(SCHOOL | {"school": "z"})),
    ],
}


def readable(content: bytes) -> str:
    message = message_from_bytes(content, policy=email_policy)
    headers = "".join(f"{name}: {value}\n" for name, value in message.items())
    return headers + "\n" + str(message.get_content()).replace("\r\n", "\n")


def written(said: Sequence[Seen]) -> str:
    letters = StaffLetters(mail_from="Школа <vestnik@s.example>", public_url="https://vestnik.s.example/")
    return readable(letters.write(LETTER, said, now=NOW))


@pytest.mark.parametrize("name", sorted(LETTERS))
def test_golden(name: str) -> None:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(written(LETTERS[name]), encoding="utf-8")
    assert written(LETTERS[name]) == path.read_text(encoding="utf-8")


def test_nothing_golden_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(LETTERS)


@pytest.mark.parametrize(
    ("number", "said"), [(2, "2 сообщения"), (5, "5 сообщений"), (11, "11 сообщений"), (21, "21 сообщение")]
)
def test_how_much_it_is(number: int, said: str) -> None:
    assert subject([PAUSED, *[NOT_MINE] * (number - 1)]) == f"Вестник: {said} для вас"


def test_a_subject_names_nobody() -> None:
    """R-D3: subjects show on locked screens."""
    for said in LETTERS.values():
        assert "Петров" not in subject(said)
        assert "7" not in subject(said)


def test_what_services_say_cannot_steer_the_letter() -> None:
    said = seen("evil\r\nBcc: x@y", text="a\nb" * 600, **AT)
    letter = written([said])
    assert "\nBcc" not in letter
    assert max(map(len, letter.splitlines())) < 500
