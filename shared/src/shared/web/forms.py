"""Forms on WTForms: what was typed is kept, what is wrong stands beside its field.

Labels and messages are Russian and marked for the catalogue; the macros of `forms.html.j2` translate
them. CSRF is the guard's business: the form's macro puts the token in.
"""

from collections.abc import Callable
from typing import Any, Self

from fastapi import Request
from wtforms import Form as PlainForm
from wtforms.fields import Field
from wtforms.validators import DataRequired, StopValidation

from shared.web.language import mark

REQUIRED = mark("Заполните это поле.")
_TOO_LONG = mark("Слишком длинно: сократите.")


class Form(PlainForm):
    """`await F.read(request)` fills it; `form.refuse(form.login, text)` adds what only the database knew."""

    @classmethod
    async def read(cls, request: Request, **given: Any) -> Self:
        """The form as sent. `given` are values to show before anything was."""
        sent = await request.form() if request.method == "POST" else None
        return cls(sent, **given)

    def refuse(self, field: Field, text: str) -> None:
        """Adds an error beside a field after validation."""
        field.errors = [*field.errors, text]


def tidy(value: str | None) -> str | None:
    """A filter: without spaces around."""
    return value.strip() if value else value


def required(text: str = REQUIRED) -> DataRequired:
    return DataRequired(text)


def shorter_than(limit: int) -> Callable[[PlainForm, Field], None]:
    """Refuses more than `limit` characters, and what no keyboard types."""

    def check(_form: PlainForm, field: Field) -> None:
        value = field.data or ""
        if len(value) > limit:
            raise StopValidation(_TOO_LONG)
        if any(not char.isprintable() for char in value):
            raise StopValidation(mark("Уберите невидимые знаки."))

    return check
