"""One line of `vestnik check`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` was looked at, whether it is well, and a sentence: what is wrong and what to do."""

    what: str
    good: bool
    says: str


def good(what: str, says: str) -> Finding:
    return Finding(what, good=True, says=says)


def bad(what: str, says: str) -> Finding:
    return Finding(what, good=False, says=says)
