"""What holds of every plan, whatever the families and the changes (DESIGN §6, §7)."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from support import contract
from support.families import NOW, SCHOOL, TODAY, Registry, change, pupil, registries

from dispatcher.planning.corrections import Earlier, Revision, Standing
from dispatcher.planning.decision import AlertKey, Decision, Plan
from dispatcher.planning.facts import facts_of
from dispatcher.planning.plan import plan
from dispatcher.planning.reach import reachable
from dispatcher.planning.situation import Concerned, Entity, Place, Situation
from shared.categories import ELECTRONIC, Category, Mode
from shared.changes import Change, Version
from shared.families import Pupil
from shared.routing import Verdict
from shared.settings import Profile


def _concerned(registry: Registry, found: Change) -> tuple[Pupil, ...]:
    if found.pupil is not None:
        return tuple(pupil for pupil in registry.pupils if pupil.pupil == found.pupil)
    if found.class_name is not None:
        return tuple(pupil for pupil in registry.pupils if pupil.class_name == found.class_name)
    return tuple(registry.pupils)


@dataclass
class Ledger:
    """What the store keeps, in memory: decisions, what cancelled them, what was told."""

    registry: Registry
    decisions: dict[tuple[UUID, str], Decision] = field(default_factory=dict)
    cancelled: dict[tuple[UUID, str], UUID] = field(default_factory=dict)
    told: set[tuple[UUID, str]] = field(default_factory=set)
    alerts: dict[AlertKey, UUID] = field(default_factory=dict)
    changes: dict[UUID, Change] = field(default_factory=dict)

    def apply(self, batch: Sequence[Change]) -> Plan:
        fresh = [one for one in dict.fromkeys(c.change for c in batch) if one not in self.changes]
        by_id = {one.change: one for one in batch}
        new = [by_id[one] for one in fresh]
        done = plan(new, self.situation(new))
        self.changes |= {one.change: one for one in new}
        for decision in done.decisions:
            key = (decision.change, decision.guardian)
            assert key not in self.decisions, "one decision for each change and guardian"
            self.decisions[key] = decision
        for one in done.cancellations:
            key = (one.change, one.guardian)
            assert key not in self.cancelled, "once"
            assert key not in self.told, "only the untold"
            self.cancelled[key] = one.by
        for key in done.released:
            del self.alerts[key]
        self.alerts |= dict(done.alerts)
        return done

    def tell(self, which: set[int]) -> None:
        """Send some of what waits."""
        for n, (key, decision) in enumerate(sorted(self.waiting().items())):
            if n in which and decision.verdict is Verdict.TELL:
                self.told.add(key)

    def waiting(self) -> dict[tuple[UUID, str], Decision]:
        return {
            key: decision
            for key, decision in self.decisions.items()
            if decision.verdict is Verdict.TELL and key not in self.cancelled and key not in self.told
        }

    def situation(self, batch: Sequence[Change]) -> Situation:
        school = self.registry.school
        known: dict[Entity, Version] = {}
        for one in self.changes.values():
            entity = (one.source, one.entity)
            known[entity] = max(known.get(entity, one.version), one.version)
        earlier: dict[Entity, dict[str, tuple[Earlier, ...]]] = {}
        for (number, guardian), decision in self.decisions.items():
            if decision.verdict is Verdict.SUPPRESS or (number, guardian) in self.cancelled:
                continue
            one = self.changes[number]
            facts = facts_of(one, school.timezone)
            standing = (
                Standing.PAPER
                if decision.verdict is Verdict.PAPER
                else Standing.TOLD
                if (number, guardian) in self.told
                else Standing.UNTOLD
            )
            revision = Revision(number, one.version, one.removed, facts.day, facts.attendance, one.data)
            mine = earlier.setdefault((one.source, one.entity), {})
            mine[guardian] = (*mine.get(guardian, ()), Earlier(revision, standing, decision.mode))
        return Situation(
            now=NOW,
            places={SCHOOL: Place(school, Profile(), {c.name: c for c in self.registry.classes})},
            concerned={
                one.change: Concerned(facts_of(one, school.timezone), _concerned(self.registry, one))
                for one in batch
            },
            usable={
                (SCHOOL, tie.guardian.guardian): reachable(
                    tie.guardian, on=ELECTRONIC, suppressed=(), now=NOW
                )
                for pupil in self.registry.pupils
                for tie in pupil.guardianships
            },
            known=known,
            earlier=earlier,
            alerts=self.alerts,
        )


_STATUSES = ["absent", "absent", "absent_ill", "late", "present", "remote"]


@st.composite
def streams(draw: st.DrawFn) -> list[Change]:
    """Changes about few entities in many revisions, in any order."""
    made = []
    for n in range(draw(st.integers(1, 9))):
        category = draw(st.sampled_from([*Category, Category.ATTENDANCE, Category.ATTENDANCE]))
        which = draw(st.integers(0, 2))
        scope: dict[str, Any] = {"pupil": f"p{which}"}
        if category in {Category.HOMEWORK, Category.LESSON, Category.ASSESSMENT, Category.ANNOUNCEMENT}:
            wide: list[dict[str, Any]] = [
                {"pupil": None, "data": {"class": "5А"}},
                {"pupil": None, "data": {"class": "1А"}},
                {"pupil": None},
            ]
            scope = wide[which]
        data = dict(scope.pop("data", {}))
        if category is Category.ATTENDANCE:
            data["attendance"] = draw(st.sampled_from(_STATUSES))
        elif category is Category.MARK:
            data["mark"] = {"value": draw(st.sampled_from(["4", "5"]))}
        removable = category not in {Category.FORECAST, Category.LESSON}
        made.append(
            change(
                category,
                entity=f"{category}/{which}/{draw(st.integers(0, 1))}",
                revision=draw(st.integers(1, 4)),
                removed=removable and draw(st.sampled_from([False, False, True])),
                seed=f"{n}",
                accepted_at=NOW + timedelta(minutes=n),
                data=data,
                **scope,
            )
        )
    return made


cuts = st.sets(st.integers(0, 9))


def _batches(stream: Sequence[Change], at: set[int]) -> list[Sequence[Change]]:
    edges = sorted({0, len(stream), *(cut for cut in at if cut < len(stream))})
    return [stream[a:b] for a, b in pairwise(edges)]


@settings(max_examples=150, deadline=None)
@given(registries(), streams(), cuts, cuts)
def test_batches_split_anyhow_give_the_same_decisions(
    registry: Registry, stream: list[Change], one: set[int], other: set[int]
) -> None:
    first, second = Ledger(registry), Ledger(registry)
    for batch in _batches(stream, one):
        first.apply(batch)
    for batch in _batches(stream, other):
        second.apply(batch)
    assert first.decisions == second.decisions
    assert first.cancelled == second.cancelled
    assert first.alerts == second.alerts


@settings(max_examples=150, deadline=None)
@given(registries(), streams(), cuts, st.lists(st.sets(st.integers(0, 9)), min_size=10, max_size=10))
def test_the_ledger_adds_up_and_repetition_changes_nothing(
    registry: Registry, stream: list[Change], at: set[int], sent: list[set[int]]
) -> None:
    """Exactly one decision for every change and guardian, whatever was told between (DESIGN §7)."""
    ledger = Ledger(registry)
    for batch, told in zip(_batches(stream, at), sent, strict=False):
        ledger.apply(batch)
        ledger.tell(told)
        assert ledger.apply(batch) == Plan(), "a batch that comes again"
    wanted = {
        (one.change, tie.guardian.guardian)
        for one in stream
        for child in _concerned(registry, one)
        for tie in child.guardianships
    }
    assert set(ledger.decisions) == wanted
    alone = [key for key, n in _count(ledger).items() if n > 1]
    assert not alone, "never two revisions of one entity waiting for one family"


def _count(ledger: Ledger) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for number, guardian in ledger.waiting():
        key = (ledger.changes[number].entity, guardian)
        found[key] = found.get(key, 0) + 1
    return found


@settings(max_examples=150, deadline=None)
@given(registries(), st.data())
def test_revisions_in_any_order_leave_the_same_to_tell(registry: Registry, data: st.DataObject) -> None:
    """R-A11, R-A12: the newest revision wins, and a removal leaves nothing, however they arrive."""
    category = data.draw(st.sampled_from([Category.MARK, Category.ATTENDANCE, Category.REMARK]))
    revisions = [
        change(
            category,
            entity="e",
            revision=n,
            seed=f"r{n}",
            removed=data.draw(st.sampled_from([False, False, True])),
            data={"attendance": data.draw(st.sampled_from(_STATUSES))}
            if category is Category.ATTENDANCE
            else {"mark": {"value": str(n)}},
            pupil="p0",
        )
        for n in range(1, data.draw(st.integers(1, 4)) + 1)
    ]
    in_order, shuffled = Ledger(registry), Ledger(registry)
    for one in revisions:
        in_order.apply([one])
    for one in data.draw(st.permutations(revisions + revisions)):
        shuffled.apply([one])
    assert {(key, replace(d, mode=None)) for key, d in in_order.waiting().items()} == {
        (key, replace(d, mode=None)) for key, d in shuffled.waiting().items()
    }
    assert {number for number, _ in in_order.waiting()} <= {revisions[-1].change}


@settings(max_examples=150, deadline=None)
@given(registries(), streams())
def test_what_is_told_is_allowed_for_every_child_it_names(registry: Registry, stream: list[Change]) -> None:
    """R-C4, R-D4: a guardian of several children never learns by one child's papers what another's
    forbid; and what any child's papers demand is told."""
    ledger = Ledger(registry)
    ledger.apply(stream)
    situation = ledger.situation(stream)
    classes = {one.name: one for one in registry.classes}
    for (number, guardian), decision in ledger.decisions.items():
        one = ledger.changes[number]
        facts = situation.concerned[number].facts
        alone = {
            child.pupil: contract.decide(
                one.category,
                individual=one.individual,
                attestation=one.attestation,
                happened_on=facts.day,
                pupil=child,
                school_class=classes[child.class_name],
                tie=tie,
                usable=frozenset(situation.usable[SCHOOL, guardian]),
                today=TODAY,
            )
            for child in _concerned(registry, one)
            for tie in child.guardianships
            if tie.guardian.guardian == guardian
        }
        verdicts = {found[0] for found in alone.values()}
        best = next(verdict for verdict in ("tell", "paper", "suppress") if verdict in verdicts)
        assert decision.pupils
        if decision.reason in {"stale", "nothing_told", "nothing_to_tell"}:
            continue
        assert decision.verdict == best
        assert {alone[name][0] for name in decision.pupils} == {best}
        if decision.verdict is not Verdict.TELL:
            assert decision.reason in {alone[name][1] for name in decision.pupils}
            continue
        assert decision.channel in {found[1] for found in alone.values() if found[0] == "tell"}
        for child in registry.pupils:
            if child.pupil in decision.pupils:
                tie = next(t for t in child.guardianships if t.guardian.guardian == guardian)
                row = contract.row_of(one.category, individual=one.individual, attestation=one.attestation)
                newest = tie.sheet(TODAY)
                assert newest is not None
                assert contract.opened(row, str(decision.channel), newest.items)
        assert decision.due_at is not None
        assert decision.expires_at is not None
        assert decision.deadline is not None
        assert one.accepted_at <= decision.due_at < decision.expires_at
        assert decision.deadline <= decision.expires_at


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["absent", "absent_ill", "late"]), st.integers(23, 24)), max_size=6)
)
def test_one_absence_alert_per_child_and_day(lessons: list[tuple[str, int]]) -> None:
    """R-B2: the first absence of a day alerts; a lateness only where nothing has alerted yet."""
    ledger = Ledger(Registry([pupil()]))
    for n, (status, day) in enumerate(lessons):
        data = {"attendance": status, "lesson": {"date": f"2026-11-{day}", "number": n}}
        ledger.apply([change(Category.ATTENDANCE, entity=f"a/{n}", data=data)])
    modes = [decision.mode for decision in ledger.decisions.values()]
    for n, (status, day) in enumerate(lessons):
        before = [found for found, when in lessons[:n] if when == day]
        absent = any(found != "late" for found in before)
        muted = absent or bool(before) if status == "late" else absent
        assert modes[n] is (Mode.DAILY if muted else Mode.IMMEDIATE)
