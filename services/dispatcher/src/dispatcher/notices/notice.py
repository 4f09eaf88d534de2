"""A notice as it is on the bus: what happened, in one school, one class or everywhere. Ids only."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Any
from uuid import UUID

import orjson


class Kind(StrEnum):
    """What this version has words for; any other kind is told to operators as it is."""

    CHANNEL_PAUSED = "channel_paused"
    SMS_LIST_UNREACHABLE = "sms_list_unreachable"
    MAIL_REFUSED = "mail_refused"
    NOT_MY_CHILD = "not_my_child"
    PAPER_NOT_HANDED_OUT = "paper_not_handed_out"
    MOVED_TO_PAPER = "moved_to_paper"
    SMS_LIST_LIES = "sms_list_lies"
    FAMILY_UNREACHABLE = "family_unreachable"
    DEADLINE_LATE = "deadline_late"
    LEDGER_DISAGREES = "ledger_disagrees"
    PROVIDER_AWAY = "provider_away"
    SMS_BUDGET_LOW = "sms_budget_low"
    SMS_BUDGET_SPENT = "sms_budget_spent"
    PUPIL_TURNS_18 = "pupil_turns_18"
    LISTS_NOT_ROLLED_OVER = "lists_not_rolled_over"
    ERASURE_OVERDUE = "erasure_overdue"
    ERASURE_BRAKED = "erasure_braked"


FACTS: dict[Kind, tuple[str, ...]] = {
    Kind.CHANNEL_PAUSED: ("channel", "reason"),
    Kind.SMS_LIST_UNREACHABLE: (),
    Kind.MAIL_REFUSED: ("school", "reason"),
    Kind.NOT_MY_CHILD: ("school", "guardian"),
    Kind.PAPER_NOT_HANDED_OUT: ("school", "class", "occasion", "name", "state", "hand_out_by"),
    Kind.MOVED_TO_PAPER: ("school", "class", "pupil"),
    Kind.SMS_LIST_LIES: (),
    Kind.FAMILY_UNREACHABLE: ("school", "class", "pupil", "instead"),
    Kind.DEADLINE_LATE: ("school", "late", "channels"),
    Kind.LEDGER_DISAGREES: ("rows",),
    Kind.PROVIDER_AWAY: ("channel", "reason"),
    Kind.SMS_BUDGET_LOW: ("school", "month", "segments", "limit"),
    Kind.SMS_BUDGET_SPENT: ("school", "month", "segments", "limit"),
    Kind.PUPIL_TURNS_18: ("school", "class", "pupil", "on"),
    Kind.LISTS_NOT_ROLLED_OVER: ("school", "due"),
    Kind.ERASURE_OVERDUE: ("school", "late"),
    Kind.ERASURE_BRAKED: ("school", "leavings"),
}
"""What a notice of each kind must say, all of it text."""


@dataclass(frozen=True, slots=True)
class Notice:
    """`at` is school time; `details` is the whole record."""

    id: UUID
    kind: str
    school: str | None
    class_name: str | None
    details: dict[str, Any]
    at: datetime


def read(value: bytes, *, now: datetime) -> Notice:
    """The notice of a record. Equal records are one notice, wherever they lie in the log, so that a
    relay's repeat tells nobody twice. `now`: school time, for a record that says no time of its own.
    Raises ValueError with a reason for operators."""
    said = orjson.loads(value)
    if not isinstance(said, dict):
        raise ValueError("not an object")  # noqa: TRY004 - the record is wrong, not the call
    kind = _text(said, "kind")
    if not kind:
        raise ValueError("no kind")
    if kind in FACTS:
        for fact in FACTS[Kind(kind)]:
            if not _text(said, fact):
                raise ValueError(f"no {fact}")
    times = [instant(text) for name in ("at", "hand_out_by") if (text := _text(said, name))]
    return Notice(
        id=UUID(bytes=blake2b(value, digest_size=16, person=b"vestnik notice").digest()),
        kind=kind,
        school=_text(said, "school") or None,
        class_name=_text(said, "class") or None,
        details=said,
        at=times[0] if times else now,
    )


def instant(said: str) -> datetime:
    """Raises ValueError also for an instant without an offset."""
    at = datetime.fromisoformat(said)
    if at.utcoffset() is None:
        raise ValueError("an instant without an offset")
    return at


def _text(said: dict[str, Any], name: str) -> str:
    value = said.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a text")  # noqa: TRY004 - the record is wrong, not the call
    return value
