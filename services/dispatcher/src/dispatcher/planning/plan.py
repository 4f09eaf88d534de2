"""The decision for each change and guardian, as a pure function of the situation (DESIGN §6).

Changes are taken in order, each as if alone: what an earlier one of the same batch decided is
part of the situation of the next.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from dispatcher.planning.alerts import AlertBook
from dispatcher.planning.corrections import (
    Earlier,
    Revision,
    Silence,
    Standing,
    Treatment,
    takes_back_absence,
    treat,
)
from dispatcher.planning.decision import Cancellation, Decision, Paper, Plan
from dispatcher.planning.facts import Alert, Facts
from dispatcher.planning.household import Child, Joint, join
from dispatcher.planning.situation import Entity, Place, Situation
from dispatcher.planning.timing import default_mode, schedule
from shared.categories import Channel, Mode
from shared.changes import Change
from shared.families import Guardianship, Pupil
from shared.routing import Reason, Verdict, route

_NO_CHANNELS: frozenset[Channel] = frozenset()

Members = Sequence[tuple[Pupil, Guardianship]]
"""A guardian's children whom a change concerns, with the ties."""


def plan(changes: Iterable[Change], situation: Situation) -> Plan:
    """Exactly one decision for every change and guardian of a pupil it concerns."""
    planning = Planning(situation)
    for change in changes:
        planning.take(change)
    return planning.drain()


@dataclass(frozen=True, slots=True)
class _Case:
    """One change laid out for deciding."""

    change: Change
    facts: Facts
    revision: Revision
    place: Place
    today: date


