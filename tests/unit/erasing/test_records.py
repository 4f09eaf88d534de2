"""Which records of the bus go with a person, and the register that outlives the database (R-B8)."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import orjson
import pytest

from dispatcher.erasing import register
from dispatcher.erasing.returned import mentions
from shared.erasure import Cause, Order
from shared.mentions import Wanted, speaks_of

ORDER = Order(
    UUID(int=1), "ilinskaya", Cause.WITHDRAWAL, ("p-1",), ("g-1",), (("p-1", "g-1"), ("p-2", "g-7")),
    date(2026, 11, 24), date(2026, 12, 8), "vestnik", datetime(2026, 12, 1, tzinfo=UTC),
)  # fmt: skip
WANTED = Wanted.of(ORDER)


@pytest.mark.parametrize(
    ("record", "goes"),
    [
        ({"subject": "p-1", "data": {"comment": "…"}}, True),
        ({"kind": "moved_to_paper", "pupil": "p-1", "guardian": "g-9"}, True),
        ({"kind": "paper", "pupils": ["p-5"], "guardian": "g-1"}, True),
        ({"kind": "paper", "pupils": ["p-2"], "guardian": "g-7"}, True),
        ({"kind": "paper", "pupils": ["p-2", "p-3"], "guardian": "g-7"}, False),
        ({"subject": "p-11"}, False),
        ({"data": {"class": "6Б", "pupils": ["p-1", "p-2"]}}, False),
        ({"subject": "p-2"}, False),
    ],
)
def test_a_record_goes_when_it_speaks_of_nobody_else(record: dict[str, object], *, goes: bool) -> None:
    assert speaks_of(orjson.dumps(record), WANTED) is goes


def test_an_unreadable_record_goes_by_the_id_as_a_word() -> None:
    assert speaks_of(b'{"subject": "p-1", broken', WANTED)
    assert not speaks_of(b'{"subject": "p-11", broken', WANTED)


def test_a_mail_is_opened_whatever_its_encoding() -> None:
    mail = (
        b"Subject: =?utf-8?B?0JLQvtC30LLRgNCw0YI=?=\nContent-Type: text/plain; charset=koi8-r\n"
        b"Content-Transfer-Encoding: quoted-printable\n\n=FA=D1=C2=CC=C9=CB=CF=D7=C1 =F0=C5=CC=C1=C7=C5=D1\n"
    )
    assert mentions(mail, {"зябликова пелагея"})
    assert mentions(b"\xff\xfe broken pelageya@family.example", {"pelageya@family.example"})
    assert not mentions(mail, {"синицына прасковья"})


def test_the_register_keeps_orders_and_forgives_a_line_cut_short(tmp_path: Path) -> None:
    other = replace(ORDER, id=UUID(int=2))
    register.append(tmp_path, [ORDER])
    path = tmp_path / register.NAME
    path.write_bytes(path.read_bytes() + b'{"id": "00')
    assert register.read(path) == [ORDER]
    register.append(tmp_path, [other])
    assert register.read(path) == [ORDER, other]
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("?\n" + path.read_text())
    with pytest.raises(register.DamagedRegister):
        register.read(path)


def test_an_order_reaches_every_place_of_backups(tmp_path: Path) -> None:
    """R-B8: the copy beside a backup knows of orders given after it; a place away is told about later."""
    data, place, away = tmp_path / "data", tmp_path / "place", tmp_path / "away"
    place.mkdir()
    register.append(data, [])
    register.remember_place(data, place)
    register.remember_place(data, away)
    register.append(data, [ORDER])
    assert register.read(place / register.NAME) == [ORDER]
    away.mkdir()
    register.append(data, [replace(ORDER, id=UUID(int=2))])
    assert len(register.read(away / register.NAME)) == 2
