"""The desk's pages as a secretary meets them: what is typed is registered, what is wrong is said beside
its field, and nothing of another school is there (R-C1, R-C3, R-C6, R-B8, R-D1, R-D2)."""

import asyncio
import html
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from support.people import Person, add_account

from dispatcher.app import Dispatcher
from dispatcher.sending.limits import PERMIT_SECONDS
from sandbox.faults import NO_SUCH_MAILBOX
from sandbox.world import World
from shared.clock import RealClock
from shared.db import connect
from shared.serve import Hosted, root_app
from shared.service import Context
from shared.settings import Settings
from shared.staff import Role
from shared.web.site import Site

FAMILY = "/dispatcher/desk/families/p-1"
SEED = """
INSERT INTO roster.school VALUES ('a', 'Школа № 7', 'Europe/Moscow'), ('b', 'Лицей', 'Asia/Omsk');
INSERT INTO roster.class (school, class, grade) VALUES ('a', '7Б', '7'), ('b', '7Б', '7');
INSERT INTO roster.pupil (school, pupil, class, family_name, given_name, patronymic)
    VALUES ('a', 'p-1', '7Б', 'Ковалёв', 'Артём', 'Игоревич'), ('a', 'p-2', '7Б', 'Ковалёва', 'Алёна', ''),
           ('b', 'p-9', '7Б', 'Ковалёв', 'Борис', '');
INSERT INTO roster.guardian (school, guardian, family_name, given_name, patronymic)
    VALUES ('a', 'g-1', 'Ковалёва', 'Ольга', 'Петровна'), ('a', 'g-2', 'Ковалёв', 'Игорь', 'Львович'),
           ('b', 'g-9', 'Ковалёва', 'Дарья', '');
INSERT INTO roster.guardianship (school, pupil, guardian, relation)
    VALUES ('a', 'p-1', 'g-1', 'mother'), ('a', 'p-1', 'g-2', 'father'), ('a', 'p-2', 'g-1', 'mother'),
           ('b', 'p-9', 'g-9', 'mother');
"""


@dataclass
class Desk:
    """The dispatcher with its pages, the outside world, and a secretary before a browser."""

    her: Person
    admin: asyncpg.Connection
    world: World
    new: Callable[[], Person]

    async def open(self, path: str = "", **query: str) -> str:
        answer = await self.her.http.get(FAMILY + path, params=query, headers={"Accept": "text/html"})
        assert answer.status_code == 200, answer.text
        return answer.text

    async def send(self, path: str, data: dict[str, Any], guardian: str = "g-1") -> httpx.Response:
        return await self.her.send(f"{FAMILY}{path}?guardian={guardian}", data)

    async def press(self, act: str) -> httpx.Response:
        """A button of the only contact on the family page."""
        found = re.search(rf'action="({FAMILY}/contacts/\w+/{act})"', await self.open())
        assert found, f"no button «{act}»"
        return await self.her.send(FAMILY, {}, to=found[1])

    async def sheet(self, number: str, **more: Any) -> httpx.Response:
        return await self.send("/sheet", {"number": number, "signed_on": "2026-09-01", **more})

    async def application(self, number: str = "7/2026", **more: Any) -> httpx.Response:
        data = {"number": number, "signed_on": "2026-09-01", "form": "electronic", **more}
        return await self.send("/application", data)


@pytest.fixture
async def desk(database: str, tmp_path: Path) -> AsyncIterator[Desk]:
    admin = await connect(database)
    await admin.execute(SEED)
    await add_account(admin, "a", "desk", Role.SECRETARY, "Света Секретарева")
    await add_account(admin, "b", "desk", Role.SECRETARY, "Соседка")
    await add_account(admin, "*", "root", Role.ADMIN, "Анна Админова")
    async with World() as world:
        settings = Settings(
            data=tmp_path,
            secret_key="a key of this test",
            smtp_url=world.inbox.url,
            mail_from="school@school.example",
            smsaero_email=world.sms.email,
            smsaero_api_key=world.sms.api_key,
            smsaero_url=world.sms.url,
        )
        context = Context(settings, database, RealClock())
        hosted = Hosted(Dispatcher(context))
        app = root_app([hosted], Site("onebox", "", settings))
        await hosted.run()
        made: list[httpx.AsyncClient] = []

        def new() -> Person:
            http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://house")
            made.append(http)
            return Person(http)

        her = new()
        assert (await her.log_in("a/desk")).status_code == 303
        yield Desk(her, admin, world, new)
        for http in made:
            await http.aclose()
        await hosted.stop()
    await admin.close()


