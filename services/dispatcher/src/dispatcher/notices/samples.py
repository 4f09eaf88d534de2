"""A made-up notice of every kind, for previews: what members of staff are told. Nobody here exists."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from dispatcher.notices.letter import StaffLetters
from dispatcher.notices.notice import FACTS, Kind, read
from dispatcher.notices.store import Letter
from dispatcher.notices.view import Seen

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
_MOSCOW = ZoneInfo("Europe/Moscow")
_SAID = {
    "channel": "sms",
    "channels": "email sms",
    "class": "7Б",
    "due": "2026-09-05",
    "guardian": "g-17",
    "hand_out_by": "2026-11-24T12:00:00Z",
    "late": "12",
    "leavings": "14",
    "name": "2026-W47",
    "occasion": "week",
    "on": "2026-12-24",
    "pupil": "p-1",
    "reason": "smsaero: 401",
    "rows": "2",
    "school": "ilinskaya",
    "state": "typeset",
}


def seen(kind: Kind) -> Seen:
    """A notice of this kind; a fact without a believable value stands under its own name."""
    said = {"kind": kind, "at": NOW.isoformat(), **{fact: _SAID.get(fact, fact) for fact in FACTS[kind]}}
    notice = read(orjson.dumps(said), now=NOW)
    home = "МБОУ Ильинская СОШ" if notice.school else None
    return Seen(notice, NOW.astimezone(_MOSCOW), _MOSCOW, home, "Иван Петров" if "pupil" in said else None)


def letter(kind: Kind) -> bytes:
    """The whole e-mail."""
    writer = StaffLetters(
        mail_from="vestnik@ilinskaya.example", public_url="https://vestnik.ilinskaya.example"
    )
    return writer.write(Letter(UUID(int=7), "staff@ilinskaya.example", 1, timedelta()), [seen(kind)], now=NOW)
