"""Papers registered at the desk change the very next decision (R-C1, R-C3, R-B7, R-B8, R-D4)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from uuid import uuid4

import asyncpg
import pytest
from support.families import LONG_AGO, NOW, SCHOOL, TODAY

from dispatcher.desk import contacts, find, register, ties, withdrawals
from dispatcher.desk.contacts import Answer
from dispatcher.desk.entries import ApplicationEntry, SheetEntry, Tie, Wrong
from dispatcher.working_days import WorkingDays
from shared.categories import Category, Channel
from shared.consent import Form
from shared.db import open_pool
from shared.registry import Families
from shared.routing import Matter, Reason, Route, Verdict, route
from shared.staff import Role, Staff
from shared.topics import Service

WHO = Staff(SCHOOL, "sedova", Role.SECRETARY, "Седова Н. П.")
TIE = Tie(SCHOOL, "p-1", "g-1")
KEY = b"a key of this test"
ALL = ("1.3", "4.3", "4.6", "6.8", "6.9", "6.10")
MARK = Matter(Category.MARK, individual=True, attestation=False, happened_on=TODAY)


@dataclass
class Desk:
    pool: asyncpg.Pool
    connection: asyncpg.Connection

    async def route(self, today: date = TODAY, matter: Matter = MARK) -> Route:
        """What the next decision would be."""
        families = Families()
        await families.load(self.connection, pupils=[(SCHOOL, "p-1")])
        pupil = families.pupil(SCHOOL, "p-1")
        assert pupil is not None
        usable = frozenset(
            contact.channel for contact in pupil.guardianships[0].guardian.contacts if contact.usable(NOW)
        )
        school_class = families.classes(SCHOOL).get(pupil.class_name)
        (tie,) = pupil.guardianships
        return route(
            matter, pupil=pupil, school_class=school_class, guardianship=tie, usable=usable, today=today
        )

    async def audited(self) -> list[str]:
        rows = await self.connection.fetch("SELECT action FROM dispatch.audit ORDER BY id")
        return [row["action"] for row in rows]


@pytest.fixture
async def desk(database: str) -> AsyncIterator[Desk]:
    owner = await asyncpg.connect(database)
    await owner.execute(
        """INSERT INTO roster.school (school, name, timezone)
           VALUES ('ilinskaya', 'Ильинская СОШ', 'Europe/Moscow'),
                  ('sosednyaya', 'Соседняя', 'Europe/Moscow');
           INSERT INTO roster.class (school, class, grade) VALUES ('ilinskaya', '7Б', '7');
           INSERT INTO roster.pupil (school, pupil, class, family_name, given_name, patronymic)
           VALUES ('ilinskaya', 'p-1', '7Б', 'Ковалёв', 'Артём', 'Игоревич'),
                  ('ilinskaya', 'p-2', '7Б', 'Семёнова', 'Алёна', '');
           INSERT INTO roster.guardian (school, guardian, family_name, given_name, patronymic)
           VALUES ('ilinskaya', 'g-1', 'Ковалёва', 'Ольга', 'Петровна');
           INSERT INTO roster.guardianship (school, pupil, guardian, relation)
           VALUES ('ilinskaya', 'p-1', 'g-1', 'mother');
           INSERT INTO roster.class (school, class, grade) VALUES ('sosednyaya', '7Б', '7');
           INSERT INTO roster.pupil (school, pupil, class, family_name, given_name)
           VALUES ('sosednyaya', 'p-9', '7Б', 'Ковалёв', 'Борис')"""
    )
    await owner.close()
    pool = await open_pool(database, Service.DISPATCHER, largest=3)
    async with pool.acquire() as connection:
        yield Desk(pool, connection)
    await pool.close()


async def with_email(desk: Desk) -> str:
    address = await contacts.add(desk.connection, SCHOOL, "g-1", Channel.EMAIL, " Olga@MAIL.ru ", who=WHO)
    entry = ApplicationEntry("7/2026", date(2026, 11, 20), Form.ELECTRONIC)
    await register.register_application(desk.connection, TIE, entry, who=WHO, today=TODAY)
    await contacts.confirm_by_application(
        desk.connection, SCHOOL, "g-1", Channel.EMAIL, address, number="7/2026", who=WHO
    )
    await desk.connection.execute("UPDATE consent.contact SET confirmed_at = $1", LONG_AGO)
    return address


async def register_sheet(
    desk: Desk, number: str, signed_on: date, items: tuple[str, ...], **more: bool
) -> None:
    entry = SheetEntry(number, signed_on, items, **more)
    await register.register_sheet(desk.connection, TIE, entry, form={}, who=WHO, today=TODAY)


async def test_application_sheet_and_contact_open_the_way(desk: Desk) -> None:
    """R-C1, R-C3, R-C6: nothing before the sheet, e-mail after it, and all of it is in the audit."""
    assert (await desk.route()).reason is Reason.NO_CONSENT
    await with_email(desk)
    await register_sheet(desk, "С-1/2026", date(2026, 11, 20), ALL)
    now = await desk.route()
    assert (now.verdict, now.channel, now.sheet) == (Verdict.TELL, Channel.EMAIL, "С-1/2026")
    assert set(await desk.audited()) == {
        *("contact.added", "application.registered", "contact.confirmed", "sheet.registered")
    }


async def test_a_later_sheet_replaces_and_a_refusal_closes(desk: Desk) -> None:
    """R-C3: a refusal is a sheet of its own, and the earlier ones are kept."""
    await with_email(desk)
    await register_sheet(desk, "С-1/2026", date(2026, 9, 1), ALL)
    await register_sheet(desk, "С-2/2026", date(2026, 11, 23), (), refused=True)
    assert (await desk.route()).reason is Reason.NO_CONSENT
    assert await desk.connection.fetchval("SELECT count(*) FROM consent.sheet") == 2
    assert await register.propose_number(desk.connection, "sheet", SCHOOL, year=2026) == "С-3/2026"


async def test_a_number_is_given_once_in_a_school(desk: Desk) -> None:
    await register_sheet(desk, "С-1/2026", date(2026, 9, 1), ALL)
    with pytest.raises(Wrong) as wrong:
        await register_sheet(desk, "С-1/2026", date(2026, 9, 2), ALL)
    assert wrong.value.field == "number"


async def test_who_is_no_guardian_cannot_sign(desk: Desk) -> None:
    """R-C2: a stranger's paper is refused before anything is written."""
    entry = SheetEntry("С-9", date(2026, 9, 1), ALL)
    with pytest.raises(Wrong, match="не записан законным представителем"):
        await register.register_sheet(
            desk.connection, Tie(SCHOOL, "p-2", "g-1"), entry, form={}, who=WHO, today=TODAY
        )
    assert await desk.audited() == []


