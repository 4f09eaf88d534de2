"""OneRoster 1.2 for the roster part (DESIGN §4): what is taken, what is refused and by which line."""

from collections.abc import Callable
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from support.lists import APPLICATIONS, CONSENTS, SCHOOLS, Registry, reasons
from support.oneroster import SCHOOL, export, place, role, room, user

Export = dict[str, list[dict[str, str]]]


@pytest.fixture
def whole() -> Export:
    return deepcopy(SCHOOL)


async def taken(registry: Registry, rows: Export = SCHOOL, **options: Any) -> Any:
    (registry.folder / "schools.csv").write_text(SCHOOLS, encoding="utf-8")
    export(registry.folder / "roster.zip", rows, **options)
    return await registry.read(registry.folder)


async def test_a_whole_export_arrives(registry: Registry) -> None:
    """§4: homerooms, pupils, their parents and addresses; an address in OneRoster is confirmed by nobody."""
    report = await taken(registry)
    assert reasons(report) == []
    classes = await registry.ingest.fetch("SELECT * FROM roster.class ORDER BY class")
    assert [(one["class"], one["grade"], one["teachers"], one["unmarked"]) for one in classes] == [
        ("1Б", "1", [], True),
        ("5А", "5", ["orlova", "petrov"], False),
    ]
    pupils = await registry.ingest.fetch("SELECT * FROM roster.pupil ORDER BY pupil")
    assert [(one["pupil"], one["class"], one["family_name"], one["patronymic"]) for one in pupils] == [
        ("p-1", "5А", "Соколов", "Петрович"),
        ("p-2", "1Б", "Соколова", ""),
    ]
    assert pupils[0]["birth_date"] == date(2015, 3, 4)
    ties = await registry.ingest.fetch(
        "SELECT pupil, guardian, relation FROM roster.guardianship ORDER BY 1, 2"
    )
    assert list(map(tuple, ties)) == [
        ("p-1", "g-1", "mother"),
        ("p-1", "g-2", "father"),
        ("p-2", "g-1", "mother"),
    ]
    contacts = await registry.ingest.fetch("SELECT * FROM consent.contact ORDER BY guardian, channel")
    assert [(one["guardian"], one["address"], one["confirmed_at"]) for one in contacts] == [
        ("g-1", "Olga@mail.ru", None),
        ("g-1", "+79001234567", None),
        ("g-2", "petr@mail.ru", None),
    ]
    assert await registry.one("SELECT * FROM people.account") is None
    assert report.files["users.csv → ученики"].changed == 2
    assert not [note for note in report.notes if "нет столбцов" in note]


async def test_a_second_import_changes_nothing(registry: Registry) -> None:
    await taken(registry)
    before, epochs = await registry.everything(), await registry.epochs()
    report = await taken(registry)
    assert sum(count.changed for count in report.files.values()) == 0
    assert await registry.everything() == before
    assert await registry.epochs() == epochs


async def test_files_beside_the_archive_complete_it(registry: Registry) -> None:
    """§4: papers come as CSV in the same folder, and a part that has a file of its own is taken from it."""
    (registry.folder / "consents.csv").write_text(CONSENTS, encoding="utf-8")
    (registry.folder / "applications.csv").write_text(APPLICATIONS, encoding="utf-8")
    contacts = "school,guardian,channel,address,confirmed_at\nilinskaya,g-1,email,olga@ya.ru,2026-09-02\n"
    (registry.folder / "contacts.csv").write_text(contacts, encoding="utf-8")
    report = await taken(registry)
    assert reasons(report) == []
    assert (await registry.one("SELECT count(*) AS n FROM consent.sheet"))["n"] == 1
    assert [row["address"] for row in await registry.ingest.fetch("SELECT address FROM consent.contact")] == [
        "olga@ya.ru"
    ]


async def test_the_zip_alone(registry: Registry, tmp_path: Path, whole: Export) -> None:
    """`registry import ZIP`: a school nobody has named is refused once, its people are passed over."""
    path = export(tmp_path / "roster.zip", whole)
    report = await registry.read(path)
    assert [str(one) for one in report.refusals] == [
        (
            "orgs.csv, строка 3: школы ilinskaya в Вестнике нет, её классы и люди пропущены: добавьте её в "
            "schools.csv рядом с архивом (school, name, timezone) и повторите"
        )
    ]
    await registry.load({"schools.csv": SCHOOLS})
    assert reasons(await registry.read(path)) == []
    assert (await registry.one("SELECT count(*) AS n FROM roster.pupil"))["n"] == 2


def _double(rows: Export) -> None:
    rows["users"].append(user("p-1", "Иной", "Ян"))


def _classless(rows: Export) -> None:
    rows["users"].append(user("p-3", "Ли", "Ян"))
    rows["roles"].append(role("r-9", "p-3", "student"))
    rows["enrollments"].append(place("e-9", "p-3", "c-math"))


def _grandmother(rows: Export) -> None:
    rows["users"].append(user("g-3", "Ким", "Вера", email="vera@mail.ru"))
    rows["roles"].append(role("r-9", "g-3", "relative"))
    rows["users"][1]["agentSourcedIds"] = "g-1,g-3"


def _former(rows: Export) -> None:
    rows["roles"][3]["endDate"] = "2026-10-01"


def _foreigner(rows: Export) -> None:
    rows["users"][3]["middleName"] = ""


def _stray(rows: Export) -> None:
    rows["enrollments"].append(place("e-9", "p-7", "c-5a"))


def _phone(rows: Export) -> None:
    rows["users"][2]["sms"] = "12345"


def _nameless(rows: Export) -> None:
    rows["users"][1] |= {"familyName": "", "givenName": "\u200b"}


