"""What the secretary writes down, checked before anything is touched: pure (R-C1, R-C3)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from shared.categories import Category
from shared.consent import Form, OwnForm, items_of
from shared.errors import ForPeople
from shared.web.language import mark

PROCESSING = tuple(f"6.{item}" for item in range(1, 7))
"""Items without which the school may hardly keep its own records: left blank, they only warn (R-C4)."""
NO_ITEMS = mark("На листе согласия нет пунктов: %(items)s.")
NO_NUMBER = mark("Укажите номер, под которым документ записан в журнале регистрации.")
_LONGEST = 100


class Wrong(ForPeople):
    """A field that cannot be registered as written; `text` with its `values` says why and what to do, so
    that a page may say it in the reader's language."""

    def __init__(self, field: str, text: str, **values: str) -> None:
        super().__init__(text % values if values else text)
        self.field = field
        self.text = text
        self.values = values


@dataclass(frozen=True, slots=True, order=True)
class Tie:
    """One guardian of one pupil."""

    school: str
    pupil: str
    guardian: str


@dataclass(frozen=True, slots=True)
class SheetEntry:
    """A consent sheet as signed (001 Appendix 2). `items` are ticked on the school's own form; a refusal
    has none. `signed_by` is the signatory as written, empty for the guardian; `accepted_by` the person
    responsible at the school."""

    number: str
    signed_on: date
    items: tuple[str, ...] = ()
    refused: bool = False
    valid_until: date | None = None
    signed_by: str = ""
    accepted_by: str = ""


@dataclass(frozen=True, slots=True)
class ApplicationEntry:
    """An application as signed (001 Appendix 1). `pupil_access`: its point 2, the pupil too (R-C12)."""

    number: str
    signed_on: date
    form: Form
    scope: frozenset[Category] = frozenset()
    pupil_access: bool = False
    accepted_by: str = ""


def check_sheet(entry: SheetEntry, *, form: OwnForm, today: date) -> list[Wrong]:
    """What keeps a sheet from being registered."""
    found = _check_paper(entry.number, entry.signed_on, today)
    if strange := sorted(set(entry.items) - items_of(form)):
        found.append(Wrong("items", NO_ITEMS, items=", ".join(strange)))
    if entry.refused and entry.items:
        found.append(Wrong("items", mark("Отказ от согласия не может содержать отмеченных пунктов.")))
    if not entry.refused and not entry.items:
        found.append(
            Wrong("items", mark("Отметьте пункты, на которые семья согласна, или выберите «отказ»."))
        )
    if entry.valid_until is not None and entry.valid_until < entry.signed_on:
        found.append(Wrong("valid_until", mark("Срок согласия кончается раньше подписи.")))
    return found


def check_application(entry: ApplicationEntry, *, today: date) -> list[Wrong]:
    """What keeps an application from being registered."""
    return _check_paper(entry.number, entry.signed_on, today)


def blank_processing(entry: SheetEntry, form: OwnForm) -> tuple[str, ...]:
    """Items 6.1-6.6 that were left blank on Appendix 2: worth a question to the family, no obstacle."""
    return () if form or entry.refused else tuple(item for item in PROCESSING if item not in entry.items)


def _check_paper(number: str, signed_on: date, today: date) -> list[Wrong]:
    found = []
    if not number.strip():
        found.append(Wrong("number", NO_NUMBER))
    elif len(number) > _LONGEST or not number.isprintable():
        found.append(Wrong("number", mark("Номер слишком длинный или содержит невидимые знаки.")))
    if signed_on > today:
        found.append(Wrong("signed_on", mark("Дата подписи ещё не наступила.")))
    return found


def next_number(newest_first: Iterable[str], *, year: int) -> str:
    """The number to propose: the newest one that ends in a number (a year after a slash stays), plus
    one; in a new year, and for the first, «1/2026»."""
    for number in newest_first:
        head, slash, tail = number.rpartition("/")
        if slash and tail.isdecimal() and len(tail) == 4:
            if int(tail) != year:
                break
            return f"{_more(head)}/{tail}" if _more(head) else f"1/{year}"
        if more := _more(number):
            return more
    return f"1/{year}"


def _more(number: str) -> str | None:
    digits = number[len(number.rstrip("0123456789")) :]
    if not digits:
        return None
    return number[: -len(digits)] + str(int(digits) + 1).zfill(len(digits))