async def test_another_schools_form_means_the_same_items(desk: Desk) -> None:
    """R-C4: the profile maps a school's own items; what was signed is kept as signed."""
    form = {"А": ("1.3",), "Б": ("4.3", "4.6"), "В": ("6.9",)}
    await with_email(desk)
    entry = SheetEntry("С-1", date(2026, 9, 1), ("А", "Б", "В"))
    await register.register_sheet(desk.connection, TIE, entry, form=form, who=WHO, today=TODAY)
    assert (await desk.route()).channel is Channel.EMAIL
    row = await desk.connection.fetchrow("SELECT items, signed_items FROM consent.sheet")
    assert row is not None
    assert (row["items"], row["signed_items"]) == (["1.3", "4.3", "4.6", "6.9"], ["А", "Б", "В"])
    with pytest.raises(Wrong, match=r"нет пунктов: 4\.3"):
        await register.register_sheet(
            desk.connection, TIE, SheetEntry("С-2", TODAY, ("4.3",)), form=form, who=WHO, today=TODAY
        )


async def test_a_withdrawal_stops_at_once_and_runs_ten_working_days(desk: Desk) -> None:
    """R-B8: withdrawn today is silent today; the clock follows the Russian working calendar; asking
    again changes neither."""
    await with_email(desk)
    await register_sheet(desk, "С-1/2026", date(2026, 9, 1), ALL)
    days = WorkingDays()

    async def withdraw(received_on: date) -> date:
        return await withdrawals.withdraw(
            desk.connection, TIE, received_on=received_on, today=TODAY, days=days, who=WHO
        )

    assert await withdraw(TODAY) == date(2026, 12, 8)
    silent = await desk.route()
    assert (silent.reason, silent.missing) == (Reason.NO_CONSENT, ("withdrawn",))
    with pytest.raises(Wrong, match="отзывать нечего"):
        await withdraw(TODAY)
    (clock,) = await withdrawals.pending(desk.connection, school=SCHOOL, today=TODAY, days=days)
    assert (clock.number, clock.destroy_by, clock.left, clock.late) == (
        *("С-1/2026", date(2026, 12, 8), 10, False),
    )
    late = await withdrawals.pending(desk.connection, school=None, today=date(2026, 12, 9), days=days)
    assert [(one.left, one.late) for one in late] == [(0, True)]


