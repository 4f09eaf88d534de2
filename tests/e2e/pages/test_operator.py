"""An operator's morning in a browser (R-B10, R-D2, R-D5): from the numbers to the rows, from a family to a
stopped announcement, without scripts."""

from support.operators import MORNING
from support.people import PASSWORD, add_account

from shared.staff import Role

from .conftest import Box


async def test_an_operators_morning(box: Box) -> None:
    await box.admin.execute(MORNING)
    await add_account(box.admin, "a", "op", Role.OPERATOR, "Ольга Операторова")
    screen = await box.screen(scripts=True)
    await screen.go("/dispatcher/")
    await screen.fill(login="a/op", password=PASSWORD)
    await screen.press("Войти")
    assert screen.page.url.endswith("/dispatcher/"), "an operator begins here"
    said = await screen.says()
    assert "сервер не принимает пароль" in said
    assert "Просрочено: 2" in said
    await screen.check("console")

    await screen.page.locator("td.number a").first.click()
    await screen.check("console-rows")
    await screen.go("/dispatcher/late")
    assert "канал остановлен" in await screen.says()
    await screen.check("console-late")
    await screen.go("/dispatcher/dead-letters")
    assert "unknown pupil" in await screen.says()
    await screen.check("console-dead")

    await screen.go("/dispatcher/families")
    await screen.fill(q="зуева")
    await screen.press("Найти")
    await screen.check("console-families")
    await screen.follow("Зуева Инна Павловна")
    await screen.check("console-family")
    await screen.page.get_by_role("link", name="Сообщение и его история").first.click()
    await screen.page.get_by_text("Не отправлять", exact=True).first.click()
    await screen.check("console-message")
    await screen.page.fill("#cancel-reason", "ошибка школы")
    await screen.press("Не отправлять")
    assert "остановлено оператором" in await screen.says()

    await box.admin.execute("UPDATE dispatch.change SET guardians = 2 WHERE entity = '3'")
    await screen.go("/dispatcher/check")
    assert "Не сходится строк: 1" in await screen.says()
    await screen.check("console-check")
    english = await box.screen(language="en-US", scripts=False)
    await english.go("/dispatcher/")
    await english.fill(login="a/op", password=PASSWORD)
    await english.press("Sign in")
    assert "Ledger" in await english.says()
