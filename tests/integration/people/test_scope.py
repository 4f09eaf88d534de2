"""R-D1: what a member of staff may see: the own school, and of it a teacher the own classes."""

import asyncpg
import pytest

from shared.staff import Role, Staff


@pytest.mark.parametrize(
    ("staff", "sees"),
    [
        (Staff("a", "t", Role.TEACHER, ""), {("a", "7Б")}),
        (Staff("b", "t", Role.TEACHER, ""), {("b", "7Б")}),
        (Staff("a", "other", Role.TEACHER, ""), set()),
        (Staff("*", "t", Role.TEACHER, ""), set()),
        (Staff("a", "t", Role.SECRETARY, ""), {("a", "7Б"), ("a", "8А")}),
        (Staff("*", "op", Role.OPERATOR, ""), {("a", "7Б"), ("a", "8А"), ("b", "7Б")}),
    ],
    ids=lambda value: f"{value.key} {value.role}" if isinstance(value, Staff) else "",
)
async def test_schools_and_classes(
    admin: asyncpg.Connection, staff: Staff, sees: set[tuple[str, str]]
) -> None:
    """The same login teaches in two schools, and is two people."""
    await admin.execute(
        """INSERT INTO roster.class (school, class, grade, teachers)
           VALUES ('a', '7Б', '7', '{t}'), ('a', '8А', '8', '{x}'), ('b', '7Б', '7', '{t,x}')"""
    )
    classes = [("a", "7Б"), ("a", "8А"), ("b", "7Б")]
    assert {one for one in classes if await staff.may_see_class(admin, *one)} == sees
    assert staff.scope == (None if staff.school == "*" else staff.school)
