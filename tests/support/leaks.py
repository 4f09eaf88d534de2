"""Searching texts for what families told the school (R-D3), in every spelling a program may have used."""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

SHORTEST = 5
"""Shorter values («Ли», «упр.») stand in any Russian text by chance, so finding one proves nothing."""


@dataclass(frozen=True, slots=True)
class Needle:
    """One value and where it is from. `digits`: it is a phone, however it is grouped."""

    where: str
    value: str
    digits: bool = False

    @property
    def worth_searching(self) -> bool:
        return len(self.value) >= SHORTEST

    def spellings(self) -> Iterator[str]:
        if self.digits:
            yield re.sub(r"\D", "", self.value)[-10:]
            return
        yield self.value
        yield json.dumps(self.value)[1:-1]
        yield quote(self.value)
        yield quote_plus(self.value)
        yield repr(self.value.encode())[2:-1]


def found_in(text: str, wanted: Collection[Needle]) -> set[Needle]:
    low = text.casefold()
    # Digits apart by signs people put into phones; other numbers stay apart.
    joined = re.sub(r"(?<=\d)[ \-()]{1,2}(?=\d)", "", low)
    return {
        needle
        for needle in wanted
        if any(form.casefold() in (joined if needle.digits else low) for form in needle.spellings())
    }
