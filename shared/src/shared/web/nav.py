"""The one place where pages for staff are named: what each role finds at the top of every page.

A service shows links to the others' pages too, and knows nothing else of them. A guard test opens
each entry as each role.
"""

from dataclasses import dataclass

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


def nav_of(staff: Staff) -> list[Entry]:
    return [entry for entry in NAV if staff.role in entry.roles]


def first_page(staff: Staff) -> str:
    """Where a member of staff begins."""
    return next((entry.path for entry in nav_of(staff)), MY_PAGE)
