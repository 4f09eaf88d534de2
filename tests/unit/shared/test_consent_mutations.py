"""Every need of every cell of the matrix matters, and none is missing: over all sheets there are (R-C4)."""

from itertools import chain, combinations

import pytest
from support.contract import opened

from shared.consent import MATRIX, Cell, Subject, lacking

ROWS = {
    Subject.PROGRESS: "progress",
    Subject.ATTESTATION: "attestation",
    Subject.SCHOOL_LIFE: "school life",
}
NAMED = ("1.3", "4.3", "4.6", "6.8", "6.9", "6.10", "6.12", "6.7", "6.11")
"""The items of the matrix, and two that open nothing."""
SHEETS = [
    frozenset(signed)
    for signed in chain.from_iterable(combinations(NAMED, size) for size in range(len(NAMED) + 1))
]
CELLS = [(subject, str(way), cell) for subject, row in MATRIX.items() for way, cell in row.items()]


def wrong_sheets(subject: Subject, way: str, cell: Cell) -> int:
    """How many of all sheets the cell judges otherwise than the regulation's wording does."""
    return sum((not lacking(cell, signed)) != opened(ROWS[subject], way, signed) for signed in SHEETS)


def mutants(cell: Cell) -> list[Cell]:
    """The cell with a need dropped, an alternative dropped, or a stranger added."""
    made: list[Cell] = [cell[:n] + cell[n + 1 :] for n in range(len(cell))]
    for n, need in enumerate(cell):
        if isinstance(need, tuple):
            made += [(*cell[:n], (kept,), *cell[n + 1 :]) for kept in need]
    return [*made, (*cell, "6.7"), (*cell, "6.11")]


@pytest.mark.parametrize(("subject", "way", "cell"), CELLS)
def test_nothing_without_consent_and_everything_with_it(subject: Subject, way: str, cell: Cell) -> None:
    """R-C4: each of 512 possible sheets opens exactly what the regulation says."""
    assert wrong_sheets(subject, way, cell) == 0


@pytest.mark.parametrize(("subject", "way", "cell"), CELLS)
def test_a_change_of_any_rule_would_be_seen(subject: Subject, way: str, cell: Cell) -> None:
    """R-C4: no need can be dropped, narrowed or added without a sheet that shows it."""
    for mutant in mutants(cell):
        assert wrong_sheets(subject, way, mutant) > 0, mutant
