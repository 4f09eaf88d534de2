"""Who reads English gets English from every page: what stays Russian is what people wrote."""

import html
import re

from support.doors import Door, walk
from support.households import FAMILIES, TOLD, family_session
from support.operators import MORNING
from support.people import HTML, add_account, session

from shared.access import Access
from shared.db import connect
from shared.staff import Role
from shared.web.sessions import Cookies

from .conftest import House

SCHOOLS = "INSERT INTO roster.school VALUES ('a', 'Школа', 'Europe/Moscow'), ('b', 'Лицей', 'Asia/Omsk');"
CLASS = "INSERT INTO roster.class (school, class, grade) VALUES ('a', '7Б', '7');"
SEED = SCHOOLS + FAMILIES + TOLD + MORNING.replace(CLASS, "")
ONE_ITEM_LESS = "UPDATE consent.sheet SET items = '{1.3,6.9}' WHERE pupil = 'masha'"
NAMES = {"русский"}
"""The name of a language stays in that language."""
WORD = re.compile("[а-яё]{2,}", re.IGNORECASE)
ASKED = {"lang": "en", "guardian": "mama"}


def russian(page: str) -> set[str]:
    """Words of the page's texts that nobody in the registry wrote."""
    said = html.unescape(re.sub(r"<[^>]+>", " ", page))
    wrote = set(WORD.findall(SEED.lower())) | NAMES
    return set(WORD.findall(said.lower())) - wrote


async def test_no_page_in_english_speaks_russian(house: House, database: str) -> None:
    admin = await connect(database)
    await admin.execute(SEED)
    await admin.execute(ONE_ITEM_LESS)
    for role in Role:
        await add_account(admin, "a", role.value, role, "Staff")
    real = {
        "pupil": "masha",
        "message": str(
            await admin.fetchval("SELECT message FROM dispatch.decision WHERE guardian = 'g' LIMIT 1")
        ),
    }
    cookies = Cookies(house.settings.signing_key, secure=False)
    spoken, read = {}, 0
    for door in walk(house.app.routes):
        if "GET" not in door.methods:
            continue
        asked = {"lang": "en"} if door.rule is Access.PARENT else ASKED
        headers = dict(HTML)
        if door.rule is Access.PARENT:
            headers |= await family_session(admin, cookies, "a", "mama")
        elif door.rule is Access.STAFF:
            assert door.mark is not None
            headers |= await session(admin, cookies, "a", min(door.mark.roles or Role).value)
        answer = await house.http.get(at(door, real), params=asked, headers=headers)
        if "html" in answer.headers.get("content-type", ""):
            read += answer.status_code == 200
            if found := russian(answer.text):
                spoken[door.path] = sorted(found)
    await admin.close()
    assert read > 30, "or this test proves nothing"
    assert spoken == {}


def at(door: Door, real: dict[str, str]) -> str:
    """The door's path about what is there."""
    path = re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: real.get(found[1], found[0]), door.path)
    return path if "{" not in path else door.at("a")


def test_the_search_finds_what_nobody_wrote() -> None:
    assert russian("<p>Иван\xa0П.: отметки</p>") == {"отметки"}
