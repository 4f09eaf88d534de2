"""The two forms a secretary types all day: the application and the consent sheet (R-C1, R-C3)."""

from datetime import date, timedelta
from typing import Any

from wtforms import BooleanField, RadioField, StringField

from dispatcher.desk.entries import NO_NUMBER, ApplicationEntry, SheetEntry
from dispatcher.desk.fields import NO_DAY, DayField, TicksField
from dispatcher.desk.labels import CATEGORIES, FORMS
from dispatcher.desk.room import Entered
from shared.categories import Category
from shared.consent import Form as Asked
from shared.web.forms import Form, required, shorter_than, tidy
from shared.web.language import mark

LATELY = timedelta(hours=12)
"""What somebody registered last is the default for so long: a pile of papers has one date."""


class PaperForm(Form):
    number = StringField(
        mark("Номер"),
        [
            required(NO_NUMBER),
            shorter_than(100),
        ],
        filters=[tidy],
    )
    signed_on = DayField(mark("Дата подписи"), [required(NO_DAY)])
    accepted_by = StringField(mark("Кто принял"), [shorter_than(200)], filters=[tidy])


class SheetForm(PaperForm):
    refused = BooleanField(mark("Отказ от согласия: ни одного пункта"))
    typed = StringField(mark("Пункты"), [shorter_than(300)], filters=[tidy])
    items = TicksField(mark("Отмеченные пункты"))
    valid_until = DayField(mark("Действует до"))
    signed_by = StringField(mark("Кто подписал"), [shorter_than(200)], filters=[tidy])

    def entry(self, items: tuple[str, ...]) -> SheetEntry:
        assert self.signed_on.data is not None
        return SheetEntry(
            self.number.data or "",
            self.signed_on.data,
            items,
            bool(self.refused.data),
            self.valid_until.data,
            self.signed_by.data or "",
            self.accepted_by.data or "",
        )


class ApplicationForm(PaperForm):
    form = RadioField(
        mark("Семья просит"),
        choices={form.value: said for form, said in FORMS.items()},
        default=Asked.ELECTRONIC.value,
    )
    scope = TicksField(
        mark("О чём сообщать"), choices={category.value: said for category, said in CATEGORIES.items()}
    )
    pupil_access = BooleanField(mark("Доступ нужен и ученику (пункт 2)"))
    email = StringField(mark("Почта"), [shorter_than(254)], filters=[tidy])
    phone = StringField(mark("Мобильный телефон"), [shorter_than(40)], filters=[tidy])

    def entry(self) -> ApplicationEntry:
        assert self.signed_on.data is not None
        known = set(Category)
        return ApplicationEntry(
            self.number.data or "",
            self.signed_on.data,
            Asked(self.form.data),
            frozenset(Category(one) for one in self.scope.data or () if one in known),
            bool(self.pupil_access.data),
            self.accepted_by.data or "",
        )


async def defaults(at: Entered, table: str) -> dict[str, Any]:
    """What to show before anything is typed: this person's last paper of the kind, when it was lately,
    else today and their own name. `items` are those of that sheet."""
    items = "signed_items" if table == "sheet" else "'{}'::text[]"
    row = await at.connection.fetchrow(
        f"""SELECT signed_on, accepted_by, {items} AS items FROM consent.{table}
            WHERE school = $1 AND registered_by = $2 AND registered_at > now() - $3::interval
            ORDER BY registered_at DESC LIMIT 1""",
        *(at.place.school, at.staff.key, LATELY),
    )
    if row is None:
        return {"signed_on": at.place.today, "accepted_by": at.staff.name, "items": []}
    day: date = row["signed_on"]
    return {"signed_on": day, "accepted_by": row["accepted_by"], "items": row["items"]}