def said(html: str) -> str:
    """What a person reads."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("\xa0", " ")


async def test_the_search_leaves_no_name_in_the_address(desk: Desk) -> None:
    """R-D3, and the only one found opens at once; whose names were shown is in the audit."""
    home = "/dispatcher/desk/"
    answer = await desk.her.send(home, {"q": "ковалев"}, to=home + "find")
    place = answer.headers["location"]
    assert "found=" in place
    assert "ковал" not in place
    html = (await desk.her.open(place)).text
    assert FAMILY in html
    assert "Борис" not in html
    assert 'value="ковалев"' in html
    assert "ковал" not in (await desk.her.open(home + "?found=forged")).text
    answer = await desk.her.send(home, {"q": "алёна ковалева"}, to=home + "find")
    assert answer.headers["location"] == "/dispatcher/desk/families/p-2"
    details = await desk.admin.fetchval("SELECT details FROM dispatch.audit WHERE action = 'families.found'")
    assert set(details["pupils"]) == {"p-1", "p-2"}


async def test_every_look_at_a_family_is_kept(desk: Desk) -> None:
    """R-D2."""
    await desk.open()
    await desk.open("/why", guardian="g-2")
    rows = await desk.admin.fetch(
        "SELECT actor, action, about FROM dispatch.audit WHERE action LIKE 'family.%' ORDER BY id"
    )
    assert [tuple(row) for row in rows] == [
        ("a/desk", "family.looked_at", "p-1"),
        ("a/desk", "family.looked_at", "p-1"),
        ("a/desk", "family.why_asked", "g-2"),
    ]


async def test_the_neighbour_finds_nothing_and_changes_nothing(desk: Desk) -> None:
    """R-D1: by page, by form with a good token, by naming the school."""
    other = desk.new()
    assert (await other.log_in("b/desk")).status_code == 303
    assert (await other.open(FAMILY)).status_code == 404
    assert (await other.open(f"{FAMILY}?school=a")).status_code == 404
    own = "/dispatcher/desk/families/p-9"
    for path in ("/sheet", "/application", "/contact", "/withdrawal"):
        data = {"number": "1", "signed_on": "2026-09-01", "typed": "1.3", "address": "x@y.ru", "how": "later"}
        answer = await other.send(own, data, to=f"{FAMILY}{path}?guardian=g-1")
        assert answer.status_code == 404, path
        answer = await other.send(own, data, to=f"{own}{path}?guardian=g-1")
        assert answer.status_code == 404, f"{path}: another school's guardian"
    assert await desk.admin.fetchval("SELECT count(*) FROM consent.sheet") == 0
    assert await desk.admin.fetchval("SELECT count(*) FROM consent.contact") == 0


async def test_an_account_of_the_installation_names_the_school(desk: Desk) -> None:
    root = desk.new()
    assert (await root.log_in("*/root")).status_code == 303
    home = (await root.open("/dispatcher/desk/")).text
    assert "/dispatcher/desk/?school=a" in home
    assert "Найти семью" in (await root.open("/dispatcher/desk/?school=a")).text
    assert (await root.open(FAMILY)).status_code == 404
    html = (await root.open(f"{FAMILY}?school=a")).text
    assert f"{FAMILY}/sheet?school=a&amp;guardian=g-1" in html


async def test_a_sheet_is_typed_and_what_follows_is_said(desk: Desk) -> None:
    """R-C3, R-C4: ranges, defaults, a warning that does not block; the next number and date proposed."""
    await desk.application(email="olga@почта.рф")
    answer = await desk.sheet("С-1/2026", typed="1.3 4.3, 6.8-6.10")
    assert answer.status_code == 303
    html = said((await desk.her.open(answer.headers["location"])).text)
    assert "Лист согласия зарегистрирован." in html
    assert "итоговые отметки, пропуски и опоздания — почта, сразу" in html
    assert "Не отмечены пункты 6.1, 6.2, 6.3, 6.4, 6.5, 6.6" in html
    row = await desk.admin.fetchrow("SELECT * FROM consent.sheet")
    assert row is not None
    assert (row["items"], row["registered_by"]) == (["1.3", "4.3", "6.10", "6.8", "6.9"], "a/desk")
    form = await desk.open("/sheet", guardian="g-2")
    assert 'value="С-2/2026"' in form
    assert 'value="2026-09-01"' in form, "a pile of papers has one date"


async def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(desk: Desk) -> None:
    await desk.sheet("1/2026", typed="1.3")
    for data, says in (
        ({"number": "1/2026", "typed": "4.3"}, "Номер 1/2026 уже занят другим документом."),
        ({"number": "2/2026", "typed": "4.3 7.7"}, "На листе согласия нет пунктов: 7.7."),
        ({"number": "2/2026"}, "Отметьте пункты"),
        ({"number": "2/2026", "typed": "4.3", "refused": "y"}, "Отказ от согласия не может содержать"),
        ({"number": "", "typed": "4.3"}, "Укажите номер"),
        ({"number": "2/2026", "typed": "4.3", "signed_on": "2099-01-01"}, "ещё не наступила"),
        ({"number": "2/2026", "typed": "4.3", "signed_on": "вчера"}, "Укажите дату полностью"),
        ({"number": "2/2026", "typed": "4.3", "valid_until": "2026-08-01"}, "кончается раньше подписи"),
    ):
        answer = await desk.sheet(**{"accepted_by": "Седова Н. П.", **data})  # type: ignore[arg-type]
        assert answer.status_code == 422, says
        assert says in said(answer.text)
        assert "Седова Н. П." in answer.text
    assert await desk.admin.fetchval("SELECT count(*) FROM consent.sheet") == 1


async def test_presets_tick_and_register_nothing(desk: Desk) -> None:
    def ticked(html: str) -> set[str]:
        return set(re.findall(r'name="items" value="([\d.]+)" checked', html))

    async def press(preset: str) -> set[str]:
        answer = await desk.sheet("5/2026", preset=preset, signed_by="бабушка")
        assert answer.status_code == 200
        assert "бабушка" in answer.text
        return ticked(answer.text)

    assert await press("sending") == {"1.3", "4.3", "4.6", "6.8", "6.9", "6.10", "6.12"}
    assert len(await press("all")) == 35
    assert await press("none") == set()
    await desk.sheet("5/2026", items=["1.3", "2.1"])
    assert await press("last") == {"1.3", "2.1"}
    assert await desk.admin.fetchval("SELECT count(*) FROM consent.sheet") == 1


async def test_a_refusal_is_registered_and_shown(desk: Desk) -> None:
    """R-C3."""
    await desk.sheet("1/2026", typed="1.3 4.3 6.9")
    assert (
        await desk.send("/sheet", {"number": "2/2026", "signed_on": "2026-09-02", "refused": "y"})
    ).status_code == 303
    html = said(await desk.open())
    assert "Отказ от согласия № 2/2026" in html
    assert "Лист согласия № 1/2026" in html, "earlier papers are kept"


async def test_an_application_says_what_about(desk: Desk) -> None:
    """R-C1: its scope is what the box says; nothing ticked asks for everything."""
    answer = await desk.application(" ", scope=["mark", "attendance"], form="weekly_email")
    assert answer.status_code == 422
    assert re.findall(r'name="scope" value="(\w+)" checked', answer.text) == ["mark", "attendance"]
    await desk.application("8/2026", scope=["mark", "attendance"], form="weekly_email", pupil_access="y")
    html = said(await desk.open())
    assert "Заявление № 8/2026" in html
    assert "письмо раз в неделю; пропуски и опоздания, отметки; доступ и ученику" in html


async def test_contacts_of_the_application_work_at_once_or_nothing_is_kept(desk: Desk) -> None:
    """R-C6: one paper, one step; a landline spoils neither the number nor the other contact."""
    answer = await desk.application(email="olga@mail.ru", phone="8 (495) 561-44-88")
    assert answer.status_code == 422
    assert "не мобильный номер" in answer.text
    assert await desk.admin.fetchval("SELECT count(*) FROM consent.application") == 0
    assert await desk.admin.fetchval("SELECT count(*) FROM consent.contact") == 0
    answer = await desk.application(email="olga@mail.ru", phone="8 (916) 123-45-67")
    assert answer.status_code == 303
    rows = await desk.admin.fetch("SELECT address, confirmed_how FROM consent.contact ORDER BY address")
    assert [tuple(row) for row in rows] == [("+79161234567", "application"), ("olga@mail.ru", "application")]
    assert "+7 916 123-45-67" in await desk.open()


@pytest.mark.parametrize("address", ["olga@почта.рф", "8 916 123-45-67"])
async def test_a_code_is_sent_typed_and_lifts_what_stood_against_the_address(
    desk: Desk, address: str
) -> None:
    """R-C6: by e-mail and by SMS; five tries; a confirmed address is used again whatever stopped it."""
    answer = await desk.send("/contact", {"address": address, "how": "code"})
    place = answer.headers["location"]
    assert address not in place
    text = desk.world.inbox.letters[0].text if "@" in address else desk.world.sms.messages[0].text
    code = re.search(r"\b\d{6}\b", text)
    assert code
    wrong = "000000" if code[0] != "000000" else "111111"
    page = said((await desk.her.open(place)).text)
    assert "Код отправлен" in page
    answer = await desk.her.send(place, {"digits": wrong})
    assert answer.status_code == 422
    assert "Осталось попыток: 4" in said(answer.text)
    contact = await desk.admin.fetchrow("SELECT * FROM consent.contact")
    assert contact is not None
    await desk.admin.execute(
        "INSERT INTO dispatch.suppression (school, channel, address, reason, source)"
        " VALUES ('a', $1, $2, 'smtp 5.1.1', 'bounce')",
        *(contact["channel"], contact["address"]),
    )
    assert "не работает" in await desk.open()
    answer = await desk.her.send(place, {"digits": f" {code[0]} "})
    assert answer.status_code == 303
    html = said((await desk.her.open(answer.headers["location"])).text)
    assert "Контакт подтверждён." in html
    assert "не работает" not in html
    kept = await desk.admin.fetch("SELECT details::text AS said FROM dispatch.audit")
    assert not [row for row in kept if code[0] in row["said"]], "no code in the history"


async def test_codes_end_after_five_tries_and_three_sendings(desk: Desk) -> None:
    """R-C6: the desk is told, and may confirm by the application instead."""
    await desk.application()
    answer = await desk.send("/contact", {"address": "olga@mail.ru", "how": "code"})
    place = answer.headers["location"]
    for _ in range(5):
        answer = await desk.her.send(place, {"digits": "х"})
        assert answer.status_code == 422
    assert "Действующего кода" in said(answer.text)
    assert (await desk.press("send")).status_code == 303
    assert (await desk.press("send")).status_code == 303
    over = await desk.press("send")
    assert over.status_code == 429
    assert "через час" in over.text
    assert len(desk.world.inbox.letters) == 3
    assert (await desk.press("confirm")).status_code == 303
    assert await desk.admin.fetchval("SELECT confirmed_how FROM consent.contact") == "application"


async def test_a_code_that_could_not_leave_is_told_and_costs_no_sending(desk: Desk) -> None:
    """R-C6, R-C9: the server's refusal, a pause and a spent month, each in words."""
    desk.world.inbox.faults.add(NO_SUCH_MAILBOX)
    answer = await desk.send("/contact", {"address": "olga@mail.ru", "how": "code"})
    page = said((await desk.her.open(answer.headers["location"])).text)
    assert "такого адреса нет" in page
    assert "Подтвердить" not in page, "there is no code to type"
    desk.world.inbox.faults.clear()
    await desk.admin.execute(
        "INSERT INTO dispatch.channel_pause (channel, reason, by) VALUES ('email', 'meeting', 'boss')"
    )
    await asyncio.sleep(PERMIT_SECONDS)  # so long a call that was allowed before the pause may still be made
    answer = await desk.press("send")
    assert "Отправка сейчас остановлена" in said((await desk.her.open(answer.headers["location"])).text)
    failed = await desk.admin.fetch("SELECT failed_because FROM dispatch.contact_code ORDER BY asked_at")
    assert [row["failed_because"] for row in failed] == ["address", "paused"]
    await desk.admin.execute("DELETE FROM consent.contact")
    await desk.admin.execute(
        """INSERT INTO dispatch.sms_budget (school, month, segments)
           VALUES ('a', date_trunc('month', now() AT TIME ZONE 'Europe/Moscow')::date, 20000)"""
    )
    answer = await desk.send("/contact", {"address": "+79161234567", "how": "code"})
    assert "израсходованы" in said((await desk.her.open(answer.headers["location"])).text)
    assert desk.world.sms.messages == []


