"""What every answer has, whoever made it: headers that browsers obey, the request's id, cookies due.

Nothing from elsewhere, nothing inline, in no foreign frame; answers are not kept unless a route says so.
"""

from collections.abc import Callable

import structlog
from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.audit import REQUEST
from shared.logging import places
from shared.web.language import LOCALES
from shared.web.sessions import Cookies
from shared.web.visit import LANGUAGE_LIVES, Visit

log = structlog.get_logger()

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
_ONLY_TLS = "max-age=31536000"


class Frame:
    """`broken` makes the answer to what nobody expected; its reason goes to the log alone."""

    def __init__(self, app: ASGIApp, *, cookies: Cookies, broken: Callable[[Request], Response]) -> None:
        self._app = app
        self._cookies = cookies
        self._broken = broken

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        if "visit" in state:  # a service below the root of one process: the root frames its answers
            await self._run(scope, receive, send)
            return
        visit = state["visit"] = Visit(Request(scope), self._cookies)
        if (asked := visit.connection.query_params.get("lang")) in LOCALES:
            visit.to_set.append(self._cookies.set(self._cookies.language, asked, longest=LANGUAGE_LIVES))

        async def framed(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._dress(visit, MutableHeaders(scope=message))
            await send(message)

        before = REQUEST.set(visit.id)
        try:
            with structlog.contextvars.bound_contextvars(request=visit.id):
                await self._run(scope, receive, framed)
        finally:
            REQUEST.reset(before)

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:  # noqa: BLE001 - told by kind and place: its message may quote a person
            log.error("web.broken", exception=places(error))  # noqa: TRY400
            if not started:
                await self._broken(Request(scope))(scope, receive, send)

    def _dress(self, visit: Visit, headers: MutableHeaders) -> None:
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        # Not no-referrer for all: it makes a form's Origin «null», by which the guard knows our own.
        headers.setdefault("Referrer-Policy", "no-referrer" if visit.sealed else "same-origin")
        headers.setdefault("X-Request-Id", visit.id)
        if self._cookies.secure:
            headers.setdefault("Strict-Transport-Security", _ONLY_TLS)
        for line in visit.to_set:
            headers.append("Set-Cookie", line)
