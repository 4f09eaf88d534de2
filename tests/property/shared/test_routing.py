"""Routing over random families equals the contract, step by step (DESIGN §6)."""

from datetime import date

from hypothesis import event, given, settings
from hypothesis import strategies as st
from support import contract
from support.families import TODAY, Registry, registries

from shared.categories import ELECTRONIC, Category, Channel
from shared.routing import Matter, Verdict, route

subsets = st.frozensets(st.sampled_from(ELECTRONIC))


@settings(max_examples=600, deadline=None)
@given(
    registries(),
    st.sampled_from(Category),
    st.booleans(),
    st.booleans(),
    st.sampled_from([TODAY, TODAY, *(date(2026, 11, day) for day in range(22, 28))]),
    subsets | st.just(frozenset(ELECTRONIC)),
)
def test_every_decision_is_the_contract_s(
    registry: Registry,
    category: Category,
    individual: bool,  # noqa: FBT001 - drawn by position
    attestation: bool,  # noqa: FBT001
    happened_on: date,
    usable: frozenset[Channel],
) -> None:
    """R-C4, R-C7, R-C8, R-C12, R-D4, R-A10, R-B7: nothing is sent that the table does not allow, and
    all that it demands is."""
    classes = {found.name: found for found in registry.classes}
    for pupil in registry.pupils:
        for tie in pupil.guardianships:
            found = route(
                Matter(category, individual, attestation, happened_on),
                pupil=pupil,
                school_class=classes[pupil.class_name],
                guardianship=tie,
                usable=usable,
                today=TODAY,
            )
            wanted = contract.decide(
                category,
                individual=individual,
                attestation=attestation,
                happened_on=happened_on,
                pupil=pupil,
                school_class=classes[pupil.class_name],
                tie=tie,
                usable=frozenset(usable),
                today=TODAY,
            )
            event(" ".join(wanted))
            said = (
                ("tell", str(found.channel), str(found.mode or "default"))
                if found.verdict is Verdict.TELL
                else (str(found.verdict), str(found.reason))
            )
            assert said == wanted
            if found.verdict is Verdict.TELL:
                wish = tie.guardian.preferences.get(category) or tie.guardian.preferences.get("*")
                assert (
                    found.chosen == (wish is not None and wish.channel is found.channel)
                    or found.mode == "weekly"
                )
                assert found.sheet is not None, "every delivery names its sheet"
            if wanted == ("suppress", "no_consent"):
                assert found.missing
