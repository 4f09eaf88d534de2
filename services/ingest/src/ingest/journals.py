"""The journals of an installation and each one's last word: for `vestnik check` and the IT pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from ingest.tables import Inbox, Refused, Token
from shared.changes import source_of


@dataclass(frozen=True, slots=True)
class JournalState:
    """One journal that has, or had, a token. Instants are real time, except for `accepted_at`."""

    school: str
    journal: str
    tokens: int
    """How many let it in now; 0 when every one is revoked."""
    used_at: datetime | None
    accepted_at: datetime | None
    """School time at which the last change of it was accepted."""
    refused: int
    """Events kept for a replay."""


async def journals(engine: AsyncEngine) -> Sequence[JournalState]:
    """By school and name. `engine` acts as ingest."""
    async with AsyncSession(engine) as session:
        tokens = await session.exec(
            select(
                Token.school,
                Token.journal,
                func.count().filter(col(Token.revoked_at).is_(None)),
                func.max(Token.used_at),
            )
            .group_by(col(Token.school), col(Token.journal))
            .order_by(col(Token.school), col(Token.journal))
        )
        return [
            JournalState(school, journal, valid, used_at, *await _last_word(session, school, journal))
            for school, journal, valid, used_at in tokens.all()
        ]


async def _last_word(session: AsyncSession, school: str, journal: str) -> tuple[datetime | None, int]:
    source = source_of(school, journal)
    accepted = await session.exec(select(func.max(Inbox.accepted_at)).where(Inbox.source == source))
    refused = await session.exec(select(func.count()).where(Refused.source == source))
    return accepted.one(), refused.one()
