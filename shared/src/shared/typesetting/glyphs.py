"""Keeps to what the font can draw.

PDF/A without fallback fonts refuses a whole class for one unknown glyph, and bidi controls let a text
lie about its order. So every string is reduced to the font's characters first, and what was lost is
counted, never hidden.
"""

import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import fontpkg_pt_sans  # type: ignore[import-untyped]  # ships no annotations
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]  # ships no annotations

FONT_FAMILY: str = fontpkg_pt_sans.FAMILY
FONT_FOLDER: Path = fontpkg_pt_sans.ROOT / "files"

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json] | None"

#: Same meaning, other character: these are not losses.
_STAND_INS: Mapping[str, str] = {
    "\t": " ",
    "\r": "\n",
    "\u2028": "\n",
    "\u2029": "\n",
    "\u2010": "-",
    "\u2011": "-",
    "\u2032": "'",
    "\u2033": '"',
    "→": "–",
    "✓": "+",
    "✔": "+",
    "●": "•",
    "○": "•",
    "□": "•",
}
#: Nothing is missed when these go: they only steer how text is broken or joined.
_INVISIBLE = frozenset("\u200b\u200c\u2060\ufeff\ufe0e\ufe0f\u200d")


@dataclass(frozen=True, slots=True)
class Dropped:
    """A character the font cannot draw: `character` as «U+1F600 GRINNING FACE», `times` it was met.

    `place` is a sheet's id, or «cover».
    """

    place: str
    character: str
    times: int


@lru_cache(maxsize=1)
def drawable() -> frozenset[str]:
    """The characters every face of the font has, less private ones, which PDF/A forbids."""
    faces: list[frozenset[int]] = []
    for path in sorted(FONT_FOLDER.glob("*.ttf")):
        with TTFont(path, lazy=True) as font:
            faces.append(frozenset(font.getBestCmap()))
    common = frozenset[int].intersection(*faces)
    forbidden = {"Cc", "Co", "Cs", "Cn"}
    return frozenset(
        char
        for char in map(chr, common)
        if unicodedata.category(char) not in forbidden and not _is_control(char)
    )


def filter_text(text: str, lost: Counter[str]) -> str:
    """`text` in the font's characters; what could not be kept is added to `lost`.

    A letter, digit or mathematical sign that is lost leaves «?», for silence would change the meaning;
    emoji, controls and marks without a glyph leave nothing.
    """
    known = drawable()
    normal = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    if all(char in known or char == "\n" for char in normal):
        return normal
    kept: list[str] = []
    for char in normal:
        if char in known or char == "\n":
            kept.append(char)
        elif char in _STAND_INS:
            kept.append(_STAND_INS[char])
        elif char in _INVISIBLE:
            continue
        elif (plain := unicodedata.normalize("NFKC", char)) != char and all(c in known for c in plain):
            kept.append(plain)
        else:
            lost[char] += 1
            kept.append("?" if _bears_meaning(char) else "")
    return "".join(kept)


def filter_json(value: Json, lost: Counter[str]) -> Json:
    """`filter_text` over every string of a tree; keys are ours and stay."""
    match value:
        case str():
            return filter_text(value, lost)
        case list():
            return [filter_json(item, lost) for item in value]
        case dict():
            return {key: filter_json(item, lost) for key, item in value.items()}
        case _:
            return value


def report(place: str, lost: Counter[str]) -> tuple[Dropped, ...]:
    """What was lost in one place, in the order of code points."""
    return tuple(
        Dropped(place, f"U+{ord(char):04X} {unicodedata.name(char, '')}".strip(), times)
        for char, times in sorted(lost.items())
    )


def _is_control(char: str) -> bool:
    """Format characters (bidi controls, joiners) except the soft hyphen."""
    return unicodedata.category(char) == "Cf" and char != "\u00ad"


def _bears_meaning(char: str) -> bool:
    return unicodedata.category(char)[0] in "LN" or unicodedata.category(char) == "Sm"
