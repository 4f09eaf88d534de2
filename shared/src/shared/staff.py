"""Members of staff: roles, and what one of them may see (R-D1, R-D2)."""

from dataclasses import dataclass
from enum import StrEnum

from shared.db import AnyConnection

WHOLE_INSTALLATION = "*"
"""In place of a school: an account of the whole installation."""


class Role(StrEnum):
    """As in accounts.csv."""

    OPERATOR = "operator"
    IT = "it"
    SECRETARY = "secretary"
    TEACHER = "teacher"
    ADMIN = "admin"


EVERY_ROLE = frozenset(Role)


@dataclass(frozen=True, slots=True)
class Staff:
    """Who is logged in. `school` is `*` for an account of the whole installation."""

    school: str
    login: str
    role: Role
    name: str

    @property
    def whole(self) -> bool:
        """Whether the account is of the whole installation."""
        return self.school == WHOLE_INSTALLATION

    @property
    def key(self) -> str:
        """`school/login`: who did it, in the audit."""
        return f"{self.school}/{self.login}"

    @property
    def scope(self) -> str | None:
        """The one school this member of staff may see, None for every school; made for statements:
        `WHERE ($1::text IS NULL OR school = $1)`."""
        return None if self.whole else self.school

    def may_see_school(self, school: str) -> bool:
        return self.whole or self.school == school

    async def may_see_class(self, connection: AnyConnection, school: str, class_name: str) -> bool:
        """A teacher sees the classes the roster names them for; the other roles, every class they see
        the school of."""
        if not self.may_see_school(school):
            return False
        return self.role is not Role.TEACHER or class_name in await self.own_classes(connection, school)

    async def own_classes(self, connection: AnyConnection, school: str) -> frozenset[str]:
        """The classes that the roster names this login as a teacher of. An account of the whole
        installation teaches nobody: a login means a person only together with its school."""
        if self.school != school:
            return frozenset()
        rows = await connection.fetch(
            "SELECT class FROM roster.class WHERE school = $1 AND $2 = ANY(teachers)", school, self.login
        )
        return frozenset(row["class"] for row in rows)