async def test_an_sms_code_is_paid_from_the_schools_month(desk: Desk) -> None:
    """R-C9: one segment, with what it cost."""
    await desk.send("/contact", {"address": "+79161234567", "how": "code"})
    row = await desk.admin.fetchrow("SELECT segments, cost FROM dispatch.sms_budget WHERE school = 'a'")
    assert row is not None
    assert row["segments"] == 1
    assert row["cost"] > 0


async def test_a_contact_is_put_away_and_taken_back(desk: Desk) -> None:
    await desk.application(email="olga@mail.ru")
    assert (await desk.press("stop")).status_code == 303
    assert "убран секретарём" in await desk.open()
    assert (await desk.press("lift")).status_code == 303
    assert "убран секретарём" not in await desk.open()
    await desk.admin.execute("UPDATE consent.contact SET confirmed_at = NULL")
    assert (await desk.press("stop")).status_code == 303, "a slip of the pen is forgotten"
    assert await desk.admin.fetchval("SELECT count(*) FROM consent.contact") == 0
    actions = await desk.admin.fetch("SELECT action FROM dispatch.audit WHERE action LIKE 'contact%'")
    assert {"contact.stopped", "contact.forgotten"} <= {row["action"] for row in actions}


async def test_a_withdrawal_runs_and_is_listed(desk: Desk) -> None:
    """R-B8."""
    assert (await desk.send("/withdrawal", {"received_on": "2026-11-20"})).status_code == 422
    await desk.sheet("1/2026", typed="1.3 4.3 6.9")
    day = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    answer = await desk.send("/withdrawal", {"received_on": day})
    assert answer.status_code == 422
    assert "ещё не наступила" in answer.text
    today = await desk.admin.fetchval("SELECT (now() AT TIME ZONE 'Europe/Moscow')::date")
    answer = await desk.send("/withdrawal", {"received_on": today.isoformat()})
    assert answer.status_code == 303
    html = said((await desk.her.open(answer.headers["location"])).text)
    assert "согласие отозвано" in html
    assert "10 рабочих дней" in html
    home = said((await desk.her.open("/dispatcher/desk/")).text)
    assert "Ковалёва Ольга Петровна" in home
    assert "10 рабочих дней" in home


