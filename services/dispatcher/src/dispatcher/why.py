"""Why did this family get this, or not get it: the decision, the papers it relied on, and what became of
it, read from what was stored at the time (R-C3, R-C4, R-F2).

Nothing is decided anew here: what the papers say today may differ, and both are shown.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg

from dispatcher.messages import Status
from shared.categories import Category, Channel, Mode
from shared.db import AnyConnection
from shared.routing import Verdict

PAGE = 50


@dataclass(frozen=True, slots=True)
class Paper:
    """A consent sheet a decision relied on, as it stands now."""

    pupil: str
    number: str
    signed_on: date
    items: tuple[str, ...]
    valid_until: date | None
    withdrawn_on: date | None
    refused: bool


@dataclass(frozen=True, slots=True)
class Step:
    """A change of the message's status. `at` is real time."""

    at: datetime
    status: Status
    reason: str | None
    actor: str


@dataclass(frozen=True, slots=True)
class Explained:
    """One change for one guardian. `accepted_at`, `due_at`, `deadline`, `told_at` are school time.

    `subject` says what it was about without saying what it said: course and lesson date. `status` is
    the message's; None while there is no message. `replaced_by` is the newer revision that took its place.
    """

    change: UUID
    guardian: str
    category: Category
    type: str
    subject: str
    accepted_at: datetime
    pupils: tuple[str, ...]
    verdict: Verdict
    reason: str | None
    missing: tuple[str, ...]
    papers: tuple[Paper, ...]
    channel: Channel | None
    mode: Mode | None
    chosen: bool
    due_at: datetime | None
    deadline: datetime | None
    corrects: UUID | None
    replaced_by: UUID | None
    message: UUID | None
    status: Status | None
    told_at: datetime | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """About one guardian of a school: everything, or one pupil, one change, a time of acceptance."""

    school: str
    guardian: str
    pupil: str | None = None
    change: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    among: tuple[str, ...] | None = None
    """Only what concerns one of these pupils, and says something to a family."""


_DECISIONS = """
SELECT d.*, c.type, c.accepted_at, c.data, m.status, m.told_at,
       coalesce(m.channel, d.channel) AS way
FROM dispatch.decision d JOIN dispatch.change c USING (change)
LEFT JOIN dispatch.message m ON m.id = d.message
WHERE d.school = $1 AND d.guardian = $2
  AND ($3::text IS NULL OR $3 = ANY(d.pupils)) AND ($4::uuid IS NULL OR d.change = $4)
  AND ($5::timestamptz IS NULL OR c.accepted_at >= $5) AND ($6::timestamptz IS NULL OR c.accepted_at < $6)
  AND ($9::text[] IS NULL OR d.pupils && $9 AND d.cancelled_by IS NULL AND (
      d.verdict <> 'suppress' OR d.reason IN ('no_consent', 'unreachable', 'unwanted', 'out_of_scope')))
ORDER BY c.accepted_at DESC, d.change DESC LIMIT $7 OFFSET $8
"""


async def explain(
    connection: AnyConnection, question: Question, *, limit: int = PAGE, offset: int = 0
) -> list[Explained]:
    """The newest first; empty when nothing was ever decided for this guardian."""
    rows = await connection.fetch(
        _DECISIONS,
        *(question.school, question.guardian, question.pupil, question.change),
        *(question.since, question.until, limit, offset, question.among),
    )
    steps = await _steps(connection, {row["message"] for row in rows if row["message"] is not None})
    papers = await _papers(connection, question)
    return [_explained(row, steps, papers) for row in rows]


async def _steps(connection: AnyConnection, messages: set[UUID]) -> Mapping[UUID, list[Step]]:
    found: dict[UUID, list[Step]] = defaultdict(list)
    for row in await connection.fetch(
        "SELECT * FROM dispatch.message_history WHERE message = ANY($1::uuid[]) ORDER BY message, id",
        sorted(messages),
    ):
        found[row["message"]].append(Step(row["at"], Status(row["to_status"]), row["reason"], row["actor"]))
    return found


async def _papers(connection: AnyConnection, question: Question) -> Mapping[str, list[Paper]]:
    """Every sheet of the guardian by number: a family has a handful."""
    found: dict[str, list[Paper]] = defaultdict(list)
    for row in await connection.fetch(
        "SELECT * FROM consent.sheet WHERE school = $1 AND guardian = $2 ORDER BY signed_on, registered_at",
        *(question.school, question.guardian),
    ):
        found[row["number"]].append(
            Paper(
                row["pupil"],
                row["number"],
                row["signed_on"],
                tuple(row["items"]),
                row["valid_until"],
                row["withdrawn_on"],
                row["refused"],
            )
        )
    return found


def _explained(
    row: asyncpg.Record, steps: Mapping[UUID, list[Step]], papers: Mapping[str, list[Paper]]
) -> Explained:
    pupils = tuple(row["pupils"])
    return Explained(
        change=row["change"],
        guardian=row["guardian"],
        category=Category(row["category"]),
        type=row["type"],
        subject=subject_of(row["data"]),
        accepted_at=row["accepted_at"],
        pupils=pupils,
        verdict=Verdict(row["verdict"]),
        reason=row["reason"],
        missing=tuple(row["missing"]),
        papers=tuple(
            paper for number in row["sheets"] for paper in papers.get(number, ()) if paper.pupil in pupils
        ),
        channel=Channel(row["way"]) if row["way"] is not None else None,
        mode=Mode(row["mode"]) if row["mode"] is not None else None,
        chosen=row["chosen"],
        due_at=row["due_at"],
        deadline=row["deadline"],
        corrects=row["corrects"],
        replaced_by=row["cancelled_by"],
        message=row["message"],
        status=Status(row["status"]) if row["status"] is not None else None,
        told_at=row["told_at"],
        steps=tuple(steps.get(row["message"], ())),
    )


def subject_of(data: Mapping[str, object]) -> str:
    """What a change is about, without what it says: «Алгебра, 23.11.2026», «2 четверть»."""
    course, lesson, period = (data.get(name) for name in ("course", "lesson", "period"))
    said = []
    if isinstance(course, Mapping) and course.get("name"):
        said.append(str(course["name"]))
    if isinstance(period, Mapping) and period.get("name"):
        said.append(str(period["name"]))
    day = lesson.get("date") if isinstance(lesson, Mapping) else data.get("date") or data.get("due_on")
    if isinstance(day, str):
        said.append(f"{date.fromisoformat(day):%d.%m.%Y}")
    return ", ".join(said)
