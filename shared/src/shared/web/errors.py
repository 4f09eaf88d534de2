"""Answers when a page cannot be given: what happened, what is safe, what to do next, and nothing more.

Programs get RFC 9457 problem details, people a page of the usual look.
"""

from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException

from shared.web.language import mark


class Problem(HTTPException):
    """Ends a request with a status and a text for the person (Russian, marked for the catalogue)."""

    def __init__(self, status: int, text: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, text, headers)


class NotLoggedIn(Exception):
    """The page is for somebody who is logged in. `login` is where that is done."""

    def __init__(self, login: str) -> None:
        super().__init__()
        self.login = login


TEXTS: dict[int, tuple[str, str]] = {
    400: (
        mark("Запрос не удалось прочитать"),
        mark("Ничего не изменено. Вернитесь на предыдущую страницу и повторите."),
    ),
    401: (
        mark("Нужно войти"),
        mark("Вы не вошли, или прошло слишком много времени. Ничего не изменено. Войдите и повторите."),
    ),
    403: (
        mark("Нет доступа"),
        mark("Эта страница не для вашей роли. Если она вам нужна, обратитесь к администратору школы."),
    ),
    404: (
        mark("Страница не найдена"),
        mark("Проверьте адрес: возможно, он скопирован не целиком, или запись уже убрали."),
    ),
    405: (mark("Так эту страницу не открыть"), mark("Ничего не изменено. Откройте страницу заново.")),
    409: (
        mark("Кто-то успел раньше"),
        mark("Запись изменилась, пока страница была открыта. Ничего не испорчено: откройте её заново."),
    ),
    413: (mark("Слишком большой запрос"), mark("Ничего не изменено. Отправьте меньше за один раз.")),
    422: (
        mark("Адрес или форма заполнены неверно"),
        mark("Ничего не изменено. Вернитесь на предыдущую страницу и проверьте, что введено."),
    ),
    429: (mark("Слишком много попыток"), mark("Ничего не изменено. Подождите немного и повторите.")),
    500: (
        mark("Сбой в Вестнике"),
        mark("Мы уже записали его причину. Сохранённое раньше цело. Повторите позже."),
    ),
    503: (
        mark("Вестник сейчас не готов"),
        mark("Сохранённое раньше цело. Страница откроется, когда служба запустится: повторите через минуту."),
    ),
}


def told(status: int, text: str | None = None) -> tuple[str, str]:
    """Title and text of an answer with this status."""
    known = TEXTS.get(status) or TEXTS[500 if status >= HTTPStatus.INTERNAL_SERVER_ERROR else 400]
    return known[0], text or known[1]


def problem_details(status: int, title: str, text: str) -> dict[str, Any]:
    """RFC 9457."""
    return {"type": "about:blank", "title": title, "status": status, "detail": text}
