"""R-D2: how long somebody stays logged in, and what ends it at once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest
from integration.guards.conftest import House
from support.people import PASSWORD, Person, session

from shared.web.sessions import IDLE, LONGEST, Cookies

New = Callable[[], Person]
MINE = "/dispatcher/my-access"


def seen(house: House, ago: timedelta) -> Cookies:
    """Cookies of somebody last seen so long ago."""
    return Cookies(house.settings.signing_key, secure=False, now=lambda: datetime.now(UTC) - ago)


async def mine(house: House, headers: dict[str, str]) -> httpx.Response:
    return await house.http.get(MINE, headers=headers)


async def test_half_an_hour_without_a_request_is_the_end(house: House, admin: asyncpg.Connection) -> None:
    """Any service renews the stamp, none needs to write for it."""
    nearly = await session(admin, seen(house, IDLE - timedelta(minutes=2)), "a", "desk")
    answer = await mine(house, nearly)
    assert answer.status_code == 200
    renewed = next(line for line in answer.headers.get_list("set-cookie") if line.startswith("vestnik="))
    assert renewed.split(";")[0] != nearly["Cookie"]
    assert (await mine(house, {"Cookie": renewed.split(";")[0]})).status_code == 200
    away = await session(admin, seen(house, IDLE + timedelta(minutes=2)), "a", "desk")
    assert (await mine(house, away)).status_code == 401


async def test_twelve_hours_are_the_end_however_busy(
    house: House, admin: asyncpg.Connection, somebody: New
) -> None:
    person = somebody()
    await person.log_in("desk")
    lasts = await admin.fetchval("SELECT expires_at - began_at FROM people.session")
    assert abs(lasts - LONGEST) < timedelta(seconds=5)
    await admin.execute("UPDATE people.session SET expires_at = now()")
    assert (await person.open(MINE)).status_code == 303, "to the login"


@pytest.mark.parametrize("forge", ["stamp", "token", "nothing", "foreign key"])
async def test_a_cookie_we_did_not_make_opens_nothing(
    house: House, admin: asyncpg.Connection, forge: str
) -> None:
    good = await session(admin, seen(house, timedelta(0)), "a", "desk")
    token, sealed = good["Cookie"].removeprefix("vestnik=").split(".")
    foreign = Cookies(lambda: b"another installation", secure=False).seal(token)
    made_up = {
        "stamp": f"{token}.{'A' + sealed[1:] if sealed[0] != 'A' else 'B' + sealed[1:]}",
        "token": f"{token[:-1]}.{sealed}",
        "nothing": token,
        "foreign key": foreign,
    }
    assert (await mine(house, good)).status_code == 200
    assert (await mine(house, {"Cookie": f"vestnik={made_up[forge]}"})).status_code == 401


async def test_another_password_ends_every_other_session(admin: asyncpg.Connection, somebody: New) -> None:
    here, there = somebody(), somebody()
    await here.log_in("desk")
    await there.log_in("desk")
    new = "совсем другой пароль"
    wrong = await here.send(MINE, {"old": "не тот пароль", "password": new, "again": new})
    assert wrong.status_code == 422
    assert (await there.open(MINE)).status_code == 200
    done = await here.send(MINE, {"old": PASSWORD, "password": new, "again": new})
    assert done.status_code == 303
    assert (await here.open(MINE)).status_code == 200
    assert (await there.open(MINE)).status_code == 303
    assert (await there.log_in("desk")).status_code == 422
    assert (await there.log_in("desk", new)).status_code == 303


async def test_out_everywhere(admin: asyncpg.Connection, somebody: New) -> None:
    here, there = somebody(), somebody()
    await here.log_in("desk")
    await there.log_in("desk")
    assert (await here.send(MINE, to=f"{MINE}/everywhere")).status_code == 303
    for person in (here, there):
        assert (await person.open(MINE)).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
    ids=str,
)
async def test_a_form_from_elsewhere_is_refused_even_with_its_token(
    house: House, admin: asyncpg.Connection, headers: dict[str, str]
) -> None:
    """CSRF: by where it comes from, besides the token."""
    who = await session(admin, seen(house, timedelta(0)), "a", "desk")
    refused = await house.http.post("/dispatcher/logout", headers={**who, **headers})
    assert refused.status_code == 403
    own = await house.http.post("/dispatcher/logout", headers={**who, "Origin": "http://house"})
    assert own.status_code == 303


async def test_a_token_of_another_session_is_none(house: House, admin: asyncpg.Connection) -> None:
    mine_, theirs = [await session(admin, seen(house, timedelta(0)), "a", one) for one in ("desk", "boss")]
    crossed = {"Cookie": mine_["Cookie"], "X-CSRF-Token": theirs["X-CSRF-Token"]}
    assert (await house.http.post("/dispatcher/logout", headers=crossed)).status_code == 403
