"""R-C1, R-C3, R-C6, R-F4 in a browser, by keyboard alone: a family comes to the desk and is told."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg
import orjson
import pytest
from playwright.async_api import Browser
from support.browser import Screen
from support.buses import eventually
from support.installations import VESTNIK, Running, listening, own_folder, vestnik
from support.people import PASSWORD, add_account

from sandbox.inbox import Inbox
from shared.db import connect
from shared.staff import Role

ADDRESS = "olga@почта.рф"
pytestmark = pytest.mark.timeout(300)
SEED = """
INSERT INTO roster.school VALUES ('a', 'Школа № 7', 'Europe/Moscow'), ('b', 'Лицей', 'Asia/Omsk');
INSERT INTO roster.class (school, class, grade) VALUES ('a', '7Б', '7'), ('b', '7Б', '7');
INSERT INTO roster.pupil (school, pupil, class, family_name, given_name, patronymic)
    VALUES ('a', 'p-1', '7Б', 'Ковалёв', 'Артём', 'Игоревич'), ('a', 'p-2', '7Б', 'Ковалёва', 'Алёна', ''),
           ('b', 'p-9', '7Б', 'Ковалёв', 'Борис', '');
INSERT INTO roster.guardian (school, guardian, family_name, given_name, patronymic)
    VALUES ('a', 'g-1', 'Ковалёва', 'Ольга', 'Петровна'), ('a', 'g-2', 'Ковалёв', 'Игорь', 'Львович');
INSERT INTO roster.guardianship (school, pupil, guardian, relation)
    VALUES ('a', 'p-1', 'g-1', 'mother'), ('a', 'p-1', 'g-2', 'father'), ('a', 'p-2', 'g-1', 'mother');
"""


@dataclass
class Desk:
    """A running installation with a mail server, its secretary's window, and its journal."""

    running: Running
    admin: asyncpg.Connection
    inbox: Inbox
    screen: Screen
    token: str

    async def log_in(self) -> None:
        await self.screen.go("/dispatcher/login")
        await self.screen.fill(login="a/desk", password=PASSWORD)
        await self.screen.press("Войти")

    async def key(self, *keys: str) -> None:
        for key in keys:
            await self.screen.page.keyboard.press(key)

    async def type(self, text: str) -> None:
        """Into the field that has the focus; a new page gives it with its first picture, after loading."""
        await self.screen.page.wait_for_selector("input:focus")
        await self.screen.page.keyboard.type(text)

    async def enter(self) -> None:
        """Enter, and waits for where it leads."""
        await self.screen.page.wait_for_selector(":focus")
        async with self.screen.page.expect_navigation():
            await self.key("Enter")

    async def jump(self, digit: str) -> None:
        """Alt and a digit: to the search, or to an act of the family page."""
        if digit == "1":
            await self._alt(digit)
            await self.screen.page.wait_for_selector("#q:focus")
            return
        async with self.screen.page.expect_navigation():
            await self._alt(digit)

    async def _alt(self, digit: str) -> None:
        """As a keyboard does it: Playwright's own press leaves out the letter that access keys look for."""
        page = self.screen.page
        devtools = await page.context.new_cdp_session(page)
        key = {"key": digit, "code": f"Digit{digit}", "windowsVirtualKeyCode": ord(digit), "modifiers": 1}
        await devtools.send("Input.dispatchKeyEvent", {"type": "keyDown", "unmodifiedText": digit, **key})
        await devtools.send("Input.dispatchKeyEvent", {"type": "keyUp", **key})
        await devtools.detach()

    async def tab_to(self, name: str) -> None:
        """Tab until the field or button of this name has the focus: as a person does."""
        await self.screen.page.wait_for_selector(":focus")
        for _ in range(80):
            here = await self.screen.page.evaluate(
                "[document.activeElement.name, document.activeElement.value,"
                " document.activeElement.textContent.trim()]"
            )
            if name in here:
                return
            await self.key("Tab")
        pytest.fail(f"no way by keyboard to «{name}»")

    async def mark(self, number: str) -> None:
        """A mark of Артём, as the journal tells it now."""
        now = datetime.now(UTC)
        event = {
            "specversion": "1.0",
            "id": f"e-{number}",
            "source": "/schools/a/journals/main",
            "type": "journal.final_mark.set",
            "subject": "p-1",
            "time": now.isoformat(),
            "data": {
                "entity": f"mark/{number}",
                "revision": 1,
                "course": {"name": "Алгебра"},
                "period": {"kind": "quarter", "name": "2 четверть", "ends_on": now.date().isoformat()},
                "mark": {"value": "5"},
            },
        }
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/cloudevents-batch+json",
        }
        answer = await self.running.http.post(
            "/ingest/v1/changes", content=orjson.dumps([event]), headers=headers
        )
        assert answer.json()["accepted"] == 1, answer.text


