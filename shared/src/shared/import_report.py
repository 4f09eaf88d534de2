"""What an import of lists did: counts by file, refusals by file and line (DESIGN §4)."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

_LONGEST_REASON = 300


def shorter(text: str) -> str:
    """As long as a person reads: a cell quoted in a reason may be of any length."""
    return text if len(text) <= _LONGEST_REASON else text[: _LONGEST_REASON - 1] + "…"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that was not imported. `line` is the physical line at which it begins."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, строка {self.line}: {self.reason}"


@dataclass(slots=True)
class Count:
    """What became of one file: rows read, added or changed in the database, refused."""

    read: int = 0
    changed: int = 0
    refused: int = 0


class Report:
    """What an import did. The first `kept` refusals of each file stay in memory; when there are more, all
    of all files are in `full` (if given)."""

    def __init__(self, *, full: Path | None = None, kept: int = 100) -> None:
        self.files: dict[str, Count] = {}
        self.notes: list[str] = []
        self.refusals: list[Refusal] = []
        self.written: Path | None = None
        self._full, self._kept = full, kept

    @property
    def refused(self) -> int:
        return sum(count.refused for count in self.files.values())

    def refuse(self, refusals: Collection[Refusal]) -> None:
        before, too_many = len(self.refusals), False
        listed = sorted(refusals, key=lambda refusal: refusal.line)
        for refusal in listed:
            count = self.files.setdefault(refusal.file, Count())
            count.refused += 1
            if count.refused <= self._kept:
                self.refusals.append(refusal)
            else:
                too_many = True
        if self._full is None:
            return
        if too_many and self.written is None:
            self.written = self._full
            self._full.parent.mkdir(parents=True, exist_ok=True)
            self._full.touch(mode=0o600)
            listed = [*self.refusals[:before], *listed]
        if self.written is not None:
            with self.written.open("a", encoding="utf-8") as file:
                file.writelines(f"{refusal}\n" for refusal in listed)
