"""R-D1, R-D4: every page for parents, as nobody, as staff, and as guardians who may see less.

Walks whatever the services serve: a route added tomorrow is judged by its mark.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import httpx
import pytest
from support.doors import Door, walk
from support.households import FAMILIES, MAMA, PAPA, PHONE, TOLD, family_session
from support.people import HTML, add_account, session

from shared.access import Access
from shared.db import connect
from shared.staff import Role
from shared.web.nav import FAMILY_NAV
from shared.web.sessions import Cookies

from .conftest import House

SAFE = {"GET", "HEAD"}
IVAN = ("Иван Петров", "Иван\u00a0П", "Алгебра", "дроби", "7-ivan")
"""What pages may say of one child, and of nobody else."""
SCHOOLS = "INSERT INTO roster.school VALUES ('a', 'Школа', 'Europe/Moscow'), ('b', 'Лицей', 'Asia/Omsk');"


@dataclass
class Walk:
    house: House
    admin: asyncpg.Connection
    doors: list[Door]
    cookies: Cookies

    async def call(self, door: Door, method: str, headers: dict[str, str], **asked: str) -> httpx.Response:
        path, http = door.at("a"), self.house.http
        if method in SAFE:
            return await http.request(method, path, headers={**headers, **HTML}, params=asked)
        return await http.request(method, path, headers={**headers, **HTML}, data=asked)

    async def pages(self, school: str, guardian: str) -> str:
        """Everything that a guardian's pages say."""
        said = []
        for door in self.doors:
            if "GET" in door.methods:
                headers = await family_session(self.admin, self.cookies, school, guardian)
                answer = await self.call(door, "GET", headers)
                assert answer.status_code == 200, door.path
                said.append(answer.text)
        return "".join(said)


@pytest.fixture
async def walker(house: House, database: str) -> AsyncIterator[Walk]:
    admin = await connect(database)
    await admin.execute(SCHOOLS + FAMILIES + TOLD)
    for role in Role:
        await add_account(admin, "a", role.value, role)
    doors = [door for door in walk(house.app.routes) if door.rule is Access.PARENT]
    assert {entry.path for entry in FAMILY_NAV} <= {door.path for door in doors}
    yield Walk(house, admin, doors, Cookies(house.settings.signing_key, secure=False))
    await admin.close()


async def test_nobody_and_no_member_of_staff(walker: Walk) -> None:
    """Nor a member of staff with their own session in a family's cookie."""
    nobodies: list[dict[str, str]] = [{}]
    for role in Role:
        headers = await session(walker.admin, walker.cookies, "a", role.value)
        _, _, value = headers["Cookie"].partition("=")
        nobodies += [headers, {**headers, "Cookie": f"{walker.cookies.family}={value}"}]
    for door in walker.doors:
        for method in door.methods:
            for headers in nobodies:
                answer = await walker.call(door, method, headers)
                if method in SAFE:
                    assert answer.headers["location"] == "/dispatcher/me/enter", door.path
                else:
                    assert answer.status_code == 401, door.path


async def test_a_family_is_no_member_of_staff(walker: Walk) -> None:
    family = await family_session(walker.admin, walker.cookies, "a", "mama")
    _, _, value = family["Cookie"].partition("=")
    for door in walk(walker.house.app.routes):
        if door.rule is Access.STAFF:
            for cookie in (walker.cookies.family, walker.cookies.session):
                headers = {**family, "Cookie": f"{cookie}={value}"}
                answer = await walker.house.http.request(door.methods[0], door.at("a"), headers=headers)
                assert answer.status_code == 401, door.path


async def test_no_form_without_its_token(walker: Walk) -> None:
    for door in walker.doors:
        for method in set(door.methods) - SAFE:
            headers = await family_session(walker.admin, walker.cookies, "a", "mama")
            headers.pop("X-CSRF-Token")
            assert (await walker.call(door, method, headers)).status_code == 403, door.path


@pytest.mark.parametrize(
    "asked", [{"guardian": "papa"}, {"school": "b"}, {"guardian": "mama", "school": "b"}]
)
async def test_whoever_else_is_named_there_is_nothing(walker: Walk, asked: dict[str, str]) -> None:
    for door in walker.doors:
        for method in door.methods:
            headers = await family_session(walker.admin, walker.cookies, "a", "mama")
            assert (await walker.call(door, method, headers, **asked)).status_code == 404, door.path


async def test_each_sees_their_own_and_nothing_of_the_other_s(walker: Walk) -> None:
    mama, papa, mama_at_b = [
        await walker.pages(*who) for who in (("a", "mama"), ("a", "papa"), ("b", "mama"))
    ]
    for trace in IVAN:
        assert trace in mama, "or this test proves nothing"
        assert trace not in mama_at_b
    for trace in ("Мария Петрова", "7-masha", "7-ivan", "m***", "Сбор", "45-67"):
        assert trace in mama, "or this test proves nothing"
        assert trace not in papa
    for trace in ("Канарейка-1", "p***", "Канарейкин", "Лев Петров"):
        assert trace not in mama.replace("Канарейкины дроби", "")
    for address in (MAMA, PAPA, PHONE):
        assert address not in mama + papa + mama_at_b


@pytest.mark.parametrize(
    "since",
    [
        "UPDATE roster.guardianship SET restricted_from = '2026-01-01' WHERE pupil = 'ivan'",
        "UPDATE roster.pupil SET birth_date = '2000-01-01' WHERE pupil = 'ivan'",
        "DELETE FROM roster.guardianship WHERE (pupil, guardian) = ('ivan', 'mama')",
    ],
    ids=["restricted", "of age", "no guardian any more"],
)
async def test_who_may_know_no_more_sees_nothing_at_once(walker: Walk, since: str) -> None:
    await walker.pages("a", "mama")
    await walker.admin.execute(since)
    said = await walker.pages("a", "mama")
    assert [trace for trace in IVAN if trace in said] == []
    assert "Мария Петрова" in said


async def test_without_consent_the_papers_are_shown_and_no_content(walker: Walk) -> None:
    """R-C4."""
    await walker.admin.execute("UPDATE consent.sheet SET withdrawn_on = '2026-11-02'")
    said = await walker.pages("a", "mama")
    assert [trace for trace in ("Алгебра", "дроби", "Сбор") if trace in said] == []
    assert "7-ivan" in said