@pytest.fixture
async def desk(database: str, browser: Browser) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        admin = await connect(database)
        stack.push_async_callback(admin.close)
        await admin.execute(SEED)
        await add_account(admin, "a", "desk", Role.SECRETARY, "Света Секретарева")
        inbox = await stack.enter_async_context(Inbox())
        with own_folder() as folder:
            settings = {
                "VESTNIK_DATABASE_URL": database,
                "VESTNIK_DATA": str(folder / "var"),
                "VESTNIK_SMTP_URL": inbox.url,
                "VESTNIK_MAIL_FROM": "school@school.example",
            }
            made = await vestnik(
                *("token", "create", "--school", "a", "--journal", "main"), folder=folder, settings=settings
            )
            assert made.code == 0, made.err
            async with listening(VESTNIK, "up", folder=folder, settings=settings) as running:
                await running.until(200)
                screen = await Screen.open(browser, str(running.http.base_url).rstrip("/"))
                yield Desk(running, admin, inbox, screen, made.out.strip())
                await screen.close()


async def test_from_the_door_to_the_first_letter_by_keyboard(desk: Desk) -> None:
    """Search, application, sheet, contact, code, and the next final mark leaves by e-mail; then why."""
    screen = desk.screen
    await desk.log_in()
    assert screen.page.url.endswith("/dispatcher/desk/"), "a secretary begins at the desk"
    await search(desk)
    await desk.mark("1")
    await eventually(lambda: desk.admin.fetchval("SELECT count(*) >= 2 FROM dispatch.decision"))
    await papers(desk)
    code = await contact(desk)

    await desk.mark("2")
    letters = await desk.inbox.wait_for(2, timeout=60)
    assert "not-mine" in letters[1].text, "the first message offers «not my child»"
    await screen.go("/dispatcher/desk/families/p-1")
    await desk.jump("5")
    why = await screen.says()
    assert "Решено сообщить по почте." in why
    assert "Основание: лист согласия № 1/" in why
    assert "Листа согласия, на который можно было бы опереться, не было." in why, "and the mark before it"
    await screen.check("desk-why")

    kept = await desk.admin.fetch("SELECT details::text || coalesce(about, '') AS said FROM dispatch.audit")
    assert not [row for row in kept if code in row["said"] or "olga" in row["said"]]
    assert code not in desk.running.said.read_text(), "no code in the log"


async def search(desk: Desk) -> None:
    """ё is е, names in any order, one found opens at once."""
    screen = desk.screen
    await desk.type("ковалев")  # the search has the focus
    await desk.enter()
    found = await screen.says()
    assert "Ковалёв Артём Игоревич" in found
    assert "Борис" not in found, "another school's"
    assert not re.search("ковал|%d0", screen.page.url.lower()), "no name in an address"
    await screen.check("desk-found")
    await desk.jump("1")
    await desk.key("Control+a")
    await desk.type("игорь артём")
    await desk.enter()
    assert screen.page.url.endswith("/families/p-1")
    assert "нет листа согласия" in await screen.says()


