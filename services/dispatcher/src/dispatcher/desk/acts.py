"""What a secretary can do from the family page and from the desk's first page: one table each. A page
added to the desk adds its line here and nothing to the templates."""

from dataclasses import dataclass

from shared.web.language import mark


@dataclass(frozen=True, slots=True)
class Act:
    """A link. `path`: below `/dispatcher/desk/families/{pupil}/` for acts on a family (those on one
    guardian get `?guardian=…`), below `/dispatcher/desk/` for lists. `key`: a digit, with Alt, of the
    first guardian's."""

    path: str
    title: str
    key: str = ""


GUARDIAN_ACTS: tuple[Act, ...] = (
    Act("application", mark("Заявление"), "2"),
    Act("sheet", mark("Лист согласия"), "3"),
    Act("contact", mark("Контакт"), "4"),
    Act("why", mark("Почему?"), "5"),
    Act("lost-access", mark("Утерян доступ"), "6"),
    Act("withdrawal", mark("Отзыв согласия")),
    Act("restriction", mark("Ограничение прав")),
)
"""About one guardian of the pupil, in the order of how often they are needed."""

PUPIL_ACTS: tuple[Act, ...] = (Act("leaving", mark("Выбытие")),)
"""About the pupil."""

LISTS: tuple[Act, ...] = (
    Act("undecided", mark("Семьи без решения")),
    Act("refusals", mark("Журнал отказов")),
    Act("adults", mark("Скоро 18 лет")),
    Act("rollover", mark("Новый учебный год")),
)
"""What the first page leads to."""
