"""One absence alert per child and day (R-B2): who has had one, and who gives it up again.

Pure bookkeeping for the batch in hand. An alert that was cancelled before anybody got it was
not given: the next absence of the day may take it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from uuid import UUID

from dispatcher.planning.decision import AlertKey
from dispatcher.planning.facts import Alert

# Which alerts of the day mute a new one. A lateness never mutes the first absence: the child came
# late and was then missed, which is the very thing an alert is for.
MUTED_BY: Mapping[Alert, tuple[Alert, ...]] = {
    Alert.ABSENCE: (Alert.ABSENCE,),
    Alert.LATENESS: (Alert.ABSENCE, Alert.LATENESS),
}


class AlertBook:
    """`given`: alerts by the change that gave them. `taken` and `released` are what changed since."""

    def __init__(self, given: Mapping[AlertKey, UUID]) -> None:
        self._given = dict(given)
        self._held: dict[tuple[UUID, str], list[AlertKey]] = defaultdict(list)
        for key, change in given.items():
            self._held[change, key.guardian].append(key)
        self.taken: dict[AlertKey, UUID] = {}
        self.released: dict[AlertKey, None] = {}

    def turn_page(self) -> None:
        """Forget what changed: it has been handed over."""
        self.taken, self.released = {}, {}

    def take(
        self, alert: Alert, *, change: UUID, school: str, guardian: str, pupils: Iterable[str], day: date
    ) -> bool:
        """Take the alert of the day for those children who had none; False when none is left."""
        fresh = [
            pupil
            for pupil in pupils
            if not any(
                AlertKey(school, guardian, pupil, day, kind) in self._given for kind in MUTED_BY[alert]
            )
        ]
        for pupil in fresh:
            key = AlertKey(school, guardian, pupil, day, alert)
            self._given[key] = self.taken[key] = change
            self._held[change, guardian].append(key)
        return bool(fresh)

    def release(self, change: UUID, guardian: str) -> None:
        """Give back what this change took for this guardian."""
        for key in self._held.pop((change, guardian), ()):
            del self._given[key]
            if self.taken.pop(key, None) is None:
                self.released[key] = None
