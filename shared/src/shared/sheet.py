"""What a list is before its cells mean anything: a header and rows by line."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from shared.cells import Unfit

Row = list[str] | Unfit
"""The cells of a row, or why the row cannot be read."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """`rows`: by the line each begins at, as an editor counts them; `share`: how much of it is read, 0..1."""

    header: list[str]
    rows: Iterator[tuple[int, Row]]
    share: Callable[[], float]
