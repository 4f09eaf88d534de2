"""R-B8: a person who withdrew is nowhere in Vestnik any more, and everybody else is where they were.

A small school goes through `vestnik up`: e-mail, SMS and push are sent, one outcome is not known, a mail
comes back, records are set aside and refused, sheets are printed. Then two parents of one child and one of
another withdraw, and everything Vestnik keeps is searched.
"""

import asyncio
import csv
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from support.installations import VESTNIK, Running, listening, own_folder, vestnik
from support.searching import where

from onebox.environment import embedded
from sandbox.faults import BreakAfterAccepting
from sandbox.journal.registry import COLUMNS
from sandbox.world import World

SOURCE = "/schools/ilinskaya/journals/main"
BATCH = "application/cloudevents-batch+json"
FULL = "1.3 4.3 4.6 6.8 6.9 6.10 6.12"
ON_PAPER = "4.3 4.6 6.10"
EVGRAF = {
    "Зябликов", "Евграф", "Зябликова", "Пелагея", "Кондратий",
    "pelageya.zyablik@family.example", "79161112233",
    "Усердие сверх похвал", "Забыл гербарий дважды", "Читать про щегла вслух",
}  # fmt: skip
"""Everything of the child whom nobody's consent covers any more, and of both parents."""
GLAFIRA_FATHER = {"Саврасов", "Модест", "modest.savr@family.example", "79164445566"}
"""A father who withdrew; the mother's sheet covers the child."""
MIRON = {"Турухтанов", "Мирон", "Василиса", "vasilisa@family.example"}
"""Withdrew a week ago: the job finds it when it starts, and nobody gives a command."""
STAYING = {"Глафира", "Аглая", "aglaya@family.example", "Похвально о Глафире", "Лукерья", "Прасковья"}
LISTS: dict[str, list[tuple[str, ...]]] = {
    "schools": [("ilinskaya", "Ильинская школа", "Europe/Moscow")],
    "classes": [("ilinskaya", "6Б", "6", "klass6b", "5", "1", "")],
    "pupils": [
        ("ilinskaya", "p-1", "6Б", "Зябликов", "Евграф", "Кондратьевич", "2014-03-03", "2020-09-01", "", ""),
        ("ilinskaya", "p-2", "6Б", "Дроздова", "Глафира", "", "2014-04-04", "2020-09-01", "", ""),
        ("ilinskaya", "p-3", "6Б", "Синицына", "Лукерья", "", "2014-05-05", "2020-09-01", "", ""),
        ("ilinskaya", "p-4", "6Б", "Турухтанов", "Мирон", "", "2014-06-06", "2020-09-01", "", ""),
    ],
    "guardians": [
        ("ilinskaya", "g-1", "Зябликова", "Пелагея", "Фоминична", "ru"),
        ("ilinskaya", "g-5", "Зябликов", "Кондратий", "Ильич", "ru"),
        ("ilinskaya", "g-2", "Саврасов", "Модест", "Львович", "ru"),
        ("ilinskaya", "g-3", "Дроздова", "Аглая", "Юрьевна", "ru"),
        ("ilinskaya", "g-4", "Синицына", "Прасковья", "Егоровна", "ru"),
        ("ilinskaya", "g-6", "Турухтанова", "Василиса", "Карповна", "ru"),
    ],
    "guardianships": [
        ("ilinskaya", "p-1", "g-1", "mother", "", ""),
        ("ilinskaya", "p-1", "g-5", "father", "", ""),
        ("ilinskaya", "p-2", "g-2", "father", "", ""),
        ("ilinskaya", "p-2", "g-3", "mother", "", ""),
        ("ilinskaya", "p-3", "g-4", "mother", "", ""),
        ("ilinskaya", "p-4", "g-6", "mother", "", ""),
    ],
    "consents": [
        ("ilinskaya", "p-1", "g-1", "С-1", "2026-09-02", FULL, "", ""),
        ("ilinskaya", "p-1", "g-5", "С-2", "2026-09-02", ON_PAPER, "", ""),
        ("ilinskaya", "p-2", "g-2", "С-3", "2026-09-02", FULL, "", ""),
        ("ilinskaya", "p-2", "g-3", "С-4", "2026-09-02", FULL, "", ""),
        ("ilinskaya", "p-3", "g-4", "С-5", "2026-09-02", ON_PAPER, "", ""),
        ("ilinskaya", "p-4", "g-6", "С-6", "2026-09-02", FULL, "", "2026-11-16"),
    ],
    "applications": [
        ("ilinskaya", "p-1", "g-5", "З-2", "2026-09-02", "paper", ""),
        ("ilinskaya", "p-3", "g-4", "З-5", "2026-09-02", "paper", ""),
    ],
    "preferences": [
        ("ilinskaya", "g-1", "attendance", "sms", "immediate"),
        ("ilinskaya", "g-1", "remark", "push", "immediate"),
        ("ilinskaya", "g-2", "attendance", "sms", "immediate"),
        *(("ilinskaya", guardian, "*", "email", "immediate") for guardian in ("g-1", "g-2", "g-3")),
    ],
    "contacts": [
        ("ilinskaya", "g-1", "email", "pelageya.zyablik@family.example", "2026-09-04T12:00:00+03:00"),
        ("ilinskaya", "g-1", "sms", "+79161112233", "2026-09-04T12:00:00+03:00"),
        ("ilinskaya", "g-2", "email", "modest.savr@family.example", "2026-09-04T12:00:00+03:00"),
        ("ilinskaya", "g-2", "sms", "+79164445566", "2026-09-04T12:00:00+03:00"),
        ("ilinskaya", "g-3", "email", "aglaya@family.example", "2026-09-04T12:00:00+03:00"),
        ("ilinskaya", "g-6", "email", "vasilisa@family.example", "2026-09-04T12:00:00+03:00"),
    ],
    "accounts": [
        ("ilinskaya", "klass6b", "teacher", "Пеночкина Нина Павловна", "penochkina@school.example"),
        ("ilinskaya", "operator", "operator", "Дозоров Кирилл", "operator@school.example"),
    ],
}
WITHDRAWN_ON = "2026-11-24"


