"""Whose data a withdrawal takes, and what another guardian's sheet keeps (R-B7, R-B8)."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from dispatcher.erasing.scope import Paper, Papers, of_leaving, of_withdrawal

TODAY = date(2026, 11, 24)
SIGNED = date(2026, 9, 1)
IN_FORCE = Papers((Paper(SIGNED, grants=True),))
WITHDRAWN = Papers((Paper(SIGNED, grants=True, withdrawn_on=TODAY),))


def test_the_only_guardians_withdrawal_takes_the_child_and_the_guardian() -> None:
    """R-B8."""
    found = of_withdrawal([("p", "g")], {("p", "g"): WITHDRAWN}, [], TODAY)
    assert (found.pupils, found.guardians, found.ties) == (("p",), ("g",), (("p", "g"),))


def test_the_other_guardians_sheet_keeps_the_child() -> None:
    """R-B8: what another guardian's sheet covers stays."""
    papers = {("p", "g"): WITHDRAWN, ("p", "h"): IN_FORCE}
    found = of_withdrawal([("p", "g")], papers, [], TODAY)
    assert (found.pupils, found.guardians) == ((), ("g",))


def test_a_sheet_for_another_child_keeps_the_guardian() -> None:
    papers = {("p", "g"): WITHDRAWN, ("q", "g"): IN_FORCE}
    found = of_withdrawal([("p", "g")], papers, [], TODAY)
    assert (found.pupils, found.guardians, found.ties) == (("p",), (), (("p", "g"),))


def test_a_pupil_who_is_their_own_guardian_goes_as_both() -> None:
    """R-C8."""
    found = of_withdrawal([("p", "g")], {("p", "g"): WITHDRAWN}, [("p", "p-self")], TODAY)
    assert found.guardians == ("g", "p-self")


def test_what_covers_nothing_keeps_nobody() -> None:
    refused = Papers((Paper(SIGNED, grants=False),))
    over = Papers((Paper(SIGNED, grants=True, valid_until=date(2026, 8, 31)),))
    later = Papers((Paper(date(2026, 12, 1), grants=True),))
    replaced = Papers((Paper(SIGNED, grants=True), Paper(date(2026, 10, 1), grants=False)))
    silenced = Papers(WITHDRAWN.sheets, on_paper=True)
    for papers in (refused, over, later, replaced, silenced, Papers()):
        assert not papers.cover(TODAY)
    for papers in (IN_FORCE, Papers(on_paper=True), Papers(refused.sheets, on_paper=True)):
        assert papers.cover(TODAY)


def test_leaving_takes_the_child_and_a_guardian_only_without_another_child_here() -> None:
    """R-B7."""
    found = of_leaving("p", [("p", "g"), ("p", "h")], ["h"], [])
    assert (found.pupils, found.guardians, found.ties) == (("p",), ("g",), (("p", "g"), ("p", "h")))


PEOPLE = st.sampled_from(["1", "2", "3"])
PAIRS = st.dictionaries(
    st.tuples(PEOPLE, PEOPLE), st.sampled_from([IN_FORCE, WITHDRAWN, Papers()]), max_size=9
)


@given(PAIRS)
def test_nobody_covered_goes_and_nobody_uncovered_of_the_tie_stays(
    papers: dict[tuple[str, str], Papers],
) -> None:
    """R-B8, whatever the family."""
    ties = [pair for pair, found in papers.items() if found is WITHDRAWN]
    found = of_withdrawal(ties, papers, [], TODAY)
    covered = [pair for pair, one in papers.items() if one.cover(TODAY)]
    assert set(found.pupils) == {p for p, _ in ties} - {p for p, _ in covered}
    assert set(found.guardians) == {g for _, g in ties} - {g for _, g in covered}
