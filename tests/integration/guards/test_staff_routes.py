"""R-D1, R-D2: every page for staff, as every role, as nobody, and as the neighbour school.

Walks whatever the services serve. A route added tomorrow is judged by its mark: let in are its roles
and nobody else, a form only with its token, and never a word about another school.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import httpx
import pytest
from support.doors import Door, walk
from support.people import add_account, session

from shared.access import Access
from shared.db import connect
from shared.staff import Role
from shared.web.nav import NAV
from shared.web.sessions import Cookies

from .conftest import House

CANARY = "Канарейкина"
SEED = f"""
INSERT INTO roster.school VALUES ('a', 'Школа {CANARY}', 'Europe/Moscow'), ('b', 'Лицей', 'Europe/Moscow');
INSERT INTO roster.class (school, class, grade, teachers)
    VALUES ('a', '7Б', '7', '{{teacher}}'), ('b', '7Б', '7', '{{teacher}}');
INSERT INTO roster.pupil (school, pupil, class, family_name, given_name)
    VALUES ('a', 'p', '7Б', '{CANARY}', 'Яна');
INSERT INTO roster.guardian (school, guardian, family_name, given_name) VALUES ('a', 'g', '{CANARY}', 'Инна');
INSERT INTO roster.guardianship (school, pupil, guardian, relation) VALUES ('a', 'p', 'g', 'mother');
INSERT INTO consent.contact (school, guardian, channel, address, confirmed_at)
    VALUES ('a', 'g', 'email', '{CANARY}@example.org', now());
"""
IN = {401, 403}
SAFE = {"GET", "HEAD"}


@dataclass
class Walk:
    """The installation, its doors for staff, and who comes to them."""

    house: House
    admin: asyncpg.Connection
    doors: list[Door]
    cookies: Cookies

    async def call(
        self, door: Door, method: str, who: tuple[str, str] | None, *, school: str, token: bool = True
    ) -> httpx.Response:
        """As somebody freshly logged in (some routes end the session), naming `school` wherever it fits."""
        headers = {} if who is None else await session(self.admin, self.cookies, *who)
        if not token:
            headers.pop("X-CSRF-Token", None)
        path = door.at(school)
        if method in SAFE:
            return await self.house.http.request(method, path, headers=headers, params={"school": school})
        return await self.house.http.request(method, path, headers=headers, data={"school": school})


@pytest.fixture
async def walker(house: House, database: str) -> AsyncIterator[Walk]:
    admin = await connect(database)
    await admin.execute(SEED)
    for role in Role:
        await add_account(admin, "a", role.value, role, f"{CANARY} {role.value}")
        await add_account(admin, "b", role.value, role, f"Сосед {role.value}")
    doors = [door for door in walk(house.app.routes) if door.rule is Access.STAFF]
    cookies = Cookies(house.settings.signing_key, secure=False)
    yield Walk(house, admin, doors, cookies)
    await admin.close()


async def test_its_roles_and_nobody_else(walker: Walk) -> None:
    for door in walker.doors:
        assert door.mark is not None
        for method in door.methods:
            where = f"{method} {door.path}"
            assert (await walker.call(door, method, None, school="a")).status_code == 401, where
            for role in Role:
                answer = await walker.call(door, method, ("a", role.value), school="a")
                if role in door.mark.roles:
                    assert answer.status_code not in IN, (where, role, answer.text)
                    assert answer.status_code < 500, (where, role)
                else:
                    assert answer.status_code == 403, (where, role)


async def test_no_form_without_its_token(walker: Walk) -> None:
    for door in walker.doors:
        assert door.mark is not None
        for method in set(door.methods) - SAFE:
            who = ("a", min(door.mark.roles).value)
            answer = await walker.call(door, method, who, school="a", token=False)
            assert answer.status_code == 403, f"{method} {door.path}"


async def test_the_neighbour_school_finds_nothing(walker: Walk) -> None:
    """Neither by asking for the other school, nor by asking for its own."""
    judged = 0
    for door in walker.doors:
        assert door.mark is not None
        for method in door.methods:
            for role in sorted(door.mark.roles):
                who = ("b", role.value)
                asked = await walker.call(door, method, who, school="a")
                assert asked.status_code == 404, (method, door.path, role)
                own = await walker.call(door, method, who, school="b")
                assert CANARY not in asked.text + own.text, (method, door.path, role)
                judged += 1
    assert judged >= 10


async def test_every_section_opens_for_exactly_those_who_see_its_name(walker: Walk) -> None:
    by_path = {door.path: door for door in walker.doors if "GET" in door.methods}
    for entry in NAV:
        assert entry.path in by_path, f"{entry.path}: no such page"
        mark = by_path[entry.path].mark
        assert mark is not None
        assert entry.roles == mark.roles, entry.path
