"""R-D2, R-F4: accounts made, changed and shut by an administrator; first passwords by one-time codes."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import asyncpg
from integration.guards.conftest import House
from rich.console import Console
from support.people import PASSWORD, Person

from onebox.acts import create_account, first_administrator
from onebox.lists import import_lists
from shared.clock import RealClock
from shared.service import Context

New = Callable[[], Person]
HOME = "/dispatcher/accounts/"
CODE = re.compile(r"(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}")
OWN = "пароль по листку доступа"


async def boss(somebody: New) -> Person:
    person = somebody()
    assert (await person.log_in("a/boss")).status_code == 303
    return person


async def sheet(person: Person, login: str) -> str:
    """The code of a new access sheet."""
    answer = await person.send(HOME + "new", {"school": "a", "login": login}, to=HOME + "sheets")
    found = CODE.search(answer.text)
    assert found, answer.text
    return found[0]


async def test_a_code_sets_one_password_once(admin: asyncpg.Connection, somebody: New) -> None:
    """Of two at once one wins; a newer sheet shuts the older; what was open ends."""
    her = somebody()
    await her.log_in("desk")
    chief = await boss(somebody)
    older, newer = await sheet(chief, "desk"), await sheet(chief, "desk")
    data = {"password": OWN, "again": OWN}
    assert (await her.open(f"/dispatcher/access/{older}")).status_code == 404
    plain = newer.lower().replace("-", "")
    assert (await her.open(f"/dispatcher/access/{plain}")).status_code == 200
    wrong = await her.send(f"/dispatcher/access/{newer}", {"password": OWN, "again": "иначе"})
    assert wrong.status_code == 422
    both = await asyncio.gather(
        *(one.http.post(f"/dispatcher/access/{newer}", data=data) for one in (somebody(), somebody()))
    )
    assert sorted(answer.status_code for answer in both) == [303, 404]
    assert (await her.open("/dispatcher/my-access")).status_code == 303, "the session of before is over"
    assert (await her.log_in("desk")).status_code == 422
    assert (await her.log_in("desk", OWN)).status_code == 303
    codes = await admin.fetchval("SELECT count(*) FROM people.invitation")
    assert codes == 0


async def test_a_code_runs_out_and_a_disabled_account_has_none(
    admin: asyncpg.Connection, somebody: New
) -> None:
    chief, her = await boss(somebody), somebody()
    code = await sheet(chief, "desk")
    await admin.execute("UPDATE people.invitation SET expires_at = now()")
    assert (await her.open(f"/dispatcher/access/{code}")).status_code == 404
    await her.log_in("desk")
    button = {"school": "a", "login": "desk"}
    assert (await chief.send(HOME + "new", button, to=HOME + "disable")).status_code == 303
    assert (await her.open("/dispatcher/my-access")).status_code == 303, "out at once"
    assert (await her.log_in("desk")).status_code == 422
    assert (await chief.send(HOME + "new", button, to=HOME + "sheets")).status_code == 409
    assert (await chief.send(HOME + "new", button, to=HOME + "enable")).status_code == 303
    assert (await her.log_in("desk")).status_code == 303


async def test_a_school_s_administrator_makes_accounts_of_that_school_only(
    admin: asyncpg.Connection, somebody: New
) -> None:
    chief = await boss(somebody)
    new = {"name": "Новая Нина", "login": "nina", "role": "teacher", "email": ""}
    for school in ("b", "*"):
        assert (await chief.send(HOME + "new", {**new, "school": school})).status_code == 404
    assert (await chief.send(HOME + "new", {**new, "school": "a"})).status_code == 303
    assert (await chief.send(HOME + "new", {**new, "school": "a"})).status_code == 422, "taken"
    for wrong in ({"login": "a b"}, {"login": "a/b"}, {"name": " "}, {"role": "king"}):
        answer = await chief.send(HOME + "new", {**new, "school": "a", **wrong})
        assert answer.status_code == 422, wrong
    rows = await admin.fetch("SELECT school FROM people.account WHERE login = 'nina'")
    assert [row["school"] for row in rows] == ["a"]
    found = await chief.open(HOME + "?q=Нина")
    assert "Новая Нина" in found.text
    assert "Борис" not in (await chief.open(HOME)).text, "of the other school"
    assert "Никого не нашлось" in (await chief.open(HOME + "?q=%25")).text, "a sign, not a pattern"


async def test_a_change_of_what_has_changed_is_refused(admin: asyncpg.Connection, somebody: New) -> None:
    chief = await boss(somebody)
    page = HOME + "account?school=a&login=desk"
    seen = {"was_name": "Света Секретарева", "was_role": "secretary", "was_email": ""}
    to = {"name": "Светлана", "role": "it", "email": "s@a.example"}
    assert (await chief.send(page, {**seen, **to})).status_code == 303
    assert (await chief.send(page, {**seen, **to, "name": "Света"})).status_code == 409
    row = await admin.fetchrow("SELECT name, role, email FROM people.account WHERE login = 'desk'")
    assert row is not None
    assert dict(row) == to
    own = HOME + "account?school=a&login=boss"
    mine = {"was_name": "Анна Админова", "was_role": "admin", "was_email": "", "name": "Анна", "email": ""}
    assert (await chief.send(own, {**mine, "role": "it"})).status_code == 422, "nobody locks themselves out"
    assert (await chief.send(own, {"school": "a", "login": "boss"}, to=HOME + "disable")).status_code == 409


async def test_everything_is_in_the_audit_by_ids(admin: asyncpg.Connection, somebody: New) -> None:
    """R-D2: who, what, about whom, in which request; no name, no password, no code."""
    chief = await boss(somebody)
    code = await sheet(chief, "desk")
    await somebody().http.post(f"/dispatcher/access/{code}", data={"password": OWN, "again": OWN})
    await somebody().log_in("desk", "не тот пароль")
    rows = await admin.fetch("SELECT actor, action, school, about, details FROM dispatch.audit ORDER BY id")
    assert [(row["actor"], row["action"], row["about"]) for row in rows] == [
        ("a/boss", "login.done", "a/boss"),
        ("a/boss", "account.invited", "a/desk"),
        ("a/desk", "password.set_by_link", "a/desk"),
        ("a/desk", "login.refused", "a/desk"),
    ]
    assert {row["school"] for row in rows} == {"a"}
    for row in rows:
        assert re.fullmatch(r"[0-9a-f]{16}", row["details"]["request"])
        assert not {code, OWN, PASSWORD} & set(map(str, row["details"].values()))


async def test_lists_imported_again_keep_passwords(
    house: House, database: str, admin: asyncpg.Connection, somebody: New, tmp_path: Path
) -> None:
    """§4 accounts.csv may change a role, and shuts nobody out."""
    (tmp_path / "accounts.csv").write_text(
        "school,login,role,name,email\na,desk,it,Света Иная,s@a.example\na,new,teacher,Новый,\n",
        encoding="utf-8",
    )
    context = Context(house.settings, database, RealClock())
    report = await import_lists(tmp_path, context, Console(quiet=True))
    assert not report.refused
    person = somebody()
    assert (await person.log_in("desk")).status_code == 303
    assert "Света Иная" in (await person.open("/dispatcher/my-access")).text


async def test_the_first_administrator_is_let_in_by_whoever_installs(
    house: House, database: str, admin: asyncpg.Connection, somebody: New
) -> None:
    context = Context(house.settings, database, RealClock())
    assert await first_administrator(context) is None, "somebody has a password already"
    await admin.execute("DELETE FROM people.password")
    link = await first_administrator(context)
    assert link is not None
    path = link.removeprefix(house.settings.public_url)
    assert (await somebody().send(path, {"password": OWN, "again": OWN})).status_code == 303
    chief = somebody()
    assert (await chief.log_in("*/admin", OWN)).headers["location"] == "/dispatcher/"
    both = (await chief.open(HOME)).text
    assert "Анна Админова" in both
    assert "Борис Боссов" in both
    assert await first_administrator(context) is None
    again = await create_account(context, "a", "desk", "secretary", None)
    assert (await somebody().open(again.removeprefix(house.settings.public_url))).status_code == 200
