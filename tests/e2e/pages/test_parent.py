"""R-C6, R-C7, R-D1 in a browser: a mother comes in by a link, chooses SMS for final marks, gets the next one
there, unsubscribes, takes it back, and leaves."""

import re
from datetime import UTC, datetime

import orjson
import pytest
from support.browser import Screen
from support.households import MAMA, PHONE

from .conftest import Posted


@pytest.mark.timeout(300)  # ten looks at pages, each by axe in two sizes
async def test_a_mother_s_way(posted: Posted) -> None:
    screen = await posted.box.screen()
    await screen.go("/dispatcher/me/")
    assert screen.page.url.endswith("/dispatcher/me/enter")
    await screen.fill(contact="мама")
    await screen.press("Прислать ссылку")
    await screen.check("family-enter-wrong")
    await screen.fill(contact=MAMA)
    await screen.press("Прислать ссылку")
    assert "Проверьте почту или СМС" in await screen.says()
    await screen.check("family-sent")
    (letter,) = await posted.inbox.wait_for(1)
    link = re.findall(r"/dispatcher/me/in/[\w-]+", letter.text)[1]  # the school's, after the lyceum's
    await screen.go(link)
    await screen.check("family-come-in")
    await screen.press("Войти")
    assert "Исправление" in await screen.says()
    await screen.check("family-messages")

    await screen.follow("Как сообщать")
    await screen.page.get_by_role("group", name="Итоговые отметки").get_by_label("СМС", exact=True).check()
    await screen.check("family-settings")
    await screen.press("Сохранить")
    assert "Сохранено" in await screen.says()
    await final_mark(posted)
    await posted.sms.wait_for(1)
    (sms,) = posted.sms.to(PHONE)
    assert "алгебр" in sms.text.lower()
    assert posted.inbox.to(MAMA) == [letter], "not by mail too"

    await screen.press("Вернуть как было")
    assert "Вернули, как было" in await screen.says()
    await screen.follow("Согласие и адреса")
    await screen.page.get_by_text("На что вы согласились").first.click()
    await press_for_mail(screen, "Отписаться")
    assert "Больше на этот адрес не пишем" in await screen.says()
    await screen.check("family-stopped")
    await press_for_mail(screen, "Включить снова")
    assert "Адрес снова работает" in await screen.says()

    await a_new_address(posted, screen)
    await screen.press("Выйти")
    assert "Вы вышли" in await screen.says()
    assert await screen.go(link) == 404, "the link opened once"
    await screen.check("family-used-link")
    await screen.go("/dispatcher/me/papers")
    assert screen.page.url.endswith("/dispatcher/me/enter")


async def a_new_address(posted: Posted, screen: Screen) -> None:
    """Given by the mother herself: a slip first, then the code that proves it hers."""
    await screen.follow("Добавить адрес или номер")
    await screen.fill(address="+7 495 123-45-67")
    await screen.press("Прислать код")
    await screen.check("family-new-address-wrong")
    await screen.fill(address="new.mama@example.org")
    await screen.press("Прислать код")
    assert "Код отправлен: n***@example.org" in await screen.says()
    (letter,) = posted.inbox.to("new.mama@example.org")
    await screen.follow("Отмена")
    assert "не подтверждён" in await screen.says()
    await screen.check("family-unconfirmed")
    await screen.go("/dispatcher/me/papers/code")
    await screen.fill(digits="12")
    await screen.press("Подтвердить")
    await screen.check("family-code-wrong")
    await screen.fill(digits=re.findall(r"\b\d{6}\b", letter.text)[0])
    await screen.press("Подтвердить")
    assert "Адрес подтверждён" in await screen.says()


async def test_in_english_and_without_scripts(posted: Posted) -> None:
    screen = await posted.box.screen(language="en-US", scripts=False)
    await screen.go("/dispatcher/me/enter")
    await screen.fill(contact=MAMA)
    await screen.press("Send a link")
    (letter,) = await posted.inbox.wait_for(1)
    await screen.go(re.findall(r"/dispatcher/me/in/[\w-]+", letter.text)[1])
    await screen.press("Sign in")
    assert "Correction" in await screen.says()
    await screen.follow("How to tell you")
    await screen.page.get_by_role("group", name="Homework").get_by_label("Do not tell").check()
    await screen.press("Save")
    assert "Saved" in await screen.says()


async def press_for_mail(screen: Screen, text: str) -> None:
    """The button beside the mother's e-mail address."""
    async with screen.page.expect_navigation():
        await (
            screen.page.get_by_role("listitem")
            .filter(has_text="m***@example.org")
            .get_by_role("button", name=text)
            .click()
        )


async def final_mark(posted: Posted) -> None:
    """The journal says that Ivan has a five for the quarter."""
    event = {
        "specversion": "1.0",
        "id": "final/1",
        "source": "/schools/a/journals/j",
        "type": "journal.final_mark.set",
        "subject": "ivan",
        "time": datetime.now(UTC).isoformat(),
        "data": {
            "entity": "final/1",
            "course": {"name": "Алгебра"},
            "period": {"kind": "quarter", "name": "2 четверть", "ends_on": "2026-12-28"},
            "mark": {"value": "5"},
        },
    }
    answer = await posted.box.running.http.post(
        "/ingest/v1/changes",
        content=orjson.dumps([event]),
        headers={
            "Authorization": f"Bearer {posted.token}",
            "Content-Type": "application/cloudevents-batch+json",
        },
    )
    assert answer.json()["accepted"] == 1, answer.text
