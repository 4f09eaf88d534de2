"""What follows from an act, said before it is done: pure (R-B7, R-C10, R-D4)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from shared.categories import Category, Channel
from shared.consent import Subject, permission
from shared.families import Guardianship, Pupil
from shared.routing import has_rights
from shared.web.language import mark


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence for the catalogue. `values` are names and days."""

    text: str
    values: dict[str, str | date] = field(default_factory=dict)

    def shown(self, day: Callable[[date], str]) -> dict[str, str]:
        """The values as the page writes them."""
        return {name: day(value) if isinstance(value, date) else value for name, value in self.values.items()}


def of_restriction(
    pupil: Pupil, tie: Guardianship, *, first: date, last: date | None, today: date
) -> list[Said]:
    names: dict[str, str | date] = {"guardian": tie.guardian.name.full, "pupil": pupil.name.full}
    since = max(first, today)
    said = [
        Said(
            mark(
                "С %(first)s %(guardian)s ничего не узнаёт об ученике %(pupil)s: ни сообщений, ни бумажных "
                "листов, ни страницы семьи."
            ),
            {**names, "first": since},
        ),
        Said(mark("Последний день ограничения — %(last)s, дальше всё возобновится само."), {"last": last})
        if last is not None
        else Said(mark("Ограничение действует, пока его не снимут.")),
    ]
    if last is not None and last < today:
        said = [Said(mark("Ограничение уже закончилось и ни на что не повлияет: оно только записывается."))]
    return [*said, _others(pupil, tie, since), _sent()]


def of_leaving(left_on: date, *, today: date, others: Iterable[str]) -> list[Said]:
    """`others` are the names of guardians without another child at the school."""
    said = [
        Said(
            mark("О том, что произойдёт после %(day)s, никому не сообщается; что было раньше, дойдёт."),
            {"day": left_on},
        ),
    ]
    if left_on >= today:
        said.append(Said(mark("До этого дня включительно всё идёт как обычно.")))
    if names := ", ".join(others):
        said.append(
            Said(
                mark("В течение трёх дней закроется доступ тех, у кого в школе нет других детей: %(names)s."),
                {"names": names},
            )
        )
    return [*said, _sent()]


def _others(pupil: Pupil, tie: Guardianship, on: date) -> Said:
    names = [
        one.guardian.name.full
        for one in pupil.guardianships
        if one is not tie and has_rights(pupil, one, happened_on=on, today=on)
    ]
    if names:
        return Said(mark("По-прежнему узнают об ученике: %(names)s."), {"names": ", ".join(names)})
    return Said(mark("Больше об ученике сообщать некому: других представителей с правами в списках нет."))


def _sent() -> Said:
    return Said(mark("Уже отправленное вернуть нельзя."))


class Cover(StrEnum):
    """How much of what a guardian is told paper may carry."""

    ALL = "all"
    PART = "part"
    NONE = "none"


def paper_cover(pupil: Pupil, tie: Guardianship, *, unmarked: bool, today: date) -> Cover | None:
    """Whether going over to paper gives this guardian a sheet about this pupil (item 6.10 or a paper
    application); None where the guardian has no rights today."""
    if not has_rights(pupil, tie, happened_on=today, today=today):
        return None
    asked = [(Subject.SCHOOL_LIFE, Category.ATTENDANCE)]
    if not unmarked:
        asked.append((Subject.PROGRESS, Category.MARK))
    open_ = [
        Channel.PAPER
        in permission(
            subject,
            category,
            sheet=tie.sheet(today),
            application=tie.application(today),
            today=today,
        ).channels
        for subject, category in asked
    ]
    return Cover.ALL if all(open_) else Cover.PART if any(open_) else Cover.NONE
