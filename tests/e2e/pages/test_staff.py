"""R-D2, R-F4 in a browser: from the first start to a secretary's own password."""

import re

from dispatcher.people.throttle import PER_LOGIN

from .conftest import Box

ADMIN_PASSWORD = "тихий лес под снегом"
PASSWORD = "синий чайник поёт"


async def test_first_filling_from_the_first_start(box: Box) -> None:
    """The first administrator, a secretary's account, her access sheet, her password, her work, her leave."""
    admin = await box.screen()
    await admin.go("/")
    await admin.check("home")
    first = await box.said("Задайте пароль администратора (адрес на один раз):")
    await admin.go(first)
    await admin.check("first-password")
    await admin.fill(password="короткий", again="короткий")
    await admin.press("Сохранить пароль")
    assert "не меньше 10 знаков" in await admin.says()
    await admin.check("first-password-wrong")
    await admin.fill(password=ADMIN_PASSWORD, again=ADMIN_PASSWORD)
    await admin.press("Сохранить пароль")
    assert "Пароль сохранён" in await admin.says()
    assert await admin.go(first) == 404, "the address worked once"
    await admin.check("used-link")

    await admin.go("/dispatcher/accounts/")
    assert "/dispatcher/login?next=" in admin.page.url
    await admin.check("login")
    await admin.fill(login="admin", password=ADMIN_PASSWORD)
    await admin.press("Войти")
    assert admin.page.url.endswith("/dispatcher/accounts/"), "back where the way in began"
    await admin.check("accounts")

    await admin.follow("Добавить сотрудника")
    await admin.press("Добавить")
    await admin.check("new-account-wrong")
    await admin.page.select_option("[name=school]", "a")
    await admin.fill(name="Светлана Юрьевна Секретарева", login="secretareva")
    await admin.page.select_option("[name=role]", "secretary")
    await admin.press("Добавить")
    await admin.check("account")
    await admin.press("Напечатать листок доступа")
    await admin.check("sheets")
    sheet = await admin.says()
    code = re.search(r"\b(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}\b", sheet)
    assert code
    assert "a/secretareva" in sheet

    await she_comes_in(box, code[0])

    actions = [
        row["action"] for row in await box.admin.fetch("SELECT action FROM dispatch.audit ORDER BY id")
    ]
    assert actions == [
        "account.created",
        "account.invited",
        "password.set_by_link",
        "login.done",
        "account.created",
        "account.invited",
        "password.set_by_link",
        "login.done",
        "logout.done",
    ]


async def she_comes_in(box: Box, code: str) -> None:
    """The secretary with her sheet's code, in a browser without scripts."""
    her = await box.screen(scripts=False)
    await her.go("/dispatcher/access")
    await her.fill(code=code.lower().replace("-", " "))
    await her.press("Дальше")
    await her.fill(password=PASSWORD, again=PASSWORD)
    await her.press("Сохранить пароль")
    await her.fill(login="a/secretareva", password=PASSWORD)
    await her.press("Войти")
    assert "Светлана Юрьевна" in await her.page.inner_text("header")
    assert await her.go("/dispatcher/accounts/") == 403
    await her.go("/dispatcher/my-access")
    await her.press("Выйти")
    assert "Вы вышли" in await her.says()
    await her.go("/dispatcher/my-access")
    assert "/dispatcher/login" in her.page.url


async def test_guessing_ends_soon_and_english_is_a_click_away(box: Box) -> None:
    await box.admin.execute(
        "INSERT INTO people.account (school, login, role, name) VALUES ('a', 'desk', 'secretary', 'Ольга')"
    )
    guesser = await box.screen()
    await guesser.go("/dispatcher/login")
    for number in range(PER_LOGIN + 1):
        await guesser.fill(login="desk", password=f"guess number {number}")
        await guesser.press("Войти")
    assert "Слишком много неудачных попыток" in await guesser.says()
    await guesser.check("login-throttled")
    await guesser.follow("English")
    assert "Sign in" in await guesser.says()
    await guesser.go("/no/such/page")
    assert "Page not found" in await guesser.says(), "the language was kept"
    await guesser.check("not-found-english")
