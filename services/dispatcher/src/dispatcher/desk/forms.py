"""What the desk's forms have in common."""

from dispatcher.desk.entries import Wrong
from shared.web.forms import Form
from shared.web.language import Texts


def refuse(form: Form, wrong: Wrong, texts: Texts, *, otherwise: str) -> None:
    """Says beside its field, in the reader's language, what only the entry's check knew; beside
    `otherwise` when the form has no such field."""
    field = form[wrong.field if wrong.field in form else otherwise]
    form.refuse(field, texts.say(wrong.text, **wrong.values))
