"""Where each kind of news goes now for one guardian of one pupil, as a short table people read: pure
(R-C4, R-C7). It asks the same `shared.routing` that decides, so it cannot promise anything else."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from dispatcher.planning.timing import IMMEDIATE
from shared.categories import Category, Channel, Mode
from shared.families import Guardianship, Pupil, SchoolClass
from shared.routing import Matter, Reason, Route, Verdict, route
from shared.web.language import mark

# What, and the change it stands for: category, about one pupil, a graduate's attestation.
_MATTERS: tuple[tuple[str, Category, bool, bool], ...] = (
    (mark("отметки"), Category.MARK, True, False),
    (mark("итоговые отметки"), Category.FINAL_MARK, True, False),
    (mark("итоговая аттестация"), Category.FINAL_MARK, True, True),
    (mark("прогноз"), Category.FORECAST, True, False),
    (mark("замечания и похвалы"), Category.REMARK, True, False),
    (mark("личные задания"), Category.HOMEWORK, True, False),
    (mark("пропуски и опоздания"), Category.ATTENDANCE, True, False),
    (mark("изменения расписания"), Category.LESSON, False, False),
    (mark("домашние задания"), Category.HOMEWORK, False, False),
    (mark("контрольные"), Category.ASSESSMENT, False, False),
    (mark("объявления"), Category.ANNOUNCEMENT, False, False),
)
_EVERYTHING = mark("обо всём")
_GRADUATE = {"9", "11"}

CHANNELS = {
    Channel.EMAIL: mark("почта"),
    Channel.SMS: mark("СМС"),
    Channel.PUSH: mark("уведомление на телефон"),
    Channel.PAPER: mark("бумага"),
}
_MODES = {
    Mode.IMMEDIATE: mark("сразу"),
    Mode.DAILY: mark("в ежедневной сводке"),
    Mode.WEEKLY: mark("в еженедельной сводке"),
}
_LESSON = mark("сразу, если урок сегодня или завтра")
_ON_PAPER = mark("бумага, раз в неделю")
_BECAUSE = {
    Reason.APPLICATION: mark("по заявлению"),
    Reason.PREFERENCE: mark("так выбрала семья"),
    Reason.UNREACHABLE: mark("рабочего адреса нет"),
}
_SILENT = {
    Reason.RIGHTS: mark("нет права получать сведения"),
    Reason.UNMARKED_CLASS: mark("в этом классе не ставят отметок"),
    Reason.OUT_OF_SCOPE: mark("в заявлении не просили"),
    Reason.UNWANTED: mark("семья отказалась"),
    Reason.UNREACHABLE: mark("рабочего адреса нет, а бумагу лист не разрешает"),
}
_WITHDRAWN = mark("согласие отозвано")
_EXPIRED = mark("срок согласия истёк")
_NO_SHEET = mark("нет листа согласия")
_MISSING = mark("в листе не отмечено")


@dataclass(frozen=True, slots=True)
class Way:
    """Several kinds of news that go the same way. `said` are texts to be joined by commas; `missing`
    the items of the sheet that keep it (R-C4)."""

    what: tuple[str, ...]
    verdict: Verdict
    said: tuple[str, ...]
    missing: tuple[str, ...] = ()


def ways(
    pupil: Pupil,
    tie: Guardianship,
    *,
    school_class: SchoolClass | None,
    usable: frozenset[Channel],
    today: date,
) -> list[Way]:
    """In the order of what families ask for first; kinds that go the same way share a line."""
    found: dict[Way, list[str]] = {}
    for what, matter in _asked(school_class, today):
        routed = route(
            matter, pupil=pupil, school_class=school_class, guardianship=tie, usable=usable, today=today
        )
        found.setdefault(_way(matter.category, routed, tie, today), []).append(what)
    if len(found) == 1:
        (way,) = found
        return [replace(way, what=(_EVERYTHING,))]
    return [replace(way, what=tuple(what)) for way, what in found.items()]


def _asked(school_class: SchoolClass | None, today: date) -> Iterator[tuple[str, Matter]]:
    for what, category, individual, attestation in _MATTERS:
        if attestation and (school_class is None or school_class.grade not in _GRADUATE):
            continue
        yield what, Matter(category, individual=individual, attestation=attestation, happened_on=today)


def _way(category: Category, routed: Route, tie: Guardianship, today: date) -> Way:
    match routed.verdict:
        case Verdict.TELL:
            assert routed.channel is not None
            return Way((), Verdict.TELL, (CHANNELS[routed.channel], _when(category, routed.mode)))
        case Verdict.PAPER:
            return Way((), Verdict.PAPER, (_ON_PAPER, *_reason(_BECAUSE, routed)))
        case _ if routed.reason is Reason.NO_CONSENT:
            return _no_consent(routed, tie, today)
        case _:
            return Way((), Verdict.SUPPRESS, _reason(_SILENT, routed))


def _when(category: Category, mode: Mode | None) -> str:
    if mode is not None:
        return _MODES[mode]
    if category is Category.LESSON:
        return _LESSON
    return _MODES[Mode.IMMEDIATE if category in IMMEDIATE else Mode.DAILY]


def _reason(words: dict[Reason, str], routed: Route) -> tuple[str, ...]:
    return (words[routed.reason],) if routed.reason in words else ()


def _no_consent(routed: Route, tie: Guardianship, today: date) -> Way:
    if tie.sheet(today) is None:
        return Way((), Verdict.SUPPRESS, (_NO_SHEET,))
    for word, text in {"withdrawn": _WITHDRAWN, "expired": _EXPIRED}.items():
        if word in routed.missing:
            return Way((), Verdict.SUPPRESS, (text,))
    return Way((), Verdict.SUPPRESS, (_MISSING,), routed.missing)
