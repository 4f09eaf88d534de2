"""The school's lists of who is who, from the registry folder into schema `roster` (DESIGN §4).

Upsert only: nothing is deleted, an empty cell leaves what is there, nothing is sent to anyone.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Any
from zoneinfo import available_timezones

import asyncpg

from shared.calendar import DayKind
from shared.cells import Cells, Unfit, in_order
from shared.db import AnyConnection
from shared.erasure import erased_guardians, erased_pupils
from shared.import_report import Report
from shared.lists import Column, Progress, Reference, Table, load, raise_epochs
from shared.sheet import Lists

RELATIONS = ("mother", "father", "adoptive", "guardian", "trustee", "institution", "self")
_ONE_IMPORT = 0x524F_5354  # "ROST": a second import waits for the first

_TEXT = Column()
_EMPTY = Column(insert="coalesce(n.{0}, '')")
_DATE = Column("date")
_ZONES = available_timezones()

_SCHOOL = Reference(
    "roster.school", ("school",), ("school",), "школы {school} нет: добавьте её в schools.csv и повторите"
)


def _school(cells: Cells) -> dict[str, Any]:
    school, zone = cells.id("school"), cells.need("timezone")
    if "/" in school:
        raise Unfit("в столбце school не может быть знака «/»: он разделяет части адреса журнала")
    if zone not in _ZONES:
        raise Unfit(f"часовой пояс «{zone}» неизвестен; пример верного: Europe/Moscow")
    return {"school": school, "name": cells.need("name"), "timezone": zone}


def _calendar(cells: Cells) -> dict[str, Any]:
    first = cells.need_day("from")
    last = cells.day("to") or first
    in_order(first, last, "конец раньше начала")
    return {
        "school": cells.id("school"),
        "from_on": first,
        "to_on": last,
        "kind": cells.choice("kind", tuple(DayKind)),
        "name": cells.text("name"),
    }


def _class(cells: Cells) -> dict[str, Any]:
    grade = cells.id("grade")
    return {
        "school": cells.id("school"),
        "class": cells.id("class"),
        "grade": grade.lstrip("0") or grade,
        "teachers": cells.words("teachers"),
        "days": cells.number("days", (5, 6)),
        "shift": cells.number("shift", (1, 2)),
        "unmarked": cells.yes("unmarked"),
    }


def _names(cells: Cells) -> dict[str, str | None]:
    """Who has no family name (or is an institution) has one name; who has none is a slip."""
    names = {name: cells.text(name) for name in ("family_name", "given_name", "patronymic")}
    if not (names["family_name"] or names["given_name"]):
        raise Unfit("не заполнены ни family_name, ни given_name")
    return names


def _pupil(cells: Cells) -> dict[str, Any]:
    born = cells.past_day("birth_date")
    enrolled, left = cells.day("enrolled_on"), cells.day("left_on")
    in_order(born, enrolled, "зачислен раньше, чем родился")
    in_order(enrolled, left, "выбыл раньше, чем зачислен")
    return {
        "school": cells.id("school"),
        "pupil": cells.id("pupil"),
        "class": cells.id("class"),
        **_names(cells),
        "birth_date": born,
        "enrolled_on": enrolled,
        "left_on": left,
        "left_reason": cells.text("left_reason"),
    }


def _guardian(cells: Cells) -> dict[str, Any]:
    return {
        "school": cells.id("school"),
        "guardian": cells.id("guardian"),
        **_names(cells),
        "language": (cells.text("language") or "").lower() or None,
    }


def _guardianship(cells: Cells) -> dict[str, Any]:
    begins, ends = cells.day("restricted_from"), cells.day("restricted_until")
    in_order(begins, ends, "ограничение кончается раньше, чем начинается")
    return {
        "school": cells.id("school"),
        "pupil": cells.id("pupil"),
        "guardian": cells.id("guardian"),
        "relation": cells.choice("relation", RELATIONS),
        "restricted_from": begins,
        "restricted_until": ends,
    }


Chunk = list[tuple[int, dict[str, Any]]]


async def _nameless_pupils(connection: AnyConnection, chunk: Chunk) -> set[int]:
    """An erased pupil stays a number in a class: the list's names and birthday are left out (R-B8)."""
    return await _nameless(connection, chunk, "pupil", erased_pupils)


async def _nameless_guardians(connection: AnyConnection, chunk: Chunk) -> set[int]:
    return await _nameless(connection, chunk, "guardian", erased_guardians)


async def _nameless(
    connection: AnyConnection,
    chunk: Chunk,
    who: str,
    erased: Callable[[AnyConnection, str, Sequence[str]], Awaitable[set[str]]],
) -> set[int]:
    for school in {row["school"] for _, row in chunk}:
        gone = await erased(connection, school, [row[who] for _, row in chunk if row["school"] == school])
        for _, row in chunk:
            if row["school"] == school and row[who] in gone:
                row.update(dict.fromkeys(_PERSONAL & row.keys()))
    return set()