async def papers(desk: Desk) -> None:
    """An application as proposed; a sheet with a slip of the pen, then by a preset."""
    screen = desk.screen
    await desk.jump("2")
    await screen.check("desk-application")
    await desk.enter()  # number and date are proposed
    assert "Заявление зарегистрировано." in await screen.says()
    await desk.jump("3")
    await desk.tab_to("typed")
    await desk.type("1.3 4.3 9.9")
    await desk.enter()
    assert "На листе согласия нет пунктов: 9.9." in await screen.says()
    assert await screen.page.input_value("[name=typed]") == "1.3 4.3 9.9", "what was typed is kept"
    await screen.check("desk-sheet-wrong")
    await desk.tab_to("typed")
    await desk.key("Control+a", "Delete")
    await desk.tab_to("sending")
    await desk.enter()
    assert await screen.page.is_checked("#item-6\\.9")
    assert not await screen.page.is_checked("#item-6\\.11")
    await screen.check("desk-sheet")
    await desk.enter()
    said = await screen.says()
    assert "Лист согласия зарегистрирован." in said
    assert "рабочего адреса нет" in said, "what follows: paper until there is an address"
    assert "Не отмечены пункты 6.1" in said, "a warning, no obstacle"
    await screen.page.wait_for_selector("#q:focus")  # ready for the next family
    await screen.check("desk-family-papers")


async def contact(desk: Desk) -> str:
    """A landline is refused, an address in Cyrillic gets a code, which is typed wrong once. The code."""
    screen = desk.screen
    await desk.jump("4")
    await desk.type("8 (495) 561-44-88")
    await desk.enter()
    assert "не мобильный номер" in await screen.says()
    await desk.tab_to("address")
    await desk.key("Control+a")
    await desk.type(ADDRESS)
    await desk.tab_to("how")
    await desk.key("ArrowDown")  # by a code
    await screen.check("desk-contact")
    await desk.enter()
    assert "Код отправлен" in await screen.says()
    assert "olga" not in screen.page.url, "no address in an address"
    (letter,) = await desk.inbox.wait_for(1)
    code = re.search(r"\b\d{6}\b", letter.text)
    assert code
    assert code[0] not in str(letter.message["Subject"])
    await desk.type("000000" if code[0] != "000000" else "111111")
    await desk.enter()
    said = await screen.says()
    assert "Код не подошёл" in said
    assert "Осталось попыток: 4" in said
    await screen.check("desk-code")
    await desk.tab_to("digits")
    await desk.key("Control+a")
    await desk.type(code[0])
    await desk.enter()
    said = await screen.says()
    assert "Контакт подтверждён." in said
    assert re.search(r"итоговые отметки.* — почта, сразу", said)
    await screen.check("desk-family-told")
    return code[0]


async def test_a_withdrawal_shows_its_clock_and_english_is_complete(desk: Desk) -> None:
    """R-B8: from the family page to the list on the first page; the same pages in English."""
    await desk.admin.execute(
        """INSERT INTO consent.sheet (school, pupil, guardian, number, signed_on, items)
           VALUES ('a', 'p-1', 'g-1', '3/2026', '2026-09-01', '{1.3,4.3,6.9}')"""
    )
    screen = desk.screen
    await desk.log_in()
    await screen.go("/dispatcher/desk/families/p-1/withdrawal?guardian=g-1")
    await screen.check("desk-withdrawal")
    await screen.press("Зарегистрировать отзыв")
    said = await screen.says()
    assert "Отзыв зарегистрирован" in said
    assert "10 рабочих дней" in said.replace("\u00a0", " ")
    await screen.check("desk-family-withdrawn")
    await screen.go("/dispatcher/desk/")
    assert "Ковалёва Ольга Петровна" in await screen.says()
    await screen.check("desk-home")
    await screen.follow("English")
    await screen.go("/dispatcher/desk/families/p-1")
    said = await screen.says()
    assert "What is allowed and where it goes" in said
    names = "Ковалёва? Артём Игоревич|Ковалёва? Алёна|Ковалёва Ольга Петровна|Ковалёв Игорь Львович|7Б"
    assert not re.search("[а-яё]", re.sub(names, "", said).lower()), "all but names is English"
    await screen.check("desk-english")
