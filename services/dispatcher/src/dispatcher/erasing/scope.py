"""Whose data a withdrawal or a leaving takes, and what another sheet keeps: pure (R-B7, R-B8)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from shared.erasure import Pair


@dataclass(frozen=True, slots=True)
class Paper:
    """A sheet as far as it keeps anything; `grants`: it allows something and its content is not erased."""

    signed_on: date
    grants: bool
    valid_until: date | None = None
    withdrawn_on: date | None = None

    def holds(self, today: date) -> bool:
        return (self.withdrawn_on is None or self.withdrawn_on > today) and (
            self.valid_until is None or today <= self.valid_until
        )


@dataclass(frozen=True, slots=True)
class Papers:
    """One guardian's papers about one pupil; sheets newest last. `on_paper`: the newest application asks
    for paper, which holds without a sheet unless one was withdrawn or has run out (DESIGN §6)."""

    sheets: tuple[Paper, ...] = ()
    on_paper: bool = False

    def cover(self, today: date) -> bool:
        """Whether Vestnik may go on keeping data on the strength of these."""
        newest = next((sheet for sheet in reversed(self.sheets) if sheet.signed_on <= today), None)
        if newest is not None and not newest.holds(today):
            return False
        return self.on_paper or (newest is not None and newest.grants)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose data go; as in `shared.erasure.Order`."""

    pupils: tuple[str, ...]
    guardians: tuple[str, ...]
    ties: tuple[Pair, ...]


def of_withdrawal(
    ties: Collection[Pair], papers: Mapping[Pair, Papers], selves: Collection[Pair], today: date
) -> Scope:
    """What the withdrawn `ties` take with them. `papers`: of every tie of the pupils and guardians
    concerned; `selves`: the ties of pupils who are guardians of themselves."""
    covering = [pair for pair, found in papers.items() if pair not in ties and found.cover(today)]
    kept_pupils = {pupil for pupil, _ in covering}
    kept_guardians = {guardian for _, guardian in covering}
    pupils = {pupil for pupil, _ in ties} - kept_pupils
    guardians = {guardian for _, guardian in ties} | {g for p, g in selves if p in pupils}
    return _scope(pupils, guardians - kept_guardians, ties)


def of_leaving(
    pupil: str, ties: Collection[Pair], staying: Collection[str], selves: Collection[Pair]
) -> Scope:
    """Everything of a pupil who left, and of the guardians but `staying`: those with another child here."""
    own = {guardian for p, guardian in ties if p == pupil} | {g for p, g in selves if p == pupil}
    return _scope({pupil}, own - set(staying), [pair for pair in ties if pair[0] == pupil])


def _scope(pupils: Iterable[str], guardians: Iterable[str], ties: Iterable[Pair]) -> Scope:
    return Scope(tuple(sorted(pupils)), tuple(sorted(guardians)), tuple(sorted(set(ties))))
