"""A guardian before a page (R-D1)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parent:
    """Who is logged in; `name` is how to address them: «Анна Петровна». A family with children in two
    schools is two parents."""

    school: str
    guardian: str
    name: str
