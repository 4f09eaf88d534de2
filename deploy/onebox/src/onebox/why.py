"""`vestnik why`: why a family got something, or did not. Looking is noted in the audit (R-D2)."""

from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.markup import escape

from dispatcher import words
from dispatcher.why import Explained, Question, explain
from dispatcher.why_words import sentences
from onebox.acts import UnknownSchool, acting
from shared.audit import note
from shared.errors import ForPeople
from shared.service import Context
from shared.topics import Service


class UnknownGuardian(ForPeople):
    """Nobody of this id in the lists."""


@dataclass(frozen=True, slots=True)
class Asked:
    """`vestnik why SCHOOL GUARDIAN`, narrowed to a pupil or a change."""

    school: str
    guardian: str
    pupil: str | None
    change: str | None
    limit: int


@dataclass(frozen=True, slots=True)
class Answer:
    found: list[Explained]
    zone: ZoneInfo


async def answer(context: Context, asked: Asked) -> Answer:
    """Raises UnknownSchool, UnknownGuardian."""
    async with acting(context, Service.DISPATCHER) as pool, pool.acquire() as connection:
        zone = await connection.fetchval("SELECT timezone FROM roster.school WHERE school = $1", asked.school)
        if zone is None:
            raise UnknownSchool(f"Школы «{asked.school}» нет в списках.")
        if not await connection.fetchval(
            "SELECT true FROM roster.guardian WHERE school = $1 AND guardian = $2",
            *(asked.school, asked.guardian),
        ):
            raise UnknownGuardian(
                f"Представителя «{asked.guardian}» в этой школе нет: нужен номер из списков."
            )
        change = _uuid(asked.change) if asked.change else None
        question = Question(asked.school, asked.guardian, pupil=asked.pupil, change=change)
        async with connection.transaction():
            found = await explain(connection, question, limit=asked.limit)
            await note(
                connection,
                Service.DISPATCHER,
                "vestnik why",
                "family.looked_at",
                school=asked.school,
                about=asked.guardian,
            )
        return Answer(found, ZoneInfo(zone))


def show(answer: Answer, console: Console) -> None:
    """The newest first; ids of pupils, no names: the lists tell who they are."""
    if not answer.found:
        console.print("Об этом для этой семьи решений не было: её это не касалось.")
    for one in answer.found:
        said = words.CATEGORIES[one.category]
        subject = f" ({escape(one.subject)})" if one.subject else ""
        when = one.accepted_at.astimezone(answer.zone)
        console.print(f"[bold]{when:%d.%m.%Y %H:%M} {said}{subject}[/bold]  ученики: {' '.join(one.pupils)}")
        for text, values in sentences(one):
            console.print(f"  {escape(text % values if values else text)}", highlight=False)
        for step in one.steps:
            reason = words.REASONS.get(step.reason or "", step.reason or "")
            console.print(
                f"    {step.at.astimezone(answer.zone):%d.%m.%Y %H:%M:%S} {words.STATUSES[step.status]}"
                + (f": {escape(reason)}" if reason else ""),
                highlight=False,
            )
        console.print(f"    изменение {one.change}", highlight=False)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise UnknownGuardian(
            f"«{text}» не номер изменения: он есть в последней строке каждого ответа."
        ) from None
