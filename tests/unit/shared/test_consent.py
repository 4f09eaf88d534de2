"""The consent matrix, every cell both ways (R-C4)."""

from datetime import date
from itertools import chain, combinations

import pytest
from support import contract
from support.families import TODAY, application, sheet

from shared.categories import Category, Channel
from shared.consent import ITEMS, MATRIX, Form, Subject, lacking, permission, subject_of

COUNT = ("1.3", "4.3", "4.6", "6.8", "6.9", "6.10", "6.12")
"""Every item the table names."""

ROWS = {
    Subject.PROGRESS: contract.PROGRESS,
    Subject.ATTESTATION: contract.ATTESTATION,
    Subject.SCHOOL_LIFE: contract.SCHOOL_LIFE,
}
SUBSETS = [
    frozenset(found)
    for found in chain.from_iterable(combinations(COUNT, size) for size in range(len(COUNT) + 1))
]


@pytest.mark.parametrize("subject", Subject)
@pytest.mark.parametrize("column", ["email", "sms", "push", "page", "paper"])
def test_every_cell_both_ways(subject: Subject, column: str) -> None:
    """R-C4: each of the 128 ways to sign the items that count."""
    cell = MATRIX[subject][column]
    for items in SUBSETS:
        assert (not lacking(cell, items)) == contract.opened(ROWS[subject], column, items), items
    everything_else = ITEMS - set(COUNT)
    assert lacking(cell, everything_else), "no other item opens a cell"


@pytest.mark.parametrize("category", Category)
@pytest.mark.parametrize("individual", [True, False])
@pytest.mark.parametrize("attestation", [True, False])
def test_the_row_of_a_change(category: Category, *, individual: bool, attestation: bool) -> None:
    found = subject_of(category, individual=individual, attestation=attestation)
    assert ROWS[found] == contract.row_of(category, individual=individual, attestation=attestation)


def test_the_sheet_has_its_items() -> None:
    """R-C3: 1.1 to 6.15."""
    assert {"1.1", "1.4", "2.2", "3.6", "4.6", "5.2", "6.15"} <= ITEMS
    assert not {"1.5", "2.3", "6.16", "7.1"} & ITEMS
    assert len(ITEMS) == 35


def _allowed(**papers: object) -> set[Channel]:
    found = permission(
        Subject.PROGRESS,
        Category.MARK,
        sheet=papers.get("sheet"),  # type: ignore[arg-type]
        application=papers.get("application"),  # type: ignore[arg-type]
        today=TODAY,
    )
    return set(found.channels)


def test_a_paper_application_opens_paper_alone() -> None:
    """001 2.7: without any sheet, and beside one that has nothing signed."""
    paper = application(Form.PAPER)
    assert _allowed(application=paper) == {Channel.PAPER}
    assert _allowed(application=paper, sheet=sheet(set())) == {Channel.PAPER}
    assert _allowed(application=application(Form.PAPER, {Category.ATTENDANCE})) == set()
    assert _allowed(application=application(Form.ELECTRONIC)) == set()


@pytest.mark.parametrize(
    ("more", "silent", "why"),
    [
        ({"withdrawn_on": date(2026, 11, 23)}, True, "withdrawn"),
        ({"withdrawn_on": TODAY}, True, "withdrawn"),
        ({"withdrawn_on": date(2026, 11, 25)}, False, None),
        ({"valid_until": date(2026, 11, 23)}, True, "expired"),
        ({"valid_until": date(2026, 11, 23), "withdrawn_on": date(2026, 12, 1)}, True, "expired"),
        ({"valid_until": TODAY}, False, None),
    ],
)
def test_a_withdrawn_or_expired_sheet_silences_paper_too(
    more: dict[str, date], *, silent: bool, why: str | None
) -> None:
    """R-B8, R-C8: and the decision says which of the two it is."""
    found = permission(
        Subject.PROGRESS,
        Category.MARK,
        sheet=sheet(**more),
        application=application(Form.PAPER),
        today=TODAY,
    )
    assert (not found.channels) == silent
    assert found.missing == ((why,) if why else ())


def test_what_is_missing_is_named_for_the_channel_that_lacks_least() -> None:
    """R-C4."""
    found = permission(
        Subject.PROGRESS, Category.MARK, sheet=sheet({"1.3", "6.8"}), application=None, today=TODAY
    )
    assert found.missing == ("4.3", "6.9")
    nothing = permission(Subject.SCHOOL_LIFE, Category.LESSON, sheet=None, application=None, today=TODAY)
    assert (nothing.missing, nothing.sheet) == (("6.10",), None)