def _year(rows: Export) -> None:
    rows["enrollments"][1]["endDate"] = "31/05/2027"


def _two_fives(rows: Export) -> None:
    rows["classes"].append(room("c-5a-2", "5А", "06"))


def _gradeless(rows: Export) -> None:
    rows["classes"].append(room("c-x", "Подготовка", ""))


SLIPS: list[tuple[Callable[[Export], None], list[tuple[str, int, str]], int]] = [
    (_double, [("users.csv", 8, "sourcedId «p-1» в этом файле уже был")], 2),
    (_classless, [("users.csv → ученики", 8, "у ученика нет класса")], 2),
    (_grandmother, [("users.csv → кто чей", 3, "g-3 назван в agentSourcedIds")], 2),
    (_former, [("users.csv → кто чей", 2, "нет действующей роли parent или guardian")], 2),
    (_foreigner, [("users.csv → кто чей", 2, "по отчеству не понять")], 2),
    (_stray, [("enrollments.csv", 8, "p-7 записан в класс")], 2),
    (_phone, [("users.csv → адреса", 4, "«12345» не номер телефона")], 2),
    (
        _nameless,
        [
            ("users.csv → ученики", 3, "не заполнены ни familyName, ни givenName"),
            ("users.csv → кто чей", 3, "ученика p-2 в школе ilinskaya нет: добавьте его в users.csv"),
        ],
        1,
    ),
    (
        _year,
        [
            ("enrollments.csv", 3, "в столбце endDate значение «31/05/2027»"),
            ("users.csv → ученики", 2, "у ученика нет класса"),
            ("users.csv → кто чей", 2, "ученика p-1"),
            ("users.csv → кто чей", 2, "ученика p-1"),
        ],
        1,
    ),
    (_two_fives, [("classes.csv → классы", 6, "о том же сказано иначе в строке 2")], 2),
    (_gradeless, [("classes.csv → классы", 6, "не заполнен столбец grades")], 2),
]


@pytest.mark.parametrize(("spoil", "told", "pupils"), SLIPS, ids=[slip[0].__name__ for slip in SLIPS])
async def test_a_slip_costs_itself(
    registry: Registry,
    whole: Export,
    spoil: Callable[[Export], None],
    told: list[tuple[str, int, str]],
    pupils: int,
) -> None:
    """§4: refused by file, line and reason, in the words of the export; the rest is in."""
    spoil(whole)
    report = await taken(registry, whole)
    assert [(one.file, one.line) for one in report.refusals] == [(file, line) for file, line, _ in told]
    for refusal, (_, _, says) in zip(report.refusals, told, strict=True):
        assert says in refusal.reason
    assert (await registry.one("SELECT count(*) AS n FROM roster.pupil"))["n"] == pupils


async def test_what_vestnik_knows_of_a_tie_stands(registry: Registry, whole: Export) -> None:
    """OneRoster has no mother and no father: what the school said once is not undone by a guess."""
    _foreigner(whole)
    await taken(registry)
    await registry.ingest.execute(
        "UPDATE roster.guardianship SET relation = 'trustee' WHERE guardian = 'g-2'"
    )
    assert reasons(await taken(registry, whole)) == []
    tie = await registry.one("SELECT relation FROM roster.guardianship WHERE guardian = 'g-2'")
    assert tie["relation"] == "trustee"


async def test_changes_only(registry: Registry) -> None:
    """delta: a row without its role or its class rests on what is known; what is to be deleted is told by
    line, and nothing is deleted."""
    await taken(registry)
    before = (await registry.everything())["roster.guardianship"]
    stamp = {"status": "active", "dateLastModified": "2026-11-20T00:00:00.000Z"}
    gone = {**stamp, "status": "tobedeleted"}
    delta: Export = {
        "classes": SCHOOL["classes"],
        "courses": SCHOOL["courses"],
        "users": [
            {**user("p-1", "Соколов", "Илья", "Петрович", agentSourcedIds="g-1,g-2"), **stamp},
            {**user("g-1", "Новикова", "Ольга", "Ивановна"), **stamp},
            {**user("p-2", "", ""), **gone},
            {**user("nobody", "", ""), **gone},
            user("t-1", "Орлова", "Мария"),
            {**user("t-9", "Новая", "Мария", username="novaya"), **stamp},
        ],
        "roles": [{**role("r-4", "g-2", "parent"), **gone}],
        "enrollments": [
            {**place("e-1", "p-1", "c-5a"), **gone},
            {**place("e-8", "p-1", "c-1b"), **stamp},
            {**place("e-7", "t-9", "c-5a", "teacher"), **stamp},
        ],
    }
    modes = dict.fromkeys(("users", "roles", "enrollments"), "delta")
    report = await taken(registry, delta, modes=modes)
    assert [(one.file, one.line) for one in report.refusals] == [("users.csv", 6), ("users.csv → ученики", 4)]
    assert "status" in report.refusals[0].reason
    assert "оформите выбытие" in report.refusals[1].reason
    assert any(
        note.startswith("users.csv: помечено к удалению (tobedeleted) строк: 2, первая 4")
        for note in report.notes
    )
    pupil = await registry.one("SELECT class, given_name FROM roster.pupil WHERE pupil = 'p-1'")
    assert pupil == {"class": "1Б", "given_name": "Илья"}
    guardian = await registry.one("SELECT family_name FROM roster.guardian WHERE guardian = 'g-1'")
    assert guardian == {"family_name": "Новикова"}
    assert (await registry.one("SELECT count(*) AS n FROM roster.pupil"))["n"] == 2
    fifth = await registry.one("SELECT teachers FROM roster.class WHERE class = '5А'")
    assert fifth["teachers"] == ["orlova", "petrov"]
    assert (await registry.everything())["roster.guardianship"] == before
