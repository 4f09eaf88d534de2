"""Who may call a route. Every route says so; a test walks all of them (R-D1, R-D2)."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class Access(StrEnum):
    PUBLIC = "public"
    """Anyone: answers nothing about a person."""
    JOURNAL_TOKEN = "journal_token"  # noqa: S105 - a rule's name
    """A journal with its Bearer token."""
    SIGNED_LINK = "signed_link"
    """Whoever holds a link we signed; it opens one act for one guardian."""
    GATEWAY_SECRET = "gateway_secret"  # noqa: S105 - a rule's name
    """A gateway that knows the secret in the address we gave it."""


def access(rule: Access, why: str) -> Callable[[Endpoint], Endpoint]:
    """States a route's rule and the reason for it; the route itself enforces it."""

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.__access__ = (rule, why)  # type: ignore[attr-defined] # a mark for the guard test
        return endpoint

    return mark