def write(folder: Path, **changed: list[tuple[str, ...]]) -> None:
    folder.mkdir(exist_ok=True)
    for name, rows in {**LISTS, **changed}.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([tuple(COLUMNS[name].split(",")), *rows])


def withdrawn(*guardians: str) -> list[tuple[str, ...]]:
    return [(*row[:7], WITHDRAWN_ON if row[2] in guardians else row[7]) for row in LISTS["consents"]]


def event(number: str, kind: str, data: Mapping[str, Any], pupil: str | None = "p-1") -> dict[str, Any]:
    said = {
        "specversion": "1.0", "id": number, "source": SOURCE, "type": f"journal.{kind}",
        "time": "2026-11-24T14:05:00+03:00",
        "data": {"entity": f"{kind.split('.', maxsplit=1)[0]}/{number}", "revision": 1, **data},
    }  # fmt: skip
    return said | ({"subject": pupil} if pupil is not None else {})


def mark(number: str, comment: str, pupil: str = "p-1") -> dict[str, Any]:
    lesson = {"date": "2026-11-24", "number": 2, "topic": "Дроби"}
    said = {"course": {"name": "Алгебра"}, "lesson": lesson, "mark": {"value": "5"}, "comment": comment}
    return event(number, "mark.set", said, pupil)


def absence(number: str, pupil: str = "p-1") -> dict[str, Any]:
    lesson = {"date": "2026-11-24", "number": 3}
    return event(
        number,
        "attendance.set",
        {"course": {"name": "Физика"}, "lesson": lesson, "attendance": "absent"},
        pupil,
    )


JOURNEY = [
    mark("m-1", "Усердие сверх похвал"),
    event("r-1", "remark.set", {"author": "Пеночкина", "kind": "remark", "text": "Забыл гербарий дважды"}),
    absence("a-1"),
    event(
        "h-1",
        "homework.set",
        {
            "course": {"name": "Биология"},
            "lesson": {"date": "2026-11-24"},
            "due_on": "2026-11-26",
            "text": "Читать про щегла вслух",
        },
    ),
    mark("m-2", "Похвально о Глафире", "p-2"),
    absence("a-2", "p-2"),
    event(
        "n-1",
        "announcement.posted",
        {"author": "Директор", "title": "Собрание", "text": "Собрание класса", "class": "6Б"},
        None,
    ),
]
REFUSED = event("x-1", "mark.set", {"comment": "Усердие сверх похвал"})
BOUNCE = """From: MAILER-DAEMON@mx.example
To: bounce@school.example
Subject: Undelivered
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64

0JfRj9Cx0LvQuNC60L7QstCwINCf0LXQu9Cw0LPQtdGPOiDRj9GJ0LjQuiDQv9C+0LvQvtC9Cg==
"""

