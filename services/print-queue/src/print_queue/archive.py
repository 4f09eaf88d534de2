"""Where PDFs are kept: `<data>/paper/<school>/<week or day>/<class>.pdf`, for the owner's eyes only."""

import hashlib
import os
import secrets
from pathlib import Path
from urllib.parse import quote

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
    """All of it or nothing, also if the power goes: written aside, then renamed. Mode 0600."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _segment(text: str) -> str:
    """One folder or file name; different texts give different names."""
    kept = "".join(char if char in _RUSSIAN else quote(char, safe=" ()") for char in text)
    return kept.replace(".", "%2E", 1) if kept.startswith(".") else kept or "%"
