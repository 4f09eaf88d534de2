"""The desk's pages for refusals, undecided families, lost access, restrictions, leaving and the school
year, over HTTP on a real database; their papers read back as text."""

import io
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import asyncpg
import httpx
import pytest
from pypdf import PdfReader
from support.people import HTML, Person, add_account

from dispatcher.app import build
from dispatcher.desk.undecided import total
from print_queue.recipients import Asking, recipients
from shared.categories import Channel
from shared.clock import AcceleratedClock
from shared.db import connect
from shared.registry import Families
from shared.serve import Hosted, root_app
from shared.service import Context
from shared.settings import Settings
from shared.staff import Role
from shared.web.site import Site

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
TODAY = date(2026, 11, 24)
FAMILIES = "/dispatcher/desk/families"
SEED = """
INSERT INTO roster.school VALUES ('a', 'Школа № 7', 'Europe/Moscow'), ('b', 'Лицей', 'Europe/Moscow');
INSERT INTO roster.class (school, class, grade, teachers)
    VALUES ('a', '7Б', '7', '{t}'), ('a', '11А', '11', '{}'), ('b', '1А', '1', '{}');
INSERT INTO roster.pupil (school, pupil, class, family_name, given_name, birth_date) VALUES
    ('a', 'ivan', '7Б', 'Петров', 'Иван', '2013-05-01'), ('a', 'anna', '7Б', 'Орлова', 'Анна', NULL),
    ('a', 'lev', '11А', 'Яшин', 'Лев', '2008-12-10'), ('b', 'foreign', '1А', 'Чужих', 'Пётр', NULL);
INSERT INTO roster.guardian (school, guardian, family_name, given_name, patronymic) VALUES
    ('a', 'mother', 'Петрова', 'Мария', 'Ивановна'), ('a', 'father', 'Петров', 'Олег', 'Ильич'),
    ('a', 'orlova', 'Орлова', 'Вера', 'Павловна'), ('a', 'yashina', 'Яшина', 'Нина', '');
INSERT INTO roster.guardianship (school, pupil, guardian, relation) VALUES
    ('a', 'ivan', 'mother', 'mother'), ('a', 'ivan', 'father', 'father'), ('a', 'anna', 'orlova', 'mother'),
    ('a', 'lev', 'yashina', 'mother');
INSERT INTO consent.sheet (school, pupil, guardian, number, signed_on, items) VALUES
    ('a', 'ivan', 'mother', '1', '2026-09-03', '{1.3,4.3,6.9,6.10}'),
    ('a', 'ivan', 'father', '2', '2026-09-03', '{1.3,4.3,6.9}');
INSERT INTO consent.contact (school, guardian, channel, address, confirmed_at) VALUES
    ('a', 'mother', 'email', 'm@example.org', '2026-09-03'),
    ('a', 'father', 'email', 'f@example.org', '2026-09-03');
"""


@dataclass
class Second:
    """The secretary of school `a` before the desk."""

    her: Person
    admin: asyncpg.Connection

    async def text(self, path: str, status: int = 200) -> str:
        answer = await self.her.open(path)
        assert answer.status_code == status, answer.text
        return words(answer.text)

    async def sent(self, path: str, data: dict[str, object], status: int = 303) -> str:
        answer = await self.her.send(path, data)
        assert answer.status_code == status, answer.text
        return words(answer.text)

    async def pdf(self, path: str) -> tuple[bytes, str]:
        answer = await self.her.open(path)
        assert answer.headers["content-type"] == "application/pdf", answer.text
        pages = PdfReader(io.BytesIO(answer.content)).pages
        return answer.content, " ".join(" ".join(page.extract_text().split()) for page in pages)

    async def audited(self, action: str) -> int:
        return int(await self.admin.fetchval("SELECT count(*) FROM dispatch.audit WHERE action = $1", action))


def words(html: str) -> str:
    """What a person reads."""
    return " ".join(re.sub(r"<[^>]*>", " ", html.partition("<main")[2]).split())


@pytest.fixture
async def desk(database: str, tmp_path: Path) -> AsyncIterator[Second]:
    admin = await connect(database)
    await admin.execute(SEED)
    await add_account(admin, "a", "desk", Role.SECRETARY, "Седова Н. П.")
    await add_account(admin, "b", "desk", Role.SECRETARY, "Соседова")
    settings = Settings(data=tmp_path, secret_key="a key of this test")
    hosted = Hosted(build(Context(settings, database, AcceleratedClock(NOW, datetime.now(UTC), 0))))
    app = root_app([hosted], Site("onebox", "", settings))
    await hosted.run()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://house") as http:
        her = Person(http)
        await her.log_in("a/desk")
        yield Second(her, admin)
    await hosted.stop()
    await admin.close()


