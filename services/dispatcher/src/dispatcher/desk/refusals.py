"""The register of refusals: reasoned letters, printed again as they were issued (R-C2, 001 5.1.3).

The words of a letter are kept with its number, so a later edition of the table or another name of the
school changes no letter that went out.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from dispatcher.desk.entries import Tie, Wrong
from dispatcher.desk.grounds import BY_KEY, CLOSED_LIST, GROUNDS, Ground
from dispatcher.desk.register import written
from dispatcher.texts.russian import NBSP, capitalised, day
from shared.db import AnyConnection
from shared.staff import Staff
from shared.typesetting.compile import compile_pdf
from shared.typesetting.glyphs import Json, filter_json
from shared.web.language import mark
from shared.web.listing import Asked

SHEETS = Path(__file__).parent / "sheets"
_ENTRY_LONGEST = 300
_DETAILS_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class RefusalEntry:
    """A letter to be issued. `about` says what was asked for; `pupil` and `guardian` are ids where the
    applicant is in the school's lists; `officer` signs."""

    number: str
    issued_on: date
    applicant: str
    about: str
    grounds: tuple[str, ...]
    officer: str
    details: str = ""
    pupil: str | None = None
    guardian: str | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """A line of the register."""

    number: str
    issued_on: date
    applicant: str
    grounds: tuple[Ground, ...]
    officer: str
    pupil: str | None


def check_refusal(entry: RefusalEntry, *, today: date) -> list[Wrong]:
    """What keeps a refusal from being issued. Pure."""
    found = []
    if entry.issued_on > today:
        found.append(Wrong("issued_on", mark("Дата письма ещё не наступила.")))
    for field, value, why in (
        ("number", entry.number, mark("Укажите номер письма.")),
        ("applicant", entry.applicant, mark("Укажите, кому адресовано письмо.")),
        ("about", entry.about, mark("Укажите, о чём просил заявитель.")),
        ("officer", entry.officer, mark("Укажите должность и фамилию того, кто подписывает письмо.")),
    ):
        if not value.strip():
            found.append(Wrong(field, why))
        elif len(value) > _ENTRY_LONGEST or not value.isprintable():
            found.append(Wrong(field, mark("Слишком длинно или есть невидимые знаки: исправьте.")))
    if len(entry.details) > _DETAILS_LONGEST:
        found.append(Wrong("details", mark("Слишком длинно: сократите.")))
    if not entry.grounds:
        found.append(Wrong("grounds", mark("Отметьте хотя бы одно основание: без него отказать нельзя.")))
    elif set(entry.grounds) - set(BY_KEY):
        found.append(Wrong("grounds", mark("Такого основания в закрытом перечне нет.")))
    return found


def letter_of(entry: RefusalEntry, *, school: str) -> dict[str, Json]:
    """The words of the letter, in the order of the table of grounds. Pure."""
    grounds = [ground for ground in GROUNDS if ground.key in entry.grounds]
    lost: Counter[str] = Counter()
    tree: dict[str, Json] = {
        "school": school,
        "number": entry.number,
        "date": f"{day(entry.issued_on)}{NBSP}{entry.issued_on.year}{NBSP}г.",
        "issued": [entry.issued_on.year, entry.issued_on.month, entry.issued_on.day],
        "applicant": entry.applicant,
        "about": entry.about.rstrip(". "),
        "reasons": [
            {"said": capitalised(ground.said), "clause": f"{ground.clause}, {ground.source}"}
            for ground in grounds
        ],
        "details": entry.details,
        "bring": [capitalised(said) for said in dict.fromkeys(ground.bring for ground in grounds)],
        "closed_list": CLOSED_LIST,
        "officer": entry.officer,
    }
    safe = filter_json(tree, lost)
    assert isinstance(safe, dict)
    return safe


def letter_pdf(letter: dict[str, Json], issued_on: date) -> bytes:
    """Blocking, half a second; byte-identical for an equal letter. Raises CompileFailed."""
    at = datetime.combine(issued_on, time(12), UTC)
    return compile_pdf(SHEETS, "refusal.typ", letter, created_at=at).pdf


async def issue(
    connection: AnyConnection, school: str, entry: RefusalEntry, *, who: Staff, today: date
) -> None:
    """Inside the caller's transaction: a line of the register. Raises Wrong and changes nothing."""
    for wrong in check_refusal(entry, today=today):
        raise wrong
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"desk refusal {school}"
    )
    name: str = await connection.fetchval("SELECT name FROM roster.school WHERE school = $1", school)
    kept = await connection.fetchval(
        """INSERT INTO consent.refusal (school, number, issued_on, applicant, about, guardian, pupil, ground,
               details, officer, registered_by, letter)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING
           RETURNING true""",
        *(school, entry.number, entry.issued_on, entry.applicant, entry.about, entry.guardian, entry.pupil),
        *(" ".join(entry.grounds), entry.details, entry.officer, who.key, letter_of(entry, school=name)),
    )
    if not kept:
        raise Wrong("number", mark("Этот номер уже занят другим письмом. Предложенный номер свободен."))
    tie = Tie(school, entry.pupil or "", entry.guardian or "")
    facts = {"number": entry.number, "grounds": " ".join(entry.grounds)}
    await written(connection, tie, who, "refusal.issued", **facts)


async def issued(connection: AnyConnection, school: str, asked: Asked) -> list[Issued]:
    """The register, newest first; `asked.text` is looked for in numbers alone, for it
    stands in the address."""
    rows = await connection.fetch(
        """SELECT number, issued_on, applicant, ground, officer, pupil FROM consent.refusal
           WHERE school = $1 AND ($2 = '' OR number ILIKE $3)
           ORDER BY issued_on DESC, registered_at DESC, number LIMIT $4 OFFSET $5""",
        *(school, asked.text, asked.pattern, asked.limit, asked.offset),
    )
    return [
        Issued(
            row["number"],
            row["issued_on"],
            row["applicant"],
            tuple(BY_KEY[key] for key in row["ground"].split() if key in BY_KEY),
            row["officer"],
            row["pupil"],
        )
        for row in rows
    ]


async def read_letter(
    connection: AnyConnection, school: str, number: str
) -> tuple[dict[str, Any], date] | None:
    """The words of a letter and its date; None when the school issued none of this number, or its words
    were destroyed (R-B8)."""
    row = await connection.fetchrow(
        """SELECT letter, issued_on FROM consent.refusal
           WHERE school = $1 AND number = $2 AND letter <> '{}'""",
        *(school, number),
    )
    return (row["letter"], row["issued_on"]) if row is not None and row["letter"] else None
