"""R-C4, R-C7: whatever a parent saves, nothing leaves the papers, and an open choice is what happens."""

from dataclasses import replace
from itertools import product

from hypothesis import event, given, settings
from hypothesis import strategies as st
from support.families import MOSCOW, NOW, SCHOOL, TODAY, Registry, registries

from dispatcher.parent.choices import CHANNELS, MODES, NEVER, USUAL, Refused, decide, rows
from dispatcher.parent.contacts import OwnContact, State
from dispatcher.parent.household import Household, Kid, visible
from shared.categories import ELECTRONIC, Category, Channel, Mode
from shared.consent import permission
from shared.families import Preference, School
from shared.routing import Matter, Route, Verdict, route

answers = st.dictionaries(
    st.sampled_from([f"{what}-{category}" for what in ("channel", "mode") for category in Category]),
    st.sampled_from([USUAL, NEVER, *CHANNELS, *MODES, "pigeon", ""]).map(str),
    max_size=6,
)
usable_sets = st.frozensets(st.sampled_from(ELECTRONIC))
KINDS = tuple(product((True, False), (True, False)))


def households(registry: Registry, usable: frozenset[Channel]) -> list[Household]:
    """Every guardian's own."""
    classes = {found.name: found for found in registry.classes}
    kids: dict[str, list[Kid]] = {}
    for pupil in registry.pupils:
        for tie in pupil.guardianships:
            if visible(pupil, tie, TODAY):
                kid = Kid(pupil, tie, classes.get(pupil.class_name))
                kids.setdefault(tie.guardian.guardian, []).append(kid)
    contacts = tuple(OwnContact(channel, channel, State.USABLE, NOW) for channel in usable)
    school = School(SCHOOL, "Школа", MOSCOW)
    return [
        Household(school, tuple(held), contacts, usable, frozenset(ELECTRONIC), NOW) for held in kids.values()
    ]


def routed(home: Household, kid: Kid, matter: Matter, own: dict[str, Preference]) -> Route:
    return route(
        matter,
        pupil=kid.pupil,
        school_class=kid.school_class,
        guardianship=replace(kid.tie, guardian=replace(kid.tie.guardian, preferences=own)),
        usable=home.usable,
        today=TODAY,
    )


@settings(max_examples=150, deadline=None)
@given(registries(), usable_sets, answers)
def test_nothing_that_is_saved_leaves_the_papers(
    registry: Registry, usable: frozenset[Channel], sent: dict[str, str]
) -> None:
    for home in households(registry, usable):
        try:
            saved = decide(home, home.kids[0].tie.guardian.preferences, sent)
        except Refused:
            event("refused")
            continue
        for kid, category, (individual, attestation) in product(home.kids, Category, KINDS):
            matter = Matter(category, individual, attestation, TODAY)
            found = routed(home, kid, matter, saved)
            allowed = permission(
                matter.subject,
                category,
                sheet=kid.tie.sheet(TODAY),
                application=kid.tie.application(TODAY),
                today=TODAY,
            ).channels
            if found.verdict is Verdict.TELL:
                event("told")
                assert found.channel in allowed & usable
            elif found.verdict is Verdict.PAPER:
                assert Channel.PAPER in allowed


@settings(max_examples=100, deadline=None)
@given(registries(), usable_sets)
def test_an_open_choice_is_what_happens_and_a_closed_one_never(
    registry: Registry, usable: frozenset[Channel]
) -> None:
    for home in households(registry, usable):
        enrolled = [kid for kid in home.kids if kid.pupil.enrolled(TODAY)]
        if enrolled != list(home.kids):
            continue  # of a child who just left or is yet to come nothing new is told at all
        for row, channel in product(rows(home, {}), CHANNELS):
            own = {row.category.value: Preference(channel, Mode.WEEKLY)}
            ways = [
                routed(home, kid, Matter(row.category, individual, attestation, TODAY), own)
                for kid in home.kids
                for individual, attestation in KINDS
            ]
            taken = any(
                (way.verdict is Verdict.PAPER and channel is Channel.PAPER)
                or (way.verdict is Verdict.TELL and way.channel is channel)
                for way in ways
            )
            assert taken == (channel in row.open), (row.category, channel, row.closed.get(channel))
            event(f"open: {taken}")