async def test_a_refusal_is_registered_and_printed_as_it_was_issued(desk: Second) -> None:
    """R-C2."""
    page = f"/dispatcher/desk/refusals/new?{httpx.QueryParams(pupil='ivan', guardian='father')}"
    proposed = (await desk.her.open(page)).text
    assert 'value="1/2026"' in proposed
    assert 'value="Петров Олег Ильич"' in proposed
    entry = {
        "number": "1/2026",
        "issued_on": "2026-11-24",
        "applicant": "Петров Олег Ильич",
        "about": "предоставить доступ к электронному дневнику",
        "officer": "Секретарь Седова Н. П.",
    }
    assert "Отметьте хотя бы одно основание" in await desk.sent(page, entry, 422)
    assert "Такого основания" in await desk.sent(page, entry | {"grounds": "invented"}, 422)
    assert "ещё не наступила" in await desk.sent(
        page, entry | {"grounds": "pencil", "issued_on": "2026-11-25"}, 422
    )
    assert await desk.admin.fetchval("SELECT count(*) FROM consent.refusal") == 0
    await desk.sent(page, entry | {"grounds": ["pencil", "no_identity"]})
    assert "уже занят" in await desk.sent(page, entry | {"grounds": "pencil"}, 422)

    register = await desk.text("/dispatcher/desk/refusals")
    assert "Заявление заполнено карандашом" in register
    letter = "/dispatcher/desk/refusals/letter.pdf?number=1/2026"
    first, said = await desk.pdf(letter)
    for part in ("Школа № 7", "№ 1/2026", "Кому: Петров Олег Ильич", "карандашом", "3.3.2", "Седова Н. П."):
        assert part in said, part
    await desk.admin.execute("UPDATE roster.school SET name = 'Гимназия' WHERE school = 'a'")
    again, _ = await desk.pdf(letter)
    assert again == first, "the letter is what went out, whatever the school is called now"
    assert await desk.audited("refusal.issued") == 1
    assert await desk.audited("refusal.printed") == 2
    assert 'value="2/2026"' in (await desk.her.open("/dispatcher/desk/refusals/new")).text
    assert "нет" in await desk.text("/dispatcher/desk/refusals/letter.pdf?number=9", 404)
    await desk.admin.execute(
        "UPDATE consent.refusal SET applicant = '', about = '', details = '', letter = '{}'"
    )
    assert "нет" in await desk.text(letter, 404), "its words were destroyed (R-B8)"
    neighbour = Person(desk.her.http)
    desk.her.http.cookies.clear()
    await neighbour.log_in("b/desk")
    assert (await neighbour.open(letter)).status_code == 404
    assert "Петров" not in (await neighbour.open("/dispatcher/desk/refusals")).text


async def test_who_has_not_decided_by_class_with_forms_to_give_them(desk: Second) -> None:
    """R-B9, R-C11."""
    whole = await desk.text("/dispatcher/desk/undecided")
    assert "Без решения: 2 семьи. просрочено: 2" in whole
    assert "7Б 2 1 1" in whole
    assert await total(desk.admin, NOW, "a") == (2, 2)
    assert await total(desk.admin, NOW) == (3, 3)
    one = await desk.text("/dispatcher/desk/undecided/class?name=7Б")
    assert "Орлова Анна ничего не подано 84" in one
    assert "Петров" not in one
    await desk.text("/dispatcher/desk/undecided/class?name=1А", 404)
    _, forms = await desk.pdf("/dispatcher/desk/forms/invitation.pdf?name=7Б")
    assert forms.count("ЛИСТ СОГЛАСИЯ") == 1
    assert "Орлова Анна" in forms
    assert "Петров" not in forms
    _, nameless = await desk.pdf("/dispatcher/desk/forms/invitation.pdf")
    assert "Орлова" not in nameless
    await desk.admin.execute(
        """INSERT INTO consent.sheet (school, pupil, guardian, number, signed_on, items, refused)
           VALUES ('a', 'anna', 'orlova', '3', '2026-11-24', '{}', true)"""
    )
    assert "решили все семьи" in await desk.text("/dispatcher/desk/undecided/class?name=7Б")
    assert "решили все" in await desk.text("/dispatcher/desk/forms/invitation.pdf?name=7Б", 404)


async def on_paper(admin: asyncpg.Connection) -> set[str]:
    """Whom the print queue would make a sheet for this week."""
    families = Families()
    await families.load(admin, classes=[("a", "7Б")])
    asking = Asking(
        school_class=families.classes("a")["7Б"],
        today=TODAY,
        first_day=date(2026, 11, 20),
        now=NOW,
        switched_on={Channel.EMAIL},
        moved=set(),
    )
    due, _ = recipients(families.members("a", "7Б"), asking)
    return {one.guardianship.guardian.guardian for one in due}


async def test_lost_access_is_paper_this_week_in_one_step(desk: Second) -> None:
    """R-C10."""
    page = f"{FAMILIES}/ivan/lost-access?guardian=mother"
    assert await on_paper(desk.admin) == set()
    assert "бумага разрешена" in await desk.text(page)
    assert "Напишите причину" in await desk.sent(page, {"reason": " "}, 422)
    await desk.sent(page, {"reason": "забыли пароль, телефона больше нет"})
    assert await on_paper(desk.admin) == {"mother"}
    assert await desk.audited("access.lost") == 1


