"""Writing CloudEvents the way a journal does (DESIGN §3)."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sandbox.journal.school import Class, Pupil


class Expect(StrEnum):
    """What ingest is to make of an event."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    STALE = "stale"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Moment:
    """An event and the school-time instant at which the journal sends it; `order` breaks ties."""

    at: datetime
    event: dict[str, Any]
    order: int
    expect: Expect = Expect.ACCEPTED


class Pen:
    """Gives each event its id and each entity its number, both unique over seeds and weeks by `series`."""

    def __init__(self, source: str, series: str) -> None:
        self.rng = random.Random(f"pen/{series}")
        self._source, self._series = source, series
        self._events = self._entities = 0

    def entity(self, kind: str) -> str:
        self._entities += 1
        return f"{kind}/{self._series}-{self._entities}"

    def write(
        self,
        type_: str,
        at: datetime,
        data: dict[str, Any],
        *,
        pupil: Pupil | None = None,
        group: Class | None = None,
        revision: int = 1,
        expect: Expect = Expect.ACCEPTED,
    ) -> Moment:
        """An event recorded at `at` and sent some seconds later. `data` must hold `entity`."""
        self._events += 1
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": f"{self._series}-{self._events:07d}",
            "source": self._source,
            "type": type_,
            "time": at.isoformat(),
            "datacontenttype": "application/json",
            "data": {"revision": revision, **data},
        }
        home = pupil.group if pupil else group
        if home:
            event["data"]["class"] = home.name
        if pupil:
            event["subject"] = pupil.id
        return Moment(at + timedelta(seconds=5 + self._events % 25), event, self._events, expect)

    def again(self, moment: Moment, later: timedelta, expect: Expect) -> Moment:
        """The very same event sent once more."""
        self._events += 1
        return Moment(moment.at + later, moment.event, self._events, expect)
