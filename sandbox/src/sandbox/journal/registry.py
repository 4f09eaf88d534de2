"""The registry folder of a school, as its secretary would export it (DESIGN §4)."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from sandbox.journal.names import for_1251, latin
from sandbox.journal.school import Guardian, Pupil, School

Row = tuple[str, ...]

COLUMNS: dict[str, str] = {
    "schools": "school,name,timezone",
    "calendar": "school,from,to,kind,name",
    "classes": "school,class,grade,teachers,days,shift,unmarked",
    "pupils": "school,pupil,class,family_name,given_name,patronymic,birth_date,"
    "enrolled_on,left_on,left_reason",
    "guardians": "school,guardian,family_name,given_name,patronymic,language",
    "guardianships": "school,pupil,guardian,relation,restricted_from,restricted_until",
    "contacts": "school,guardian,channel,address,confirmed_at",
    "consents": "school,pupil,guardian,number,signed_on,items,valid_until,withdrawn_on",
    "applications": "school,pupil,guardian,number,signed_on,form,scope",
    "preferences": "school,guardian,category,channel,mode",
    "accounts": "school,login,role,name,email",
}
CALENDAR = (
    ("2026-09-01", "2026-10-23", "term", "1-я четверть"),
    ("2026-10-24", "2026-11-01", "holiday", "Осенние каникулы"),
    ("2026-11-02", "2026-12-29", "term", "2-я четверть"),
    ("2026-11-04", "2026-11-04", "day_off", "День народного единства"),
    ("2026-12-30", "2027-01-10", "holiday", "Зимние каникулы"),
    ("2027-01-11", "2027-03-26", "term", "3-я четверть"),
    ("2027-02-23", "2027-02-23", "day_off", "День защитника Отечества"),
    ("2027-03-27", "2027-04-04", "holiday", "Весенние каникулы"),
    ("2027-04-05", "2027-05-26", "term", "4-я четверть"),
)
SIGNED_ON, CONFIRMED_AT = "2026-09-02", "2026-09-04T12:00:00+03:00"


def rows(school: School) -> dict[str, list[Row]]:
    """Every file's rows without the header, values as text."""
    ties = list(_ties(school))
    guardians = [(guardian, family) for family in school.families for guardian in family.guardians]
    return {
        "schools": [(school.id, school.name, school.timezone)],
        "calendar": [(school.id, *row) for row in CALENDAR],
        "classes": [
            (school.id, group.name, str(group.grade), group.login, str(group.days), "1", "")
            for group in school.classes
        ],
        "pupils": [_pupil(school, pupil) for pupil in school.pupils],
        "guardians": [
            (school.id, one.id, one.name.family, one.name.given, one.name.patronymic, "ru")
            for one, _ in guardians
        ],
        "guardianships": [
            (
                school.id,
                pupil.id,
                guardian.id,
                guardian.place.relation,
                "2026-02-01" if guardian.place.restricted else "",
                "",
            )
            for guardian, pupil, _ in ties
        ],
        "contacts": [
            (school.id, one.id, channel, address, "" if one.place.unconfirmed else CONFIRMED_AT)
            for one, _ in guardians
            for channel, address in one.addresses.items()
        ],
        "consents": [_consent(school, *tie) for tie in ties if tie[0].place.items is not None],
        "applications": [
            (school.id, pupil.id, one.id, f"З-{number}", SIGNED_ON, one.place.form or "", "")
            for one, pupil, number in ties
            if one.place.form is not None
        ],
        "preferences": [
            (school.id, one.id, *preference) for one, _ in guardians for preference in one.place.preferences
        ],
        "accounts": list(_accounts(school)),
    }


def write_registry(
    folder: Path, school: School, *, encoding: str = "utf-8", delimiter: str = ","
) -> list[Path]:
    """Writes every file of the registry folder. windows-1251 has no Tatar letters: they are transcribed."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, lines in rows(school).items():
        path = folder / f"{name}.csv"
        with path.open("w", encoding=encoding, newline="") as file:
            writer = csv.writer(file, delimiter=delimiter)
            for line in [tuple(COLUMNS[name].split(",")), *lines]:
                writer.writerow([for_1251(cell) for cell in line] if encoding != "utf-8" else line)
        written.append(path)
    return written


def _ties(school: School) -> Iterator[tuple[Guardian, Pupil, int]]:
    """Who stands for whom, with the number its papers bear."""
    number = 0
    for family in school.families:
        for pupil in family.pupils:
            for guardian in family.guardians:
                number += 1
                yield guardian, pupil, number


def _pupil(school: School, pupil: Pupil) -> Row:
    left_on = pupil.left_on.isoformat() if pupil.left_on else ""
    return (
        school.id,
        pupil.id,
        pupil.group.name,
        pupil.name.family,
        pupil.name.given,
        pupil.name.patronymic,
        pupil.birth_date.isoformat(),
        pupil.enrolled_on.isoformat(),
        left_on,
        "перевод в другую школу" if left_on else "",
    )


def _consent(school: School, guardian: Guardian, pupil: Pupil, number: int) -> Row:
    place = guardian.place
    signed_on, until = ("2025-09-02", "2026-08-31") if place.expired else (SIGNED_ON, "2027-08-31")
    withdrawn_on = "2026-11-23" if place.withdrawn else ""
    items = place.items or ""
    return (school.id, pupil.id, guardian.id, f"С-{number}", signed_on, items, until, withdrawn_on)


def _accounts(school: School) -> Iterator[Row]:
    staff: Iterable[tuple[str, str, str]] = (
        ("director", "admin", "Светлова Нина Аркадьевна"),
        ("operator", "operator", "Дозоров Кирилл Львович"),
        ("it", "it", "Проводов Семён Ильич"),
        ("secretary", "secretary", "Журавлёва Тамара Юрьевна"),
        *(
            (group.login, "teacher", f"{t.family} {t.given} {t.patronymic}".strip())
            for group in school.classes
            for t in (group.teacher,)
        ),
    )
    for login, role, name in staff:
        yield (school.id, login, role, name, f"{latin(login)}@ilinskaya.example")
