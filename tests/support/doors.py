"""Every route of an installation under its full path."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount, Route

from shared.access import Access, Mark, mark_of
from shared.serve import Hosted

_SOMETHING = "00000000-0000-7000-8000-000000000000"


@dataclass(frozen=True)
class Door:
    """One route of the installation under its full path."""

    path: str
    methods: tuple[str, ...]
    route: Route

    @property
    def mark(self) -> Mark | None:
        return mark_of(self.route.endpoint)

    @property
    def rule(self) -> Access | None:
        return self.mark.rule if self.mark is not None else None

    def at(self, school: str) -> str:
        """The path with its parameters filled from the mark's example, for somebody of `school`."""
        example = {"school": "{school}", **(self.mark.example if self.mark is not None else {})}

        def value(found: re.Match[str]) -> str:
            return example.get(found[1], _SOMETHING).replace("{school}", school)

        return re.sub(r"\{(\w+)(?::\w+)?\}", value, self.path)


def walk(routes: list[BaseRoute], prefix: str = "") -> Iterator[Door]:
    """Whatever the services and the root serve."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield Door(prefix + route.path, tuple(sorted(route.methods)), route)
        elif isinstance(route, Mount):
            app = route.app.part.app if isinstance(route.app, Hosted) else route.app
            assert isinstance(app, FastAPI), f"{prefix}{route.path}: what is mounted here?"
            yield from walk(app.routes, prefix + route.path)
        elif (inner := getattr(route, "original_router", None)) is not None:
            yield from walk(inner.routes, prefix)
        else:
            pytest.fail(f"a kind of route this test cannot judge: {route!r}")
