"""The secretary's other errands in a browser: a refusal with its letter, a restriction, leaving, lost
access, and the lists of the year (R-B7, R-B9, R-B11, R-C2, R-C8, R-C10, R-D4)."""

import pytest
from support.people import PASSWORD, add_account

from shared.staff import Role

from .conftest import Box

LISTS = """
INSERT INTO roster.class (school, class, grade) VALUES ('a', '7Б', '7');
INSERT INTO roster.pupil (school, pupil, class, family_name, given_name, birth_date)
    VALUES ('a', 'ivan', '7Б', 'Петров', 'Иван', current_date - interval '18 years' + interval '9 days');
INSERT INTO roster.guardian (school, guardian, family_name, given_name, patronymic)
    VALUES ('a', 'mother', 'Константинопольская', 'Мария', 'Всеволодовна');
INSERT INTO roster.guardianship (school, pupil, guardian, relation) VALUES ('a', 'ivan', 'mother', 'mother');
"""
FAMILY = "/dispatcher/desk/families/ivan"


@pytest.mark.timeout(300)
async def test_the_secretarys_other_errands(box: Box) -> None:
    await box.admin.execute(LISTS)
    await add_account(box.admin, "a", "desk", Role.SECRETARY, "Седова Н. П.")
    her = await box.screen()
    await her.go("/dispatcher/login")
    await her.fill(login="a/desk", password=PASSWORD)
    await her.press("Войти")

    await her.go("/dispatcher/desk/")
    await her.follow("Журнал отказов")
    await her.check("refusals-none")
    await her.follow("Оформить отказ")
    await her.press("Записать отказ")
    await her.check("refusal-wrong")
    await her.fill(applicant="Сидоров Пётр Ильич", about="доступ к дневнику ученика Петрова Ивана")
    await her.page.get_by_label("Заявление заполнено карандашом").check()
    await her.press("Записать отказ")
    assert "записан. Напечатайте письмо" in await her.says()
    await her.check("refusals")
    letter = await her.page.get_by_role("link", name="Напечатать письмо").get_attribute("href")
    answer = await her.page.request.get(f"{box.address}{letter}")
    assert (await answer.body()).startswith(b"%PDF")

    for path, name in (
        ("/dispatcher/desk/undecided", "undecided"),
        ("/dispatcher/desk/undecided/class?name=7Б", "undecided-class"),
        ("/dispatcher/desk/adults", "adults"),
        ("/dispatcher/desk/rollover", "rollover"),
        (f"{FAMILY}/lost-access?guardian=mother", "lost-access"),
    ):
        assert await her.go(path) == 200
        await her.check(name)

    await her.go(f"{FAMILY}/restriction?guardian=mother")
    await her.fill(basis="решение суда № 2-15")
    await her.check("restriction")
    await her.press("Дальше")
    await her.check("restriction-foreseen")
    await her.press("Ограничить")
    assert "Ограничение записано" in await her.says()
    await her.go(f"{FAMILY}/restriction?guardian=mother")
    await her.follow("Снять ограничение")
    await her.fill(reason="новое решение суда")
    await her.press("Снять ограничение")
    assert "Ограничение снято" in await her.says()

    await her.go(f"{FAMILY}/leaving")
    await her.fill(order="№ 41")
    await her.press("Дальше")
    await her.check("leaving-foreseen")
    await her.press("Записать выбытие")
    await her.go(f"{FAMILY}/leaving")
    await her.check("leaving-noted")
    await her.follow("Отменить выбытие")
    await her.fill(reason="ошибка")
    await her.press("Отменить выбытие")
    assert "Выбытие отменено" in await her.says()
