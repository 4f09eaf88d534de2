"""What a guardian was told lately, as their page shows it: line by line, each with its reason (R-F2).

What a message said is rendered anew from the change, as in a letter, and only where the papers open the
page for it (R-C4).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from dispatcher.messages import Status
from dispatcher.parent.because import BECAME, Sentence, because, hidden
from dispatcher.parent.household import Household, Kid
from dispatcher.sending.cargo import change_of
from dispatcher.texts import entries, templates
from dispatcher.texts.templates import Form
from dispatcher.texts.words import Words
from dispatcher.view import Item
from dispatcher.why import Explained, Question, explain
from shared.categories import Category, Channel
from shared.changes import Change
from shared.consent import missing_on_page, subject_of
from shared.db import AnyConnection
from shared.parents import Parent
from shared.routing import Verdict
from shared.web.language import mark

TABULAR = frozenset({Category.MARK, Category.FINAL_MARK, Category.FORECAST})
_ON_PAPER = mark("на бумаге")
_NOT_TOLD = mark("не сообщалось")
_WAITS = frozenset({None, Status.COMPOSED})


@dataclass(frozen=True, slots=True)
class Line:
    """`at` is school time: when it was told, else when it is due, else when the school learned of it.
    `said` is what the letter said (safe HTML), empty where it is not shown; `hidden` says why not.
    `became` and `look`: what came of it, and its colour."""

    at: datetime
    category: Category
    children: str
    said: str
    hidden: Sentence | None
    channel: Channel | None
    became: str
    look: str
    why: tuple[Sentence, ...]

    @property
    def tabular(self) -> bool:
        return self.category in TABULAR


async def told(
    connection: AnyConnection,
    parent: Parent,
    household: Household,
    words: Words,
    *,
    pupils: Sequence[str],
    limit: int,
    offset: int,
) -> list[Line]:
    """The newest first: decisions for this guardian about these of their children."""
    question = Question(parent.school, parent.guardian, among=tuple(pupils))
    found = await explain(connection, question, limit=limit, offset=offset)
    changes = await _changes(connection, found)
    return [_line(one, household, changes, words, set(pupils)) for one in found]


async def _changes(connection: AnyConnection, found: Sequence[Explained]) -> dict[UUID, Change]:
    wanted = {one.change for one in found} | {one.corrects for one in found if one.corrects is not None}
    rows = await connection.fetch(
        "SELECT * FROM dispatch.change WHERE change = ANY($1::uuid[])", sorted(wanted)
    )
    return {row["change"]: change_of(row) for row in rows}


def _line(
    one: Explained, household: Household, changes: Mapping[UUID, Change], words: Words, among: set[str]
) -> Line:
    kids = household.of(among.intersection(one.pupils))
    one = replace(one, papers=tuple(paper for paper in one.papers if paper.pupil in among))
    said, why_hidden = "", None
    if one.verdict is not Verdict.SUPPRESS and not _waits(one):
        said, why_hidden = _said(one, kids, household, changes, words)
    became, look = _became(one)
    return Line(
        at=one.told_at or (one.due_at if _waits(one) else None) or one.accepted_at,
        category=one.category,
        children=entries.names([kid.child for kid in kids], words),
        said=said,
        hidden=why_hidden,
        channel=one.channel,
        became=became,
        look=look,
        why=tuple(because(one)),
    )


def _said(
    one: Explained, kids: Sequence[Kid], household: Household, changes: Mapping[UUID, Change], words: Words
) -> tuple[str, Sentence | None]:
    """What it said, for the children whose papers let the page say it; else why it is not said."""
    change = changes[one.change]
    subject = subject_of(change.category, individual=change.individual, attestation=change.attestation)
    lacks = [missing_on_page(subject, kid.tie.sheet(household.today), household.today) for kid in kids]
    shown = [kid for kid, missing in zip(kids, lacks, strict=True) if not missing]
    if not shown:
        return "", hidden(min(lacks, key=len, default=()))
    earlier = changes.get(one.corrects) if one.corrects is not None else None
    item = Item(change, tuple(kid.child for kid in shown), earlier, chosen=True)
    entry = entries.entry(item, words)
    return templates.item(words, Form.PAGE, change.category)(entry, entry.facts), None


def _waits(one: Explained) -> bool:
    return one.verdict is Verdict.TELL and one.status in _WAITS


def _became(one: Explained) -> tuple[str, str]:
    match one.verdict:
        case Verdict.TELL:
            return BECAME[one.status or Status.COMPOSED]
        case Verdict.PAPER:
            return _ON_PAPER, ""
        case Verdict.SUPPRESS:
            return _NOT_TOLD, "warn"