async def test_one_guardian_s_page_never_acts_for_another(desk: Desk) -> None:
    """R-D4: an application of one confirms nothing of the other; letters go where the contact is."""
    await desk.application()
    data = {"address": "igor@mail.ru", "how": "application", "number": "7/2026"}
    answer = await desk.send("/contact", data, guardian="g-2")
    assert answer.status_code == 422
    assert await desk.admin.fetchval("SELECT count(*) FROM consent.contact") == 0


@pytest.mark.parametrize("odd", ["2026/15", "a%2Fb", "50%", "../..", "№ 7?#&"])
async def test_a_family_opens_whatever_the_journal_calls_the_pupil(desk: Desk, odd: str) -> None:
    """Ids are the journal's own: every link of the page keeps them whole."""
    await desk.admin.execute(
        """INSERT INTO roster.pupil (school, pupil, class, family_name, given_name)
           VALUES ('a', $1, '7Б', 'Ковалёв', 'Севастьян')""",
        odd,
    )
    await desk.admin.execute(
        """INSERT INTO roster.guardianship (school, pupil, guardian, relation)
           VALUES ('a', $1, 'g-1', 'mother')""",
        odd,
    )
    (sibling,) = re.findall(r'href="([^"]+)"[^>]*>[^<]*Севастьян', await desk.open())
    page = await desk.her.open(html.unescape(sibling))
    assert page.status_code == 200, sibling
    assert "Севастьян" in page.text
    (sheet,) = re.findall(r'href="([^"]+/sheet\?guardian=g-1[^"]*)"', page.text)
    sent = await desk.her.send(
        html.unescape(sheet), {"number": "С-77", "signed_on": "2026-09-01", "items": "1.3"}
    )
    assert sent.status_code == 303, sent.text
    back = await desk.her.open(sent.headers["location"])
    assert "Севастьян" in back.text
    assert await desk.admin.fetchval("SELECT pupil FROM consent.sheet WHERE number = 'С-77'") == odd
