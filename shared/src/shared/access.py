"""Who may call a route. The mark is the rule: `shared.web.guard` enforces what it says, and a route
without one cannot be reached (R-D1, R-D2). A test walks all of them as everybody.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from shared.staff import Role

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class Access(StrEnum):
    PUBLIC = "public"
    """Anyone: answers nothing about a person."""
    STAFF = "staff"
    """A member of staff who is logged in and has one of the route's roles."""
    PARENT = "parent"
    """A guardian who is logged in."""
    JOURNAL_TOKEN = "journal_token"  # noqa: S105 - a rule's name
    """A journal with its Bearer token; the route itself reads it."""
    SIGNED_LINK = "signed_link"
    """Whoever holds a link we signed; it opens one act for one guardian. The route itself reads it."""
    ONE_TIME_LINK = "one_time_link"
    """Whoever holds a link we gave out once; it opens one act for one person. The route itself reads it."""
    GATEWAY_SECRET = "gateway_secret"  # noqa: S105 - a rule's name
    """A gateway that knows the secret in the address we gave it; the route itself compares it."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A route's rule. `example` gives values for the parameters of its path, for the test that walks;
    `{school}` in a value stands for the school of whoever walks."""

    rule: Access
    why: str
    roles: frozenset[Role] = frozenset()
    example: Mapping[str, str] = field(default_factory=dict)


def access(
    rule: Access, why: str, *, roles: Collection[Role] = (), example: Mapping[str, str] | None = None
) -> Callable[[Endpoint], Endpoint]:
    """States a route's rule and the reason for it. STAFF needs `roles`: nobody is let in by omission.

    A parameter named `school`, in the path, the query or a form, is compared with the school of the
    member of staff before the route is called; any other scope is the route's own to keep.
    """
    if (rule is Access.STAFF) != bool(roles):
        raise ValueError("a route for staff, and only such a route, names its roles")

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.__access__ = Mark(rule, why, frozenset(roles), example or {})  # type: ignore[attr-defined] # read by mark_of
        return endpoint

    return mark


def mark_of(endpoint: object) -> Mark | None:
    """The rule of a route's function; None when it states none."""
    found = getattr(endpoint, "__access__", None)
    return found if isinstance(found, Mark) else None
