"""Errors as RFC 9457 problem details: what happened, what is safe, what to do next."""

from typing import Any

from starlette.responses import JSONResponse

TITLES = {
    400: "Это не CloudEvents",
    401: "Токен не принят",
    403: "Чужой журнал",
    413: "Слишком большой запрос",
    415: "Неизвестный вид содержимого",
    429: "Слишком много запросов сразу",
    503: "Сейчас не принять",
}


class ProblemError(Exception):
    """Ends a request with a status of §3; nothing of it was stored."""

    def __init__(self, status: int, detail: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers or {}

    def response(self) -> JSONResponse:
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": TITLES[self.status],
            "status": self.status,
            "detail": self.detail,
        }
        return JSONResponse(body, self.status, self.headers, media_type="application/problem+json")


def unavailable() -> ProblemError:
    return ProblemError(
        503,
        "База данных сейчас недоступна. Пришлите тот же запрос снова: дважды ничего принято не будет.",
        headers={"Retry-After": "5"},
    )
