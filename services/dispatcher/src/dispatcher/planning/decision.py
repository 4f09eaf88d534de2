"""What deciding results in: rows of the ledger, and what goes with them (DESIGN §7)."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from dispatcher.planning.corrections import Silence
from dispatcher.planning.facts import Alert
from shared.categories import Category, Channel, Mode
from shared.routing import Reason, Verdict


@dataclass(frozen=True, slots=True)
class Decision:
    """One row for one change and guardian. `corrects` is the change told before that this one
    corrects (R-A11); `sheets` number the consent sheets relied on (R-C4)."""

    change: UUID
    school: str
    guardian: str
    pupils: tuple[str, ...]
    category: Category
    verdict: Verdict
    reason: Reason | Silence | None = None
    missing: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()
    channel: Channel | None = None
    mode: Mode | None = None
    chosen: bool = False
    due_at: datetime | None = None
    deadline: datetime | None = None
    expires_at: datetime | None = None
    corrects: UUID | None = None


@dataclass(frozen=True, slots=True)
class Cancellation:
    """An untold decision that gave way to a newer revision."""

    change: UUID
    guardian: str
    by: UUID


@dataclass(frozen=True, slots=True, order=True)
class AlertKey:
    """At most one alert of a kind per guardian, child and day (R-B2)."""

    school: str
    guardian: str
    pupil: str
    day: date
    kind: Alert


@dataclass(frozen=True, slots=True)
class Paper:
    """A family no electronic way reaches: the print queue must know (R-E5)."""

    school: str
    class_name: str
    guardian: str
    pupils: tuple[str, ...]
    change: UUID


@dataclass(frozen=True, slots=True)
class Plan:
    """`alerts` taken by a change and `released` by its cancellation, in this order of writing:
    decisions, cancellations, released, alerts."""

    decisions: tuple[Decision, ...] = ()
    cancellations: tuple[Cancellation, ...] = ()
    alerts: tuple[tuple[AlertKey, UUID], ...] = ()
    released: tuple[AlertKey, ...] = ()
    outcomes: tuple[Paper, ...] = ()
