"""One decision for several children of one guardian (DESIGN §6)."""

from datetime import timedelta
from typing import Any

from support.families import (
    MOSCOW,
    NOW,
    SCHOOL,
    Registry,
    application,
    change,
    guardian,
    pupil,
    sheet,
    tie,
)

from dispatcher.planning.decision import Decision, Plan
from dispatcher.planning.facts import facts_of
from dispatcher.planning.plan import plan
from dispatcher.planning.situation import Concerned, Place, Situation
from shared.categories import ELECTRONIC, Category, Channel, Mode
from shared.changes import Change
from shared.consent import Form
from shared.families import Guardianship, Preference, Pupil, SchoolClass
from shared.settings import Profile

ONLY_PUSH = {"1.3", "4.3", "6.8", "6.12"}
NOT_MARKS = {"1.3", "6.9"}


def planned(*children: Pupil, usable: frozenset[Channel] = frozenset(ELECTRONIC), **more: Any) -> Plan:
    registry = Registry(list(children), more.pop("classes", [SchoolClass("5А", "5")]))
    changes: list[Change] = more.pop("changes", None) or [
        change(Category.ANNOUNCEMENT, entity="n", pupil=None, **more)
    ]
    profile = Profile(daily_digest_at=("18:30", "20:00"))  # type: ignore[arg-type] - as in the file
    places = {SCHOOL: Place(registry.school, profile, {one.name: one for one in registry.classes})}
    return plan(
        changes,
        Situation(
            now=NOW,
            places=places,
            concerned={one.change: Concerned(facts_of(one, MOSCOW), children) for one in changes},
            usable={(SCHOOL, "g1"): usable},
        ),
    )


def joint(*ties: Guardianship, **more: Any) -> Decision:
    children = (pupil(f"p{n}", [each]) for n, each in enumerate(ties))
    (found,) = planned(*children, **more).decisions
    return found


def test_only_children_whose_papers_allow_the_channel_are_named() -> None:
    """R-C4: e-mail leads; the child who allows only push is not named in it."""
    found = joint(tie(sheets=[sheet(ONLY_PUSH)]), tie(), tie(sheets=[sheet(number="С-3")]))
    assert (found.channel, found.pupils, found.sheets) == (Channel.EMAIL, ("p1", "p2"), ("С-1", "С-3"))


def test_tell_over_paper_over_silence() -> None:
    told, paper, silent = (
        tie(),
        tie(applications=[application(Form.PAPER)]),
        tie(sheets=[sheet(set())]),
    )
    assert joint(silent, paper, told).pupils == ("p2",)
    on_paper = joint(silent, paper)
    assert (on_paper.verdict, on_paper.pupils) == ("paper", ("p1",))
    assert joint(silent).missing


def test_the_reason_that_came_furthest_speaks_for_silence() -> None:
    scoped = tie(applications=[application(Form.ELECTRONIC, {Category.MARK})])
    found = joint(tie(restricted_from=NOW.date()), tie(sheets=[sheet(set())]), scoped)
    assert (found.reason, found.pupils) == ("out_of_scope", ("p2",))


def test_daily_beats_weekly_and_the_later_shift_sets_the_hour() -> None:
    weekly = tie(applications=[application(Form.WEEKLY_EMAIL)])
    assert joint(weekly, tie()).mode is Mode.DAILY
    assert joint(weekly, weekly).mode is Mode.WEEKLY
    classes = [SchoolClass("5А", "5"), SchoolClass("6А", "6", shift=2)]
    both = planned(pupil("a"), pupil("b", class_name="6А"), classes=classes).decisions[0]
    first = planned(pupil("a"), classes=classes).decisions[0]
    assert both.due_at is not None
    assert first.due_at is not None
    assert both.due_at - first.due_at == timedelta(hours=1, minutes=30)


def test_the_print_queue_hears_of_unreachable_children_by_class() -> None:
    """R-E5: of those only; a paper application is no failure."""
    classes = [SchoolClass("5А", "5"), SchoolClass("6А", "6")]
    plan_ = planned(
        pupil("a"),
        pupil("b", class_name="6А"),
        pupil("c", [tie(applications=[application(Form.PAPER)])]),
        usable=frozenset(),
        classes=classes,
    )
    assert plan_.decisions[0].reason == "unreachable"
    assert plan_.decisions[0].pupils == ("a", "b", "c")
    assert {(one.class_name, one.pupils) for one in plan_.outcomes} == {("5А", ("a",)), ("6А", ("b",))}


def test_an_absence_waits_and_a_lateness_does_not() -> None:
    """R-B2: hold-until is for absences."""
    early = NOW - timedelta(hours=4)
    due = {}
    for status in ("absent", "late"):
        one = change(Category.ATTENDANCE, accepted_at=early, data={"attendance": status})
        due[status] = planned(pupil(), changes=[one]).decisions[0].due_at
    assert due == {"absent": NOW - timedelta(hours=2), "late": early}


def test_a_wish_for_sms_is_marked_as_chosen() -> None:
    """Only then may an SMS carry marks."""
    wish = {"mark": Preference(Channel.SMS, Mode.IMMEDIATE)}
    (found,) = planned(pupil(ties=[tie(guardian(preferences=wish))]), changes=[change()]).decisions
    assert (found.channel, found.chosen) == (Channel.SMS, True)
    (by_default,) = planned(pupil(), changes=[change()], usable=frozenset({Channel.SMS})).decisions
    assert (by_default.channel, by_default.chosen) == (Channel.SMS, False)


def test_a_pupil_without_guardians_gets_no_row() -> None:
    assert planned(pupil(ties=[])) == Plan()


def test_an_equal_version_is_stale() -> None:
    """DESIGN §3: strictly greater wins."""
    twice = [change(seed="a"), change(seed="b", data={"mark": {"value": "2"}}), change(seed="c", revision=0)]
    first, *rest = planned(pupil(), changes=twice).decisions
    assert (first.verdict, {one.reason for one in rest}) == ("tell", {"stale"})


def test_whoever_is_no_longer_concerned_is_not_told_the_old_text() -> None:
    """R-A13: a subgroup's homework that was first given to the wrong child."""
    wrong, right = pupil("a", [tie("g1")]), pupil("b", [tie("g2")])
    registry = Registry([wrong, right])
    first, second = (change(Category.HOMEWORK, revision=n, pupil=None) for n in (1, 2))
    done = plan(
        [first, second],
        Situation(
            now=NOW,
            places={SCHOOL: Place(registry.school, Profile(), {"5А": registry.classes[0]})},
            concerned={
                first.change: Concerned(facts_of(first, MOSCOW), (wrong,)),
                second.change: Concerned(facts_of(second, MOSCOW), (right,)),
            },
            usable={(SCHOOL, who): frozenset(ELECTRONIC) for who in ("g1", "g2")},
        ),
    )
    assert [(one.change, one.guardian) for one in done.cancellations] == [(first.change, "g1")]
    assert [one.guardian for one in done.decisions] == ["g1", "g2"]
