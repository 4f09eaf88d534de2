"""One decision for several children of one guardian (DESIGN §6).

A class, grade or school change may reach a guardian through several children whose papers
differ: the strongest verdict wins, and only the children who share it are named.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from shared.categories import ELECTRONIC, Mode
from shared.consent import permission
from shared.families import Guardianship, Pupil
from shared.routing import Matter, Reason, Route, Verdict

_MODES = tuple(Mode)
_REASONS = tuple(Reason)


@dataclass(frozen=True, slots=True)
class Child:
    """A child of the guardian and where the change would go for this child alone."""

    pupil: Pupil
    tie: Guardianship
    route: Route


@dataclass(frozen=True, slots=True)
class Joint:
    """The children named, and the route of the one who leads."""

    children: tuple[Child, ...]
    route: Route

    @property
    def pupils(self) -> tuple[str, ...]:
        return tuple(child.pupil.pupil for child in self.children)

    @property
    def sheets(self) -> tuple[str, ...]:
        return tuple(
            dict.fromkeys(child.route.sheet for child in self.children if child.route.sheet is not None)
        )

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(item for child in self.children for item in child.route.missing))


def join(children: Sequence[Child], *, matter: Matter, default: Mode, today: date) -> Joint:
    """The verdict for all of a guardian's children a change concerns: tell over paper over
    suppress; told at once over daily over weekly, then e-mail over push over SMS; of several
    reasons for silence the one that came furthest through the steps."""
    if len(children) == 1:
        return Joint(tuple(children), children[0].route)
    told = [child for child in children if child.route.verdict is Verdict.TELL]
    if told:
        lead = min(told, key=lambda child: _speed(child.route, default))
        return Joint(tuple(child for child in told if _allows(child, lead.route, matter, today)), lead.route)
    paper = [child for child in children if child.route.verdict is Verdict.PAPER]
    if paper:
        lead = min(paper, key=lambda child: child.route.reason is not Reason.UNREACHABLE)
        return Joint(tuple(paper), lead.route)
    lead = max(children, key=lambda child: _REASONS.index(_reason(child)))
    return Joint(tuple(child for child in children if child.route.reason is lead.route.reason), lead.route)


def _speed(route: Route, default: Mode) -> tuple[int, int]:
    assert route.channel is not None
    return _MODES.index(route.mode or default), ELECTRONIC.index(route.channel)


def _reason(child: Child) -> Reason:
    assert child.route.reason is not None
    return child.route.reason


def _allows(child: Child, lead: Route, matter: Matter, today: date) -> bool:
    if child.route.channel is lead.channel:
        return True
    papers = permission(
        matter.subject,
        matter.category,
        sheet=child.tie.sheet(today),
        application=child.tie.application(today),
        today=today,
    )
    return lead.channel in papers.channels
