"""Where PDFs are kept: `<data>/paper/<school>/<week or day>/<class>.pdf`, for the owner's eyes only."""

import hashlib
from pathlib import Path
from urllib.parse import quote

from shared.whole_file import write_whole

_RUSSIAN = "".join(chr(code) for code in range(0x0400, 0x0460))


def place_of(school: str, name: str, class_name: str) -> str:
    """The file's place below the folder of paper. Ids come from a school's lists, so whatever could
    mean something to a file system is spelled out."""
    return f"{_segment(school)}/{_segment(name)}/{_segment(class_name)}.pdf"


def digest(path: Path) -> str | None:
    """The SHA-256 of a file, None if there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None


def write(path: Path, content: bytes) -> None:
    """A PDF in its place, whole; folders on the way are made."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_whole(path, content)


def _segment(text: str) -> str:
    """One folder or file name; different texts give different names."""
    kept = "".join(char if char in _RUSSIAN else quote(char, safe=" ()") for char in text)
    return kept.replace(".", "%2E", 1) if kept.startswith(".") else kept or "%"
