"""Who gets a sheet, and for what: routing asked about every kind of news at once (DESIGN §8).

A guardian whom paper covers for anything gets a sheet every teaching week, also an empty one (R-B5), so
coverage is decided from the papers and addresses on file, not from what happened.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from itertools import product

from print_queue.document import Section
from shared.categories import Category, Channel
from shared.families import Guardianship, Pupil, SchoolClass
from shared.routing import Matter, Reason, Route, Verdict, has_rights, route

_PERSONAL = frozenset(
    {
        Category.MARK,
        Category.FINAL_MARK,
        Category.FORECAST,
        Category.ATTENDANCE,
        Category.REMARK,
        Category.HOMEWORK,
    }
)
_COMMON = frozenset({Category.HOMEWORK, Category.LESSON, Category.ASSESSMENT, Category.ANNOUNCEMENT})
KINDS: tuple[tuple[Category, bool, bool], ...] = (
    *product(sorted(_PERSONAL), (True,), (False,)),
    *product(sorted(_COMMON), (False,), (False,)),
    (Category.FINAL_MARK, True, True),
)
"""Every kind of news the consent matrix tells apart: category, about one pupil, attestation."""


@dataclass(frozen=True, slots=True)
class Asking:
    """The circumstances of a week for which routing is asked.

    `switched_on` are the installation's electronic channels; `moved` the (pupil, guardian) whose
    electronic addresses failed this week (R-E5). `first_day`: the day the week opened.
    """

    school_class: SchoolClass
    today: date
    first_day: date
    now: datetime
    switched_on: AbstractSet[Channel]
    moved: AbstractSet[tuple[str, str]]

    def route(self, matter: Matter, pupil: Pupil, guardianship: Guardianship) -> Route:
        return route(
            matter,
            pupil=pupil,
            school_class=self.school_class,
            guardianship=guardianship,
            usable=self._usable(pupil, guardianship),
            today=self.today,
        )

    def on_paper(self, matter: Matter, pupil: Pupil, guardianship: Guardianship) -> bool:
        return self.route(matter, pupil, guardianship).verdict is Verdict.PAPER

    def _usable(self, pupil: Pupil, guardianship: Guardianship) -> frozenset[Channel]:
        guardian = guardianship.guardian
        if (pupil.pupil, guardian.guardian) in self.moved:
            return frozenset()
        return frozenset(
            contact.channel
            for contact in guardian.contacts
            if contact.usable(self.now) and contact.channel in self.switched_on
        )


@dataclass(frozen=True, slots=True)
class Recipient:
    """A sheet is due: this guardian, about this pupil, in these sections."""

    pupil: Pupil
    guardianship: Guardianship
    covers: frozenset[Section]


@dataclass(frozen=True, slots=True)
class Unasked:
    """A pupil none of whose guardians signed anything that holds: the family gets a leaflet (R-C11)."""

    pupil: Pupil
    guardianship: Guardianship


def recipients(pupils: tuple[Pupil, ...], asking: Asking) -> tuple[list[Recipient], list[Unasked]]:
    """Whom the batch of a class is for. A pupil who left during the week is still told of its days."""
    due: list[Recipient] = []
    unasked: list[Unasked] = []
    for pupil in pupils:
        day = min(pupil.left_on, asking.today) if pupil.left_on is not None else asking.today
        if day < asking.first_day:
            continue
        entitled = [
            tie for tie in pupil.guardianships if has_rights(pupil, tie, happened_on=day, today=asking.today)
        ]
        routes = {tie.guardian.guardian: _routes(pupil, tie, asking, day) for tie in entitled}
        for tie in entitled:
            covers = frozenset(
                Section(category.value)
                for category, answer in routes[tie.guardian.guardian]
                if answer.verdict is Verdict.PAPER
            )
            if covers:
                due.append(Recipient(pupil, tie, covers))
        nameless = not (pupil.name.family or pupil.name.given)  # erased (R-B8): the family has decided
        if entitled and not nameless and not any(_consented(answers) for answers in routes.values()):
            unasked.append(Unasked(pupil, entitled[0]))
    return due, unasked


def _routes(pupil: Pupil, tie: Guardianship, asking: Asking, day: date) -> list[tuple[Category, Route]]:
    return [
        (category, asking.route(Matter(category, individual, attestation, day), pupil, tie))
        for category, individual, attestation in KINDS
    ]


def _consented(answers: list[tuple[Category, Route]]) -> bool:
    """Whether the papers allow anything at all, by whatever channel."""
    return any(answer.reason not in {Reason.NO_CONSENT, Reason.UNMARKED_CLASS} for _, answer in answers)