class Planning:
    """A plan in the making; `drain` may be called between changes to hand over what there is."""

    def __init__(self, situation: Situation) -> None:
        self._situation = situation
        self._known = dict(situation.known)
        self._earlier: dict[Entity, dict[str, list[Earlier]]] = {
            entity: {guardian: list(found) for guardian, found in by_guardian.items()}
            for entity, by_guardian in situation.earlier.items()
        }
        self._alerts = AlertBook(situation.alerts)
        self._decisions: list[Decision] = []
        self._cancellations: list[Cancellation] = []
        self._outcomes: list[Paper] = []

    @property
    def size(self) -> int:
        """Decisions not yet drained."""
        return len(self._decisions)

    def drain(self) -> Plan:
        """What was decided since the last drain."""
        done = Plan(
            decisions=tuple(self._decisions),
            cancellations=tuple(self._cancellations),
            alerts=tuple(self._alerts.taken.items()),
            released=tuple(self._alerts.released),
            outcomes=tuple(self._outcomes),
        )
        self._alerts.turn_page()
        self._decisions, self._cancellations, self._outcomes = [], [], []
        return done

    def take(self, change: Change) -> None:
        """Decide one change for every guardian it concerns."""
        concerned = self._situation.concerned[change.change]
        families: dict[str, list[tuple[Pupil, Guardianship]]] = {}
        for pupil in concerned.pupils:
            for tie in pupil.guardianships:
                families.setdefault(tie.guardian.guardian, []).append((pupil, tie))
        entity = (change.source, change.entity)
        known = self._known.get(entity)
        if known is not None and change.version <= known:
            for guardian, members in families.items():
                self._decisions.append(_stale(change, guardian, members))
            return
        self._known[entity] = change.version
        history = self._earlier.setdefault(entity, {})
        facts, place = concerned.facts, self._situation.places[change.school]
        revision = Revision(
            change.change, change.version, change.removed, facts.day, facts.attendance, change.data
        )
        case = _Case(change, facts, revision, place, place.school.today(self._situation.now))
        # Whoever is no longer concerned must not be told the old text either.
        for guardian in sorted(history.keys() - families.keys()):
            self._cancel(case, guardian, treat(revision, history[guardian]), history)
        for guardian, members in families.items():
            self._decide(case, guardian, members, history)

    def _decide(
        self, case: _Case, guardian: str, members: Members, history: dict[str, list[Earlier]]
    ) -> None:
        treatment = treat(case.revision, history.get(guardian, ()))
        self._cancel(case, guardian, treatment, history)
        corrects = treatment.corrects
        default = default_mode(
            case.facts,
            today=case.place.hours.day(case.facts.accepted_at),
            corrected=corrects.mode if corrects is not None else None,
        )
        joint = join(
            self._children(case, guardian, members),
            matter=case.facts.matter,
            default=default,
            today=case.today,
        )
        decision = self._settle(case, guardian, joint, treatment, joint.route.mode or default)
        self._decisions.append(decision)
        if decision.verdict is Verdict.SUPPRESS:
            return
        standing = Standing.UNTOLD if decision.verdict is Verdict.TELL else Standing.PAPER
        history.setdefault(guardian, []).append(Earlier(case.revision, standing, decision.mode))
        if decision.reason is Reason.UNREACHABLE:
            self._outcomes.extend(_papers(case.change, guardian, joint))

    def _children(self, case: _Case, guardian: str, members: Members) -> list[Child]:
        usable = self._situation.usable.get((case.change.school, guardian), _NO_CHANNELS)
        return [
            Child(
                pupil,
                tie,
                route(
                    case.facts.matter,
                    pupil=pupil,
                    school_class=case.place.classes.get(pupil.class_name),
                    guardianship=tie,
                    usable=usable,
                    today=case.today,
                ),
            )
            for pupil, tie in members
        ]

    def _settle(self, case: _Case, guardian: str, joint: Joint, treatment: Treatment, mode: Mode) -> Decision:
        change, found = case.change, joint.route
        reason = found.reason if found.verdict is Verdict.SUPPRESS else treatment.silence or found.reason
        silent = found.verdict is Verdict.SUPPRESS or treatment.silence is not None
        corrects = treatment.corrects.revision.change if treatment.corrects is not None else None
        if silent or found.verdict is Verdict.PAPER:
            return Decision(
                change=change.change,
                school=change.school,
                guardian=guardian,
                pupils=joint.pupils,
                category=change.category,
                verdict=Verdict.SUPPRESS if silent else Verdict.PAPER,
                reason=reason,
                missing=joint.missing,
                sheets=joint.sheets,
                corrects=None if silent else corrects,
            )
        assert found.channel is not None
        alert = case.facts.alert
        if mode is not Mode.IMMEDIATE or takes_back_absence(case.facts.attendance, treatment.corrects):
            alert = None
        if alert is not None and not self._alerts.take(
            alert,
            change=change.change,
            school=change.school,
            guardian=guardian,
            pupils=joint.pupils,
            day=case.facts.day,
        ):
            mode = Mode.DAILY
        times = schedule(
            case.facts,
            mode=mode,
            channel=found.channel,
            shift=self._shift(case, guardian, joint),
            hold=alert is Alert.ABSENCE,
            hours=case.place.hours,
        )
        return Decision(
            change=change.change,
            school=change.school,
            guardian=guardian,
            pupils=joint.pupils,
            category=change.category,
            verdict=Verdict.TELL,
            sheets=joint.sheets,
            channel=found.channel,
            mode=times.mode,
            chosen=found.chosen,
            due_at=times.due_at,
            deadline=times.deadline,
            expires_at=times.expires_at,
            corrects=corrects,
        )

    def _shift(self, case: _Case, guardian: str, joint: Joint) -> int:
        """The later shift of all the guardian's children: one digest, when the last of them is home."""
        classes = (case.place.classes.get(child.pupil.class_name) for child in joint.children)
        named = max((found.shift for found in classes if found is not None), default=1)
        return max(named, self._situation.shifts.get((case.change.school, guardian), 1))

    def _cancel(
        self, case: _Case, guardian: str, treatment: Treatment, history: dict[str, list[Earlier]]
    ) -> None:
        if not treatment.cancel:
            return
        for change in treatment.cancel:
            self._cancellations.append(Cancellation(change, guardian, case.change.change))
            self._alerts.release(change, guardian)
        history[guardian] = [one for one in history[guardian] if one.revision.change not in treatment.cancel]


def _stale(change: Change, guardian: str, members: Members) -> Decision:
    return Decision(
        change=change.change,
        school=change.school,
        guardian=guardian,
        pupils=tuple(pupil.pupil for pupil, _ in members),
        category=change.category,
        verdict=Verdict.SUPPRESS,
        reason=Silence.STALE,
    )


def _papers(change: Change, guardian: str, joint: Joint) -> list[Paper]:
    """One note per class, whose teacher has the sheet to hand out."""
    by_class: dict[str, list[str]] = {}
    for child in joint.children:
        if child.route.reason is Reason.UNREACHABLE:
            by_class.setdefault(child.pupil.class_name, []).append(child.pupil.pupil)
    return [
        Paper(change.school, name, guardian, tuple(pupils), change.change)
        for name, pupils in by_class.items()
    ]
