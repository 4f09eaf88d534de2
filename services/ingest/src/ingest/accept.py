"""What becomes of each event of a request: accepted, duplicate, stale or refused (DESIGN §3).

A pure fold in array order over what the database knows, so that a request is worth exactly what
its events are worth sent one by one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ingest.envelope import Envelope
from ingest.judging import Judged, Refused, Roster, judge, strangers
from shared.changes import Version


@dataclass(frozen=True, slots=True)
class Entity:
    """What is remembered of an entity: its newest version and whom it concerns (None: never said)."""

    version: Version
    concerns: str | None
    removed: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What the database knows of the ids, entities and people of a request from one source."""

    roster: Roster
    ids: Mapping[str, bytes] = field(default_factory=dict)
    """Hash of content by id, of every event that was accepted or stale."""
    entities: Mapping[str, Entity] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Taken:
    """An event whose id is remembered from now on. `class_name`: whose order on the bus it keeps."""

    envelope: Envelope
    stale: bool
    class_name: str | None


@dataclass(frozen=True, slots=True)
class Rejected:
    """`withheld`: nothing of its content may be kept."""

    index: int
    envelope: Envelope
    reason: str
    withheld: bool = False


@dataclass(slots=True)
class Outcomes:
    """Of one request. `entities` are those that changed, as they stand after it."""

    taken: list[Taken] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    """Ids of duplicates whose content differs from what was taken."""
    rejected: list[Rejected] = field(default_factory=list)
    entities: dict[str, Entity] = field(default_factory=dict)

    @property
    def accepted(self) -> list[Taken]:
        return [one for one in self.taken if not one.stale]

    @property
    def stale(self) -> int:
        return sum(one.stale for one in self.taken)


def judge_all(envelopes: Sequence[Envelope]) -> list[Judged | Refused]:
    return [judge(envelope) for envelope in envelopes]


def fold(envelopes: Sequence[Envelope], judged: Sequence[Judged | Refused], known: Known) -> Outcomes:
    """Decide for each event in order; `judged` is `judge` of each."""
    outcomes = Outcomes()
    taken_now: dict[str, bytes] = {}
    for index, (envelope, verdict) in enumerate(zip(envelopes, judged, strict=True)):
        before = taken_now.get(envelope.id) or known.ids.get(envelope.id)
        if before is not None:
            outcomes.duplicates.append(envelope.id)
            if before != envelope.hash:
                outcomes.altered.append(envelope.id)
            continue
        change = verdict if isinstance(verdict, Refused) else _with_people(verdict, known.roster)
        if not isinstance(change, Refused):
            entity = outcomes.entities.get(change.entity) or known.entities.get(change.entity)
            change = _same_people(change, entity)
        if isinstance(change, Refused):
            outcomes.rejected.append(Rejected(index, envelope, change.reason, change.withheld))
            continue
        taken_now[envelope.id] = envelope.hash
        concerns = change.concerns or (entity.concerns if entity is not None else None)
        stale = entity is not None and change.version <= entity.version
        if not stale:
            outcomes.entities[change.entity] = Entity(change.version, concerns, change.removed)
        outcomes.taken.append(Taken(envelope, stale, _class_of(concerns, known.roster)))
    return outcomes


def afterwards(known: Known, outcomes: Outcomes) -> Known:
    """What the database knows once the outcomes are stored."""
    taken = {one.envelope.id: one.envelope.hash for one in outcomes.taken}
    return Known(known.roster, {**known.ids, **taken}, {**known.entities, **outcomes.entities})


def _with_people(change: Judged, roster: Roster) -> Judged | Refused:
    return strangers(change, roster) or change


def _same_people(change: Judged, entity: Entity | None) -> Judged | Refused:
    """An entity keeps its pupil or class: the family told of it must hear of its correction."""
    now = change.concerns
    if entity is None or entity.concerns is None or now is None or now == entity.concerns:
        return change
    return Refused(
        f"запись {change.entity} раньше касалась другого ученика или класса: "
        "удалите её событием .removed и пришлите новую под новым data.entity"
    )


def _class_of(concerns: str | None, roster: Roster) -> str | None:
    kind, _, name = (concerns or "").partition("/")
    return {"pupil": roster.pupils.get(name), "class": name}.get(kind)
