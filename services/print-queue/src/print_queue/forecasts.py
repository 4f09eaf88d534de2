"""Which forecasts a sheet shows: the latest of every period that is still open (R-A7).

A forecast is not news of one week: it stands on every sheet until its period ends or its final mark is
known, whenever the journal computed it.
"""

from collections.abc import Iterable
from datetime import date

from print_queue.entries import Entry
from shared.categories import Category


def current_forecasts(own: Iterable[Entry], *, since: date) -> list[Entry]:
    """Of one pupil's entries. `since` is the day the week opened; a period that names no end is shown
    while its forecast is fresh."""
    own = [entry for entry in own if not entry.removed]
    known = {_about(entry) for entry in own if entry.category is Category.FINAL_MARK}
    latest: dict[tuple[object, object], Entry] = {}
    for entry in own:
        if entry.category is not Category.FORECAST or _about(entry) in known or not _open(entry, since):
            continue
        best = latest.get(_about(entry))
        if best is None or (entry.version, entry.key) > (best.version, best.key):
            latest[_about(entry)] = entry
    return list(latest.values())


def _about(entry: Entry) -> tuple[object, object]:
    """Course and period, as the journal names them."""
    return _name(entry.data.get("course")), _name(entry.data.get("period"))


def _name(value: object) -> object:
    return value.get("name") if isinstance(value, dict) else value


def _open(entry: Entry, since: date) -> bool:
    period = entry.data.get("period")
    ends_on = period.get("ends_on") if isinstance(period, dict) else None
    if not isinstance(ends_on, str):
        return entry.fresh
    try:
        return date.fromisoformat(ends_on[:10]) >= since
    except ValueError:
        return entry.fresh
