"""What a list is before its cells mean anything: a header and rows by line."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from shared.cells import Unfit
from shared.db import AnyConnection

Row = list[str] | Unfit
"""The cells of a row, or why the row cannot be read."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """`rows`: by the line each begins at, as an editor counts them; `share`: how much of it is read, 0..1;
    `words`: in a list of another standard, what it calls our columns and files; which of ours it lacks is
    no news then."""

    header: list[str]
    rows: Iterator[tuple[int, Row]]
    share: Callable[[], float]
    words: Mapping[str, str] = field(default_factory=dict)


class Absent(Exception):
    """A part that the lists do not have; the text is a note for the report, or empty."""


class Lists(Protocol):
    """Where the school's lists come from."""

    def name(self, file: str) -> str:
        """What the report calls this part, which DESIGN §4 calls `file`."""

    def open(self, file: str, connection: AnyConnection) -> AbstractAsyncContextManager[Sheet]:
        """The part as a sheet, for as long as the block lasts; the connection may be asked what is known.

        Raises Absent, and Unfit when the part is no use.
        """