async def test_restricted_from_the_desk_and_lifted(desk: Desk) -> None:
    """R-D4: both ends included; lifting needs a reason and happens once."""
    await with_email(desk)
    await register_sheet(desk, "С-1/2026", date(2026, 9, 1), ALL)
    made = await ties.restrict(
        desk.connection, TIE, first=TODAY, last=date(2026, 12, 1), basis="Решение суда 2-145/2026", who=WHO
    )
    assert (await desk.route()).reason is Reason.RIGHTS
    assert (await desk.route(date(2026, 12, 1))).reason is Reason.RIGHTS
    assert (await desk.route(date(2026, 12, 2))).verdict is Verdict.TELL
    assert await ties.lift(desk.connection, SCHOOL, made, reason="Отменено", who=WHO)
    assert not await ties.lift(desk.connection, SCHOOL, made, reason="Отменено", who=WHO)
    assert not await ties.lift(desk.connection, "sosednyaya", uuid4(), reason="", who=WHO)
    assert (await desk.route()).verdict is Verdict.TELL


async def test_who_left_is_told_nothing_later(desk: Desk) -> None:
    """R-B7: what happened after the day of leaving; taken back when it was a mistake."""
    await with_email(desk)
    await register_sheet(desk, "С-1/2026", date(2026, 9, 1), ALL)
    await ties.depart(desk.connection, SCHOOL, "p-1", left_on=date(2026, 11, 23), reason="Перевод", who=WHO)
    assert (await desk.route()).reason is Reason.RIGHTS
    yesterday = Matter(Category.MARK, individual=True, attestation=False, happened_on=date(2026, 11, 23))
    assert (await desk.route(matter=yesterday)).verdict is Verdict.TELL
    assert await ties.stay(desk.connection, SCHOOL, "p-1", reason="Ошибка", who=WHO)
    assert (await desk.route()).verdict is Verdict.TELL


async def test_lost_access_means_paper_in_one_step(desk: Desk) -> None:
    """R-C10."""
    await with_email(desk)
    await register_sheet(desk, "С-1/2026", date(2026, 9, 1), ALL)
    await ties.to_paper(desk.connection, SCHOOL, "g-1", reason="Телефон утерян", who=WHO)
    assert (await desk.route()).verdict is Verdict.PAPER


async def test_a_code_confirms_within_its_tries(desk: Desk) -> None:
    """R-C6: five tries, one use; a wrong code is counted also when it is right later."""
    phone = await contacts.add(desk.connection, SCHOOL, "g-1", Channel.SMS, "8 (916) 123-45-67", who=WHO)
    assert phone == "+79161234567"

    async def ask() -> contacts.Code:
        return await contacts.ask_code(desk.connection, SCHOOL, "g-1", Channel.SMS, phone, key=KEY, who=WHO)

    async def answer(digits: str) -> Answer:
        return await contacts.answer_code(
            desk.connection, SCHOOL, "g-1", Channel.SMS, phone, digits, key=KEY, who=WHO
        )

    first = await ask()
    wrong = "000000" if first.digits != "000000" else "111111"
    assert [await answer(wrong) for _ in range(5)] == [Answer.WRONG] * 5
    assert await answer(first.digits) is Answer.OVER
    second = await ask()
    assert await answer(first.digits if first.digits != second.digits else wrong) is Answer.WRONG
    assert await answer(f" {second.digits} ") is Answer.CONFIRMED
    assert await answer(second.digits) is Answer.OVER
    await ask()
    with pytest.raises(Wrong, match="через час"):
        await ask()
    row = await desk.connection.fetchrow("SELECT confirmed_at, confirmed_how FROM consent.contact")
    assert row is not None
    assert row["confirmed_how"] == "code"