_PERSONAL = {"family_name", "given_name", "patronymic", "birth_date", "left_reason"}
_PERSON = {"family_name": _EMPTY, "given_name": _EMPTY, "patronymic": _EMPTY}
_PERSON_COLUMNS = ("family_name", "given_name", "patronymic")

TABLES = (
    Table(
        file="schools.csv",
        into="roster.school",
        key=("school",),
        columns={"school": _TEXT, "name": _TEXT, "timezone": _TEXT},
        required=("school", "name", "timezone"),
        optional=(),
        row=_school,
    ),
    Table(
        file="calendar.csv",
        into="roster.calendar",
        key=("school", "from_on", "to_on", "kind"),
        columns={"school": _TEXT, "from_on": _DATE, "to_on": _DATE, "kind": _TEXT, "name": _EMPTY},
        required=("school", "from", "kind"),
        optional=("to", "name"),
        row=_calendar,
        references=(_SCHOOL,),
    ),
    Table(
        file="classes.csv",
        into="roster.class",
        key=("school", "class"),
        columns={
            "school": _TEXT,
            "class": _TEXT,
            "grade": _TEXT,
            "teachers": Column("text[]", insert="coalesce(n.{0}, '{{}}')"),
            "days": Column("smallint", insert="coalesce(n.{0}, 5)"),
            "shift": Column("smallint", insert="coalesce(n.{0}, 1)"),
            # Empty means "yes in grade 1" (R-A10): asked anew when the class has another grade.
            "unmarked": Column(
                "boolean",
                insert="coalesce(n.{0}, n.grade = '1')",
                update="coalesce(n.{0}, CASE WHEN t.grade = n.grade THEN t.{0} ELSE n.grade = '1' END)",
            ),
        },
        required=("school", "class", "grade"),
        optional=("teachers", "days", "shift", "unmarked"),
        row=_class,
        references=(_SCHOOL,),
    ),
    Table(
        file="pupils.csv",
        into="roster.pupil",
        key=("school", "pupil"),
        columns={
            "school": _TEXT,
            "pupil": _TEXT,
            "class": _TEXT,
            **_PERSON,
            "birth_date": _DATE,
            "enrolled_on": _DATE,
            "left_on": _DATE,
            "left_reason": _EMPTY,
        },
        required=("school", "pupil", "class"),
        optional=(*_PERSON_COLUMNS, "birth_date", "enrolled_on", "left_on", "left_reason"),
        row=_pupil,
        screen=_nameless_pupils,
        references=(
            _SCHOOL,
            Reference(
                "roster.class",
                ("school", "class"),
                ("school", "class"),
                "класса {class} в школе {school} нет: добавьте его в classes.csv и повторите",
            ),
        ),
    ),
    Table(
        file="guardians.csv",
        into="roster.guardian",
        key=("school", "guardian"),
        columns={
            "school": _TEXT,
            "guardian": _TEXT,
            **_PERSON,
            "language": Column(insert="coalesce(n.{0}, 'ru')"),
        },
        required=("school", "guardian"),
        optional=(*_PERSON_COLUMNS, "language"),
        row=_guardian,
        screen=_nameless_guardians,
        references=(_SCHOOL,),
    ),
    Table(
        file="guardianships.csv",
        into="roster.guardianship",
        key=("school", "pupil", "guardian"),
        columns={
            "school": _TEXT,
            "pupil": _TEXT,
            "guardian": _TEXT,
            "relation": _TEXT,
            "restricted_from": _DATE,
            "restricted_until": _DATE,
        },
        required=("school", "pupil", "guardian", "relation"),
        optional=("restricted_from", "restricted_until"),
        row=_guardianship,
        references=(
            _SCHOOL,
            Reference(
                "roster.pupil",
                ("school", "pupil"),
                ("school", "pupil"),
                "ученика {pupil} в школе {school} нет: добавьте его в pupils.csv и повторите",
            ),
            Reference(
                "roster.guardian",
                ("school", "guardian"),
                ("school", "guardian"),
                "представителя {guardian} в школе {school} нет: добавьте его в guardians.csv и повторите",
            ),
        ),
    ),
)
"""In the order in which they are loaded: what is referred to comes first."""

FILES = tuple(table.file for table in TABLES)


async def import_lists(
    lists: Lists, pool: asyncpg.Pool, report: Report, progress: Progress, *, today: date
) -> None:
    """Load the roster's parts of `lists` in one transaction, so that nobody decides by half a list.

    `today`: the latest date that can be past. `pool` acts as ingest. What cannot be taken is in `report`;
    the rest is imported.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _ONE_IMPORT)
        touched = set[str]()
        for table in TABLES:
            touched |= await load(connection, lists, table, report, progress, today=today)
        await raise_epochs(connection, "roster", touched)
        await connection.execute(
            "INSERT INTO ingest.audit (actor, action, details) VALUES ('vestnik registry import', $1, $2)",
            "roster.imported",
            {file: {"read": count.read, "changed": count.changed} for file, count in report.files.items()},
        )
