"""Journals are typed by people and machines: nothing of theirs may steer a terminal, a header or a page."""

import re

LONGEST_LINE = 500
LONGEST_TEXT = 20_000

# Control characters, and what turns or hides the direction of writing (UTS 39, «Trojan Source»).
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_SPACES = re.compile(r"[ \t\r\n\x0b\x0c\u2028\u2029]+")
_BREAKS = re.compile(r"\r\n?|\u2028|\u2029")
_EMPTY_LINES = re.compile(r"\n{3,}")


def line(value: object) -> str:
    """Any value as one line of visible text; nothing and composite values are empty."""
    if isinstance(value, str) and value.isprintable() and "  " not in value and len(value) <= LONGEST_LINE:
        return value.strip()  # nearly always
    if value is None or isinstance(value, (dict, list, bool)):
        return ""
    return _cut(_UNSEEN.sub("", _SPACES.sub(" ", str(value))).strip(), LONGEST_LINE)


def text(value: object) -> str:
    """A text of several lines, which it keeps."""
    if not isinstance(value, str):
        return line(value)
    kept = _UNSEEN.sub("", _BREAKS.sub("\n", value))
    return _cut(_EMPTY_LINES.sub("\n\n", kept).strip(), LONGEST_TEXT)


def _cut(value: str, longest: int) -> str:
    return value if len(value) <= longest else value[: longest - 1].rstrip() + "…"