SETTLED = """
SELECT (SELECT count(*) FROM ingest.inbox) = (SELECT count(*) FROM dispatch.change)
   AND (SELECT count(*) FROM dispatch.message WHERE status IN ('accepted', 'delivered')) >= $1
   AND NOT EXISTS (SELECT FROM dispatch.message WHERE status IN ('composed', 'sending', 'unknown'))
   AND NOT EXISTS (SELECT FROM dispatch.sms_attempt WHERE settled_at IS NULL)
   AND (SELECT count(*) FROM paper.ledger) >= $2"""


async def settled(connection: asyncpg.Connection, messages: int, entries: int) -> None:
    async with asyncio.timeout(60):
        while not await connection.fetchval(SETTLED, messages, entries):
            await asyncio.sleep(0.1)


@pytest.fixture
def folder() -> Iterator[Path]:
    with own_folder() as made:
        yield made


@pytest.mark.timeout(600)
async def test_nobody_who_withdrew_is_left_anywhere(folder: Path) -> None:  # noqa: PLR0915 - one journey
    """R-B8 on the bus that keeps its records longest in reach: the outbox of PostgreSQL is its log."""
    data, lists = folder / "data", folder / "lists"
    async with World() as world, embedded(data) as url:
        subscription = json.dumps(world.push.subscribe())
        push = ("ilinskaya", "g-1", "push", subscription, "2026-09-04T12:00:00+03:00")
        contacts = [*LISTS["contacts"], push]
        write(lists, contacts=contacts)
        evgraf = EVGRAF | {json.loads(subscription)["endpoint"], json.loads(subscription)["keys"]["auth"]}
        world.sms.faults.add(BreakAfterAccepting(), times=1)
        settings = {
            **world.settings(),
            "VESTNIK_DATA": str(data),
            "VESTNIK_MAIL_FROM": "Школа <diary@school.example>",
            "VESTNIK_CLOCK_START": "2026-11-24T15:00:00+03:00",
        }

        async def run(*words: str, fails: bool = False) -> str:
            ended = await vestnik(*words, folder=folder, settings=settings)
            assert (ended.code != 0) is fails, ended.out + ended.err
            return ended.out

        await run("migrate")
        await run("registry", "import", str(lists))
        connection = await asyncpg.connect(url)
        assert "roster.pupil" in await where(connection, data, MIRON)
        token = (await run("token", "create", "--school", "ilinskaya", "--journal", "main")).strip()
        settings["VESTNIK_CLOCK_ANCHOR"] = datetime.now(UTC).isoformat()
        async with listening(VESTNIK, "up", folder=folder, settings=settings) as running:
            await running.until(200)
            await _school_day(running, connection, token)
            async with asyncio.timeout(60):
                while not (done := await by_itself(connection)):
                    await asyncio.sleep(0.2)
            assert (done["pupils"], done["guardians"]) == (["p-4"], ["g-6"])
            assert await where(connection, data, MIRON) == {}
            await run("print", "week")
            before = await where(connection, data, evgraf)
            stores = {store.split(".")[0] if "/" not in store else "файлы" for store in before}
            assert stores >= {"roster", "ingest", "consent", "dispatch", "paper", "файлы"}, before
            assert before.keys() >= {
                "ingest.inbox", "ingest.refused", "ingest.outbox", "dispatch.change", "dispatch.sms_attempt",
                "dispatch.dead_letter", "dispatch.returned_mail", "dispatch.suppression", "consent.contact",
                "paper.ledger", "paper.printed", "paper.batch",
            }  # fmt: skip
            others = await where(connection, data, STAYING)

            # In force: nothing is destroyed. Withdrawn: what would go is shown, and nothing goes.
            erase = ("erase", "--school", "ilinskaya", "--now", "--reason", "письменный отзыв", "--guardian")
            await run(*erase, "g-1", "--yes", fails=True)
            write(lists, contacts=contacts, consents=withdrawn("g-1", "g-5", "g-2"))
            await run("registry", "import", str(lists))
            shown = await run(*erase, "g-1", "--dry-run")
            assert "consent.contact" in shown
            assert await where(connection, data, evgraf) == before
            for guardian in ("g-1", "g-5", "g-2"):
                said = await run(*erase, guardian, "--yes")
                assert "Уничтожено" in said

            # Another print gives the others their sheets, and the lists go on naming those who are gone.
            await run("print", "week", "--week", "2026-W48")
            noted = await run("registry", "import", str(lists))
            assert "уничтожены" in noted
            again = await running.http.post(
                "/ingest/v1/changes",
                content=orjson.dumps([mark("m-9", "Усердие сверх похвал")]),
                headers={"Authorization": f"Bearer {token}", "Content-Type": BATCH},
            )
            assert again.status_code == 422, again.text
            assert await where(connection, data, evgraf | GLAFIRA_FATHER) == {}

            # Nobody else lost anything but the father's own SMS about his daughter, and the mother is told.
            after = await where(connection, data, STAYING)
            lost = {
                store: held - after.get(store, set())
                for store, held in others.items()
                if not store.endswith(("outbox", "sms_attempt")) and held - after.get(store, set())
            }
            assert lost == {}
            received = len(world.inbox.to("aglaya@family.example"))
            await _post(running, token, [mark("m-10", "Снова похвально", "p-2")])
            async with asyncio.timeout(30):
                while len(world.inbox.to("aglaya@family.example")) == received:
                    await asyncio.sleep(0.1)
            await run("status")
        acts = sorted((data / "acts" / "ilinskaya").glob("*.json"))
        assert len(acts) == 4
        subjects = {tuple(json.loads(act.read_text())["subjects"]["pupils"]) for act in acts}
        assert subjects == {("p-1",), (), ("p-4",)}
        assert all(act.with_suffix(suffix).exists() for act in acts for suffix in (".pdf", ".csv"))
        kept = await connection.fetch(
            "SELECT withdrawn_on, erased_at IS NOT NULL AS gone FROM consent.sheet ORDER BY number"
        )
        assert [row["gone"] for row in kept] == [True, True, True, False, False, True]
        assert {str(row["withdrawn_on"]) for row in kept if row["gone"]} == {WITHDRAWN_ON, "2026-11-16"}
        await connection.close()


