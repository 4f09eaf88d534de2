"""What the gateway says of an SMS it took, by callback or by poll: accepted → delivered | failed, however
often and in whatever order it comes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatcher.channels.sms_statuses import FINAL, Word, meaning
from dispatcher.messages import Move, Status, move
from dispatcher.outcomes import publish_ends
from shared.db import AnyConnection


@dataclass(frozen=True, slots=True)
class Rule:
    """What a failure that came later means. The message goes on without the number, or without SMS
    altogether (`whole_channel`); the number itself is given up after `in_a_row` failures with no delivery
    between them, the first and the last at least `over` apart."""

    whole_channel: bool
    in_a_row: int = 3
    over: timedelta = timedelta(days=2)


RULES: dict[Word, Rule] = {
    Word.UNDELIVERED: Rule(whole_channel=False),  # a phone that is off today is on tomorrow
    Word.REJECTED: Rule(whole_channel=True),  # the text or the sender displeased: another number is no help
}


@dataclass(frozen=True, slots=True)
class End:
    """How an SMS to a number ended, and when the gateway said so (real time)."""

    word: Word
    at: datetime


def given_up(word: Word, ends: Sequence[End]) -> bool:
    """Whether the number is dead by now. `ends`: newest first, this one included."""
    rule = RULES[word]
    row: list[End] = []
    for end in ends:
        if end.word is Word.DELIVERED:
            break
        row.append(end)
    return len(row) >= rule.in_a_row and row[0].at - row[-1].at >= rule.over


async def hear(
    connection: AnyConnection,
    provider_id: str,
    status: int,
    *,
    actor: str,
    school_now: datetime,
    cost: float | None = None,
) -> bool:
    """Note what was said of the SMS of this id, inside a transaction; False when there is none. The first
    end stands: repeats, latecomers and word of an SMS that its message has left behind change nothing."""
    row = await connection.fetchrow(
        """SELECT m.id, m.provider_id FROM dispatch.message m
           WHERE m.provider_id = $1 AND m.channel = 'sms' FOR UPDATE""",
        provider_id,
    )
    known = await connection.fetchval(
        """UPDATE dispatch.sms_attempt SET
               said = CASE WHEN said = ANY($3::smallint[]) THEN said ELSE $2 END,
               said_at = CASE WHEN said = ANY($3::smallint[]) THEN said_at ELSE clock_timestamp() END,
               poll_at = CASE WHEN $2 = ANY($3::smallint[]) THEN NULL ELSE poll_at END
           WHERE provider_id = $1 RETURNING true""",
        provider_id,
        status,
        FINAL,
    )
    if row is None:
        return bool(known)
    if cost is not None:
        await connection.execute(
            "UPDATE dispatch.message SET cost = $2::float8 WHERE id = $1 AND cost IS NULL", row["id"], cost
        )
    word = meaning(status)
    if not word.final:
        return True
    after = Status.DELIVERED if word is Word.DELIVERED else Status.FAILED
    reason = None if word is Word.DELIVERED else f"sms: {word}"
    moved = await move(
        connection, [Move(row["id"], after, before=Status.ACCEPTED, reason=reason)], actor=actor
    )
    await publish_ends(connection, moved, at=school_now)
    return True
