"""The register of orders outside the database: a backup taken before an order must not bring anybody back.

`erasures.jsonl` in the data folder holds every order, written before anything is destroyed; a copy lies
beside every backup whose place can be reached. `vestnik restore` carries all of them out again (ADR 26).
Ids and days only.
"""

import json
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from uuid import UUID

import structlog

from shared.erasure import Cause, Order
from shared.whole_file import write_whole

log = structlog.get_logger()

NAME = "erasures.jsonl"
_PLACES = "backup-places.json"


class DamagedRegister(ValueError):
    """A line of a register that cannot be read."""


def line_of(order: Order) -> str:
    """An order as it stands in the register."""
    return json.dumps(
        {
            "id": str(order.id),
            "school": order.school,
            "cause": order.cause.value,
            "pupils": list(order.pupils),
            "guardians": list(order.guardians),
            "ties": [list(pair) for pair in order.ties],
            "received_on": order.received_on.isoformat(),
            "destroy_by": order.destroy_by.isoformat(),
            "ordered_by": order.ordered_by,
            "ordered_at": order.ordered_at.isoformat(),
        },
        ensure_ascii=False,
    )


def read(path: Path) -> list[Order]:
    """Raises FileNotFoundError, or DamagedRegister for any line but a last one cut short by a crash."""
    lines = path.read_text(encoding="utf-8").split("\n")
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found.append(_order(json.loads(line)))
        except (ValueError, KeyError, TypeError) as wrong:
            if number == len(lines):  # without its line end: the order was never given
                continue
            raise DamagedRegister(f"{path}, {number}") from wrong
    return found


def append(data: Path, orders: Iterable[Order]) -> None:
    """Note orders in the data folder, durably, and beside the backups that can be reached."""
    data.mkdir(parents=True, exist_ok=True)
    path = data / NAME
    whole = path.read_bytes() if path.exists() else b""
    if whole and not whole.endswith(b"\n"):
        whole = whole[: whole.rfind(b"\n") + 1]
    write_whole(path, whole + "".join(f"{line_of(order)}\n" for order in orders).encode())
    for place in places(data):
        mirror(data, place)


def mirror(data: Path, place: Path) -> bool:
    """Bring the copy beside the backups up to date; False where the place cannot be reached."""
    ours = data / NAME
    try:
        if not place.is_dir():
            raise FileNotFoundError(place)
        known = {order.id: order for path in (place / NAME, ours) if path.exists() for order in read(path)}
        write_whole(place / NAME, "".join(f"{line_of(order)}\n" for order in known.values()).encode())
    except OSError as wrong:
        log.error("erasure.register_not_mirrored", error=type(wrong).__name__)  # noqa: TRY400 - the reason is the whole story
        return False
    return True


def remember_place(data: Path, place: Path) -> None:
    """Backups are kept there from now on."""
    known = sorted({*map(str, places(data)), str(place)})
    write_whole(data / _PLACES, json.dumps(known, ensure_ascii=False).encode())


def places(data: Path) -> list[Path]:
    try:
        return [Path(place) for place in json.loads((data / _PLACES).read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return []


def _order(said: dict[str, object]) -> Order:
    def texts(name: str) -> tuple[str, ...]:
        value = said[name]
        if not isinstance(value, list):
            raise TypeError(name)
        return tuple(map(str, value))

    ties = said["ties"]
    if not isinstance(ties, list):
        raise TypeError("ties")
    return Order(
        UUID(str(said["id"])),
        str(said["school"]),
        Cause(str(said["cause"])),
        texts("pupils"),
        texts("guardians"),
        tuple((str(pupil), str(guardian)) for pupil, guardian in ties),
        date.fromisoformat(str(said["received_on"])),
        date.fromisoformat(str(said["destroy_by"])),
        str(said["ordered_by"]),
        datetime.fromisoformat(str(said["ordered_at"])),
    )