async def by_itself(connection: asyncpg.Connection) -> asyncpg.Record | None:
    """The order that nobody gave, once it is carried out."""
    return await connection.fetchrow(
        "SELECT * FROM consent.erasure WHERE ordered_by = 'vestnik' AND completed_at IS NOT NULL"
    )


async def _post(running: Running, token: str, events: list[dict[str, Any]]) -> None:
    answer = await running.http.post(
        "/ingest/v1/changes",
        content=orjson.dumps(events),
        headers={"Authorization": f"Bearer {token}", "Content-Type": BATCH},
    )
    assert answer.status_code in {202, 422}, answer.text


async def _school_day(running: Running, connection: asyncpg.Connection, token: str) -> None:
    """Everything that leaves something behind."""
    await _post(running, token, [*JOURNEY, REFUSED])
    await settled(connection, 5, len(JOURNEY))
    await connection.execute("ALTER TABLE dispatch.change ADD CONSTRAINT never CHECK (false) NOT VALID")
    await _post(running, token, [mark("d-1", "Усердие сверх похвал")])
    async with asyncio.timeout(30):
        while not await connection.fetchval("SELECT count(*) FROM dispatch.dead_letter"):
            await asyncio.sleep(0.05)
    await connection.execute("ALTER TABLE dispatch.change DROP CONSTRAINT never")
    await connection.execute(
        """INSERT INTO dispatch.returned_mail (id, recipient, content, done_at, verdict)
           VALUES (uuidv7(), 'bounce@school.example', $1, now(), 'dead')""",
        BOUNCE.encode(),
    )
    # The gateway's word about an address that is gone; the family's refusal letter at the desk.
    await connection.execute(
        """INSERT INTO dispatch.suppression (school, channel, address, reason)
           VALUES ('ilinskaya', 'email', 'pelageya.zyablik@family.example', '550 5.1.1')"""
    )
    await connection.execute(
        """INSERT INTO consent.refusal (school, number, issued_on, applicant, about, ground, officer,
               registered_by, letter)
           VALUES ('ilinskaya', '7/2026', '2026-11-20', 'Зябликова Пелагея', 'Зябликов Евграф', 'documents',
                   'Журавлёва', 'ilinskaya/secretary', '{"to": "Зябликовой Пелагее"}')"""
    )
