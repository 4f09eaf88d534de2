"""Fields of the desk's forms: days, and items of the consent sheet typed or ticked."""

from collections.abc import Sequence
from datetime import date

from wtforms import DateField, SelectMultipleField

from dispatcher.desk.entries import NO_ITEMS, Wrong
from shared.consent import MATRIX, OwnForm
from shared.consent_items import SECTIONS, TITLES, Meaning, Section
from shared.web.language import Worded, mark

NO_DAY = mark("Укажите дату полностью: день, месяц и год.")


class DayField(DateField):
    """A date as the browser's own field sends it; empty is None."""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None
        if valuelist and valuelist[0].strip():
            try:
                self.data = date.fromisoformat(valuelist[0].strip())
            except ValueError:
                raise ValueError(NO_DAY) from None


class TicksField(SelectMultipleField):
    """Boxes to tick; what is not among them is judged where the entry is checked."""

    def pre_validate(self, form: object) -> None:
        """Nothing: the entry's own check says it in Russian."""


SENDING = frozenset(
    item
    for row in MATRIX.values()
    for cell in row.values()
    for need in cell
    for item in ([need] if isinstance(need, str) else need)
)
"""The items that telling families rests on (R-C4)."""


def sections(form: OwnForm) -> list[tuple[str | Worded, list[tuple[str, str | Worded]]]]:
    """The sheet as printed: sections with (item, title). A school's own form is one section, each item
    in the words of the items it means."""
    if form:
        return [("", [(own, Meaning(tuple(means))) for own, means in form.items()])]
    return [
        (
            Section(number),
            [(item, said) for item, said in TITLES.items() if item.split(".")[0] == number],
        )
        for number in SECTIONS
    ]


def titles(form: OwnForm) -> dict[str, str | Worded]:
    """Each item of the school's sheet in words."""
    return {item: said for _, items in sections(form) for item, said in items}


def items_in_order(form: OwnForm) -> list[str]:
    return [item for _, items in sections(form) for item, _ in items]


def sending_items(form: OwnForm) -> list[str]:
    """The school's items that mean something for telling families."""
    if form:
        return [own for own, means in form.items() if SENDING.intersection(means)]
    return [item for item in items_in_order(form) if item in SENDING]


def read_items(text: str, form: OwnForm) -> list[str]:
    """Items typed as people read them off the paper: «1.3 4.3, 6.1-6.12 6.15»; a dash takes all between.
    Raises Wrong for what the sheet does not have."""
    order = items_in_order(form)
    found: list[str] = []
    for word in text.replace(",", " ").replace(";", " ").replace("–", "-").replace("—", "-").split():
        found += _between(word.rstrip("."), order)
    return [item for item in order if item in found]


def _between(word: str, order: Sequence[str]) -> Sequence[str]:
    if word in order:
        return [word]
    first, dash, last = word.partition("-")
    if dash and first in order and last in order and order.index(first) <= order.index(last):
        return order[order.index(first) : order.index(last) + 1]
    raise Wrong("typed", NO_ITEMS, items=word)
