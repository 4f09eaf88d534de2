"""One request of a person, as pages and the guard know it: language, who it is, cookies to set."""

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from starlette.requests import HTTPConnection

from shared.parents import Parent
from shared.staff import Staff
from shared.web.language import Language, choose
from shared.web.sessions import Cookies

LANGUAGE_LIVES = timedelta(days=365)


@dataclass
class Visit:
    """Made by the frame, filled in by the guard, read by pages; lives as long as the request."""

    connection: HTTPConnection
    cookies: Cookies
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    staff: Staff | None = None
    parent: Parent | None = None
    session: str | None = None
    """The token of the session the guard let in."""
    sealed: bool = False
    """Opened by a link that is itself a secret: nobody else may learn its address."""
    to_set: list[str] = field(default_factory=list)
    """`Set-Cookie` lines of the answer."""

    @cached_property
    def language(self) -> Language:
        asked = self.connection.query_params.get("lang")
        kept = self.connection.cookies.get(self.cookies.language)
        return choose(asked, kept, self.connection.headers.get("accept-language"))

    @cached_property
    def csrf(self) -> str:
        """The token of this person's forms; who is not logged in gets a cookie to bind it to."""
        if self.session is not None:
            return self.cookies.csrf(self.session)
        bound_to = self.connection.cookies.get(self.cookies.form)
        if not bound_to:
            bound_to = secrets.token_urlsafe(16)
            self.to_set.append(self.cookies.set(self.cookies.form, bound_to))
        return self.cookies.csrf(bound_to)

    @property
    def wants_html(self) -> bool:
        return "text/html" in self.connection.headers.get("accept", "")


def visit_of(connection: HTTPConnection) -> Visit:
    """The visit that the frame made for this request."""
    found: Visit = connection.state.visit
    return found


def client_address(connection: HTTPConnection) -> str:
    """Where the request comes from, as the server and its trusted proxies tell it."""
    return connection.client.host if connection.client is not None else ""
