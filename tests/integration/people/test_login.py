"""R-D2: who comes in, who does not, and that the difference tells nothing."""

import asyncio
from collections.abc import Callable

import asyncpg
import pytest
from support.people import PASSWORD, Person, token_in

from dispatcher.people.throttle import PER_LOGIN

New = Callable[[], Person]


async def test_in_and_out(admin: asyncpg.Connection, somebody: New) -> None:
    person = somebody()
    answer = await person.log_in("desk")
    assert answer.status_code == 303
    left = await person.send("/dispatcher/login", {}, to="/dispatcher/logout")
    assert left.status_code == 403, "a form of before the login is no form of this session"


async def test_the_cookie_is_kept_from_scripts_and_other_sites(
    admin: asyncpg.Connection, somebody: New
) -> None:
    said = (await somebody().log_in("desk")).headers.get_list("set-cookie")
    session = next(line for line in said if line.startswith("vestnik="))
    assert "HttpOnly" in session
    assert "SameSite=Lax" in session
    token = session.split("=")[1].split(".")[0]
    kept = await admin.fetchval("SELECT hash FROM people.session")
    assert token.encode() not in kept, "the database does not hold what opens the door"


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("desk", "не тот пароль"),
        ("nobody", PASSWORD),
        ("boss", PASSWORD),  # in two schools
        ("b/desk", PASSWORD),
        ("a/desk/", PASSWORD),
        ("/desk", PASSWORD),
    ],
)
async def test_every_wrong_login_has_the_same_answer(
    admin: asyncpg.Connection, somebody: New, login: str, password: str
) -> None:
    person = somebody()
    answer = await person.log_in(login, password)
    assert answer.status_code == 422
    assert "vestnik=" not in answer.headers.get("set-cookie", "")
    reference = await somebody().log_in("certainly-nobody", "certainly wrong")
    strip = lambda text, said: text.replace(token_in(text), "").replace(said, "")  # noqa: E731
    assert strip(answer.text, login) == strip(reference.text, "certainly-nobody")


async def test_the_same_login_in_two_schools(admin: asyncpg.Connection, somebody: New) -> None:
    for school in ("a", "b"):
        assert (await somebody().log_in(f"{school}/boss")).status_code == 303
    rows = await admin.fetch("SELECT DISTINCT school FROM people.session ORDER BY 1")
    assert [row["school"] for row in rows] == ["a", "b"]


async def test_guessing_is_throttled_also_at_once(admin: asyncpg.Connection, somebody: New) -> None:
    """Simultaneous tries gain nothing, and then the right password does not help either."""
    people = [somebody() for _ in range(PER_LOGIN + 5)]
    answers = await asyncio.gather(*(one.log_in("desk", f"guess number {n}") for n, one in enumerate(people)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [422] * PER_LOGIN + [429] * 5
    assert (await people[0].log_in("desk")).status_code == 429
    assert (await people[0].log_in("a/desk")).status_code == 429, "the same account by its other name"
    assert (await people[0].log_in("b/boss")).status_code == 303, "others are not held up"
    await admin.execute("UPDATE people.throttle SET began_at = began_at - interval '16 minutes'")
    assert (await people[0].log_in("desk")).status_code == 303