async def test_without_item_6_10_the_desk_offers_the_application(desk: Second) -> None:
    """R-C10, 001 2.7."""
    page = f"{FAMILIES}/ivan/lost-access?guardian=father"
    said = await desk.text(page)
    assert "не отмечен пункт 6.10" in said
    assert "Бланк заявления: Иван П." in said
    assert "Перевести на бумагу" not in said, "no button that does nothing"
    _, form = await desk.pdf("/dispatcher/desk/forms/application.pdf?pupil=ivan")
    assert "Петров Иван" in form
    answer = await desk.her.send(f"{FAMILIES}/ivan/lost-access?guardian=mother", {"reason": "x"}, to=page)
    assert answer.status_code == 422
    assert await desk.admin.fetchval("SELECT count(*) FROM consent.preference") == 0
    await desk.admin.execute(
        """INSERT INTO consent.application (school, pupil, guardian, number, signed_on, form, scope)
           VALUES ('a', 'ivan', 'father', 'з-1', '2026-11-24', 'paper', '{}')"""
    )
    assert "бумага разрешена" in await desk.text(page)


async def test_a_restriction_says_what_follows_before_it_is_kept(desk: Second) -> None:
    """R-D4."""
    page = f"{FAMILIES}/ivan/restriction?guardian=mother"
    entry = {"first": "2026-11-24", "last": "", "basis": "решение суда № 2-15 от 20.11.2026"}
    assert "кончается раньше" in await desk.sent(page, entry | {"last": "2026-11-23"}, 422)
    foreseen = await desk.sent(page, entry, 200)
    assert "Петрова Мария Ивановна ничего не узнаёт об ученике Петров Иван" in foreseen
    assert "По-прежнему узнают об ученике: Петров Олег Ильич" in foreseen
    assert await desk.admin.fetchval("SELECT count(*) FROM consent.restriction") == 0
    await desk.sent(page, entry | {"sure": "yes"})
    held = (await desk.her.open(page)).text
    assert "решение суда № 2-15" in held
    restriction = re.search(r"restriction=([0-9a-f-]{36})", held)
    assert restriction
    assert "сообщить некому" not in held
    lift = f"{FAMILIES}/ivan/restriction/lift?guardian=mother&restriction={restriction[1]}"
    await desk.sent(lift, {"reason": ""}, 422)
    await desk.sent(lift, {"reason": "решение отменено, № 3 от 24.11.2026"})
    assert (await desk.her.open(lift)).status_code == 404
    assert await desk.audited("restriction.lifted") == 1


async def test_leaving_and_taking_it_back(desk: Second) -> None:
    """R-B7."""
    page = f"{FAMILIES}/ivan/leaving"
    entry = {"left_on": "2026-11-24", "kind": "перевод", "order": "№ 41 от 23.11.2026"}
    foreseen = await desk.sent(page, entry, 200)
    assert "после 24 ноября 2026, никому не сообщается" in foreseen
    assert (
        "закроется доступ тех, у кого в школе нет других детей: Петров Олег Ильич, Петрова Мария" in foreseen
    )
    assert await desk.admin.fetchval("SELECT count(*) FROM consent.departure") == 0
    await desk.sent(page, entry | {"sure": "yes"})
    kept = await desk.admin.fetchrow("SELECT left_on, reason FROM consent.departure")
    assert kept is not None
    assert tuple(kept) == (TODAY, "перевод, приказ № 41 от 23.11.2026")
    await desk.sent(f"{FAMILIES}/ivan/staying", {"reason": "ошиблись учеником"})
    assert await desk.admin.fetchval("SELECT count(*) FROM consent.departure") == 0
    assert (await desk.her.open(f"{FAMILIES}/ivan/staying")).status_code == 404


async def test_who_turns_eighteen_and_what_the_new_year_lacks(desk: Second) -> None:
    """R-C8, R-B11."""
    adults = await desk.text("/dispatcher/desk/adults")
    assert "Яшин Лев 11А 10 декабря 2026 в списках нет записи self" in adults
    assert "Петров" not in adults
    await desk.admin.execute(
        """INSERT INTO dispatch.class_since
           VALUES ('a', 'ivan', '7Б', '7', '2026-04-01'), ('a', 'anna', '7Б', '7', '2026-04-01')
           ON CONFLICT (school, pupil) DO UPDATE SET since = excluded.since"""
    )
    year = await desk.text("/dispatcher/desk/rollover")
    assert "Срок — 5 сентября 2026" in year
    assert "7Б исправить ученики в прежнем классе: новых списков ещё нет 2 ученика" in year
    assert "11А исправить нет классного руководителя" in year


async def test_in_english_too(desk: Second) -> None:
    answer = await desk.her.http.get(
        "/dispatcher/desk/undecided?lang=en", headers={**HTML, "Accept-Language": "en"}
    )
    assert "Without a decision: 2\u00a0families" in answer.text