async def test_a_code_dies_after_ten_minutes(desk: Desk) -> None:
    phone = await contacts.add(desk.connection, SCHOOL, "g-1", Channel.SMS, "+79161234567", who=WHO)
    code = await contacts.ask_code(desk.connection, SCHOOL, "g-1", Channel.SMS, phone, key=KEY, who=WHO)
    lives = await desk.connection.fetchval("SELECT expires_at - asked_at FROM dispatch.contact_code")
    assert 599 < lives.total_seconds() <= 600.5
    await desk.connection.execute("UPDATE dispatch.contact_code SET expires_at = now() - interval '1 s'")
    assert (
        await contacts.answer_code(
            desk.connection, SCHOOL, "g-1", Channel.SMS, phone, code.digits, key=KEY, who=WHO
        )
        is Answer.OVER
    )


@pytest.mark.parametrize(
    ("channel", "value", "why"),
    [
        (Channel.SMS, "8 (495) 561-44-88", "мобильный"),
        (Channel.SMS, "12", "не номер телефона"),
        (Channel.EMAIL, "olga@", "не адрес электронной почты"),
    ],
)
async def test_what_cannot_be_an_address_is_said(desk: Desk, channel: Channel, value: str, why: str) -> None:
    with pytest.raises(Wrong, match=why) as wrong:
        await contacts.add(desk.connection, SCHOOL, "g-1", channel, value, who=WHO)
    assert wrong.value.field == "address"


async def test_not_my_child_stops_the_address_only(desk: Desk) -> None:
    """R-C6: and a confirmation by the family brings it back."""
    address = await with_email(desk)
    await register_sheet(desk, "С-1/2026", date(2026, 9, 1), ALL)
    assert await contacts.dispute(desk.connection, SCHOOL, "g-1", address)
    assert not await contacts.dispute(desk.connection, SCHOOL, "g-1", address)
    assert (await desk.route()).verdict is Verdict.PAPER
    await contacts.confirm_by_application(
        desk.connection, SCHOOL, "g-1", Channel.EMAIL, address, number="7/2026", who=WHO
    )
    await desk.connection.execute("UPDATE consent.contact SET confirmed_at = $1", LONG_AGO)
    assert (await desk.route()).verdict is Verdict.TELL


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("ковалев артем", ["p-1"]),
        ("Артём КОВАЛЁВ", ["p-1"]),
        ("ольга ковалева", ["p-1"]),  # by the mother
        ("семен", ["p-2"]),
        ("7Б", ["p-1", "p-2"]),
        ("4567", ["p-1"]),  # the end of a phone
        ("вал", []),  # the middle of a name
        ("100%", []),
        ("", []),
    ],
)
async def test_a_family_is_found_as_people_say_it(desk: Desk, asked: str, found: list[str]) -> None:
    """R-D1: and never one of another school."""
    await contacts.add(desk.connection, SCHOOL, "g-1", Channel.SMS, "+79161234567", who=WHO)
    assert [one.pupil for one in await find.find(desk.connection, SCHOOL, asked)] == found


async def test_found_with_their_guardians(desk: Desk) -> None:
    (one,) = await find.find(desk.connection, SCHOOL, "ковалёв а")
    assert (one.name, one.class_name) == ("Ковалёв Артём Игоревич", "7Б")
    assert [(g.guardian, g.name, g.relation) for g in one.guardians] == [
        ("g-1", "Ковалёва Ольга Петровна", "mother")
    ]
