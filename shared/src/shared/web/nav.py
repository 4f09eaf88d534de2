"""The one place where pages for staff are named: what each role finds at the top of every page.

A service shows links to the others' pages too, and knows nothing else of them. A guard test opens
each entry as each role.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.parents import Parent
from shared.staff import Role, Staff
from shared.web.language import mark

ROLES = {
    Role.OPERATOR: mark("оператор рассылки"),
    Role.IT: mark("технический специалист"),
    Role.SECRETARY: mark("секретарь"),
    Role.TEACHER: mark("классный руководитель"),
    Role.ADMIN: mark("администратор"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    path: str
    title: str
    roles: frozenset[Role]


NAV: tuple[Entry, ...] = (
    Entry("/dispatcher/", mark("Рассылка"), frozenset({Role.OPERATOR, Role.ADMIN, Role.IT})),
    Entry("/dispatcher/families", mark("Семьи"), frozenset({Role.OPERATOR, Role.ADMIN})),
    Entry("/dispatcher/desk/", mark("Стол секретаря"), frozenset({Role.SECRETARY, Role.ADMIN})),
    Entry("/dispatcher/accounts/", mark("Сотрудники"), frozenset({Role.ADMIN})),
)

MY_PAGE = "/dispatcher/my-access"
"""Everybody's own page: password, log out everywhere."""
LOGIN = "/dispatcher/login"
LOGOUT = "/dispatcher/logout"

ENTER = "/dispatcher/me/enter"
"""Where a guardian asks for a one-time link."""
FAMILY_LOGOUT = "/dispatcher/me/logout"


@dataclass(frozen=True, slots=True)
class FamilyEntry:
    path: str
    title: str


FAMILY_NAV: tuple[FamilyEntry, ...] = (
    FamilyEntry("/dispatcher/me/", mark("Сообщения")),
    FamilyEntry("/dispatcher/me/settings", mark("Как сообщать")),
    FamilyEntry("/dispatcher/me/papers", mark("Согласие и адреса")),
)
"""What a guardian finds at the top of every page."""


def current(entries: Sequence[Entry | FamilyEntry], here: str) -> str:
    """The section that a page belongs to: the one whose path is the longest beginning of its own."""
    return max((entry.path for entry in entries if here.startswith(entry.path)), key=len, default="")


def nav_of(staff: Staff) -> list[Entry]:
    return [entry for entry in NAV if staff.role in entry.roles]


def sections_of(staff: Staff | None, parent: Parent | None) -> Sequence[Entry | FamilyEntry]:
    """The sections at the top of a page, for whoever was let in."""
    if staff is not None:
        return nav_of(staff)
    return FAMILY_NAV if parent is not None else ()


def first_page(staff: Staff) -> str:
    """Where a member of staff begins."""
    return next((entry.path for entry in nav_of(staff)), MY_PAGE)
