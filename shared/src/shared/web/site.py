"""One service's web application put together: guard, frame, errors and static files.

site = Site("ingest", "/ingest", settings, pool_of=lambda: self._pool)
site.app.include_router(…); site.pages.render(request, "journals.html.j2", …)
"""

from collections.abc import Callable

import asyncpg
import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from shared.access import Access, access
from shared.db import DATABASE_AWAY
from shared.settings import Settings
from shared.web.errors import NotLoggedIn, Problem, problem_details, told
from shared.web.frame import Frame
from shared.web.guard import Guard
from shared.web.pages import Pages
from shared.web.sessions import Cookies
from shared.web.visit import visit_of

log = structlog.get_logger()


class Site:
    """`app` is guarded and framed: what is added to it needs marks and nothing else. `package` has the
    pages, `path` is where the service answers ("" for the root), `pool_of` as in `Guard`."""

    def __init__(
        self,
        package: str,
        path: str,
        settings: Settings,
        *,
        pool_of: Callable[[], asyncpg.Pool | None] = lambda: None,
    ) -> None:
        self.pages = Pages(package, path)
        self.cookies = Cookies(settings.signing_key, secure=settings.public_url.startswith("https:"))
        self.app = FastAPI(
            title="Вестник",
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            dependencies=[Depends(Guard(pool_of, settings.public_url))],
        )
        self.app.add_middleware(Frame, cookies=self.cookies, broken=self._broken)
        self.app.add_exception_handler(HTTPException, self._http_error)
        self.app.add_exception_handler(NotLoggedIn, self._not_logged_in)
        self.app.add_exception_handler(RequestValidationError, self._invalid)
        for away in DATABASE_AWAY:
            self.app.add_exception_handler(away, self._away)

        @self.app.get("/static/{address}")
        @access(Access.PUBLIC, "style sheets and pictures, the same for everybody")
        async def static(address: str) -> Response:
            found = self.pages.assets.answer(address)
            if found is None:
                raise HTTPException(404)
            return found

    def answer(
        self, request: Request, status: int, text: str | None = None, headers: dict[str, str] | None = None
    ) -> Response:
        """An error for a person or for a program, whichever asks. Without `text`, what is usual."""
        if visit_of(request).wants_html:
            return self.pages.error(request, status, text, headers)
        title, said = told(status, text)
        return JSONResponse(
            problem_details(status, title, said), status, headers, media_type="application/problem+json"
        )

    async def _http_error(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        # Only our own words: a library's are English, and not written for people.
        text = error.detail if isinstance(error, Problem) else None
        headers = dict(error.headers) if error.headers else None
        return self.answer(request, error.status_code, text, headers)

    async def _not_logged_in(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, NotLoggedIn)
        if request.method == "GET" and visit_of(request).wants_html:
            return RedirectResponse(error.login, 303)
        if visit_of(request).wants_html:
            return self.pages.error(request, 401, login=error.login)
        return self.answer(request, 401)

    async def _invalid(self, request: Request, _error: Exception) -> Response:
        return self.answer(request, 422)

    async def _away(self, request: Request, error: Exception) -> Response:
        log.warning("web.database_away", error=type(error).__name__)
        return self.answer(request, 503, headers={"Retry-After": "5"})

    def _broken(self, request: Request) -> Response:
        return self.answer(request, 500)
