"""What a secretary can do from the family page and from the desk's first page: one table each. A page
added to the desk adds its line here and nothing to the templates."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Act:
    """A link. `path`: below `/dispatcher/desk/families/{pupil}/` for acts on a family (those on one
    guardian get `?guardian=…`), below `/dispatcher/desk/` for lists. `key`: a digit, with Alt."""

    path: str
    title: str
    key: str = ""


GUARDIAN_ACTS: tuple[Act, ...] = ()
"""About one guardian of the pupil, in the order of how often they are needed."""

PUPIL_ACTS: tuple[Act, ...] = ()
"""About the pupil."""

LISTS: tuple[Act, ...] = ()
"""What the first page leads to."""
