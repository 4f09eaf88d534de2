"""Long lists, a page at a time: what was asked for in the address, and what is shown of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Request

Row = TypeVar("Row")
PAGE = 50
_FURTHEST = 10_000  # pages; nobody turns so many, and OFFSET must fit a bigint


@dataclass(frozen=True, slots=True)
class Asked:
    """`?q=…&page=2` and the page's other filters. Statements take `limit` rows from `offset` on: one more
    than a page holds, to know whether another follows."""

    text: str
    page: int
    others: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, request: Request, *others: str) -> "Asked":
        """`others` names further parameters to keep while turning pages."""
        given = request.query_params
        page = given.get("page", "")
        return cls(
            given.get("q", "").strip()[:100],
            min(max(int(page), 1), _FURTHEST) if page.isascii() and page.isdecimal() and len(page) < 9 else 1,
            tuple((name, given[name]) for name in others if given.get(name)),
        )

    @property
    def limit(self) -> int:
        return PAGE + 1

    @property
    def offset(self) -> int:
        return (self.page - 1) * PAGE

    @property
    def pattern(self) -> str:
        """For `ILIKE`: the text anywhere, its own signs taken literally."""
        literal = self.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return f"%{literal}%"

    def address(self, page: int) -> str:
        """The same list on another page."""
        asked = [*self.others, *([("q", self.text)] if self.text else []), ("page", str(page))]
        return f"?{urlencode(asked)}"


@dataclass(frozen=True, slots=True)
class Shown(Generic[Row]):
    """One page of a list."""

    asked: Asked
    rows: Sequence[Row]
    more: bool

    @classmethod
    def of(cls, asked: Asked, found: Sequence[Row]) -> "Shown[Row]":
        """`found` is what a statement gave for `asked.limit` and `asked.offset`."""
        return cls(asked, found[:PAGE], len(found) > PAGE)
