"""What the gateway says of an SMS it took, by callback or by poll: accepted → delivered | failed, however
often and in whatever order it comes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from dispatcher.channels.sms_statuses import FINAL, Word, meaning
from dispatcher.messages import Move, Status, move
from dispatcher.outcomes import publish_ends
from dispatcher.sending.failures import failed_later
from dispatcher.sending.suppression import Source, Stop, suppress
from shared.categories import Channel
from shared.clock import Clock
from shared.db import AnyConnection

_LOOK_BACK = 50


@dataclass(frozen=True, slots=True)
class Rule:
    """What a failure that came later means. The message goes on without the number, which rests so long;
    or, `rest` None, without SMS altogether. The number itself is given up after `in_a_row` failures with
    no delivery between them, the first and the last at least `over` apart."""

    rest: timedelta | None
    in_a_row: int = 3
    over: timedelta = timedelta(days=2)


RULES: dict[Word, Rule] = {
    Word.UNDELIVERED: Rule(rest=timedelta(hours=3)),  # a phone that is off now is on tomorrow
    Word.REJECTED: Rule(rest=None),  # the text or the sender displeased: another number is no help
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
    clock: Clock,
    cost: float | None = None,
) -> bool:
    """Note what was said of the SMS of this id, inside a transaction; False when there is none. The first
    end stands: repeats, latecomers and word of an SMS that its message has left behind change nothing."""
    message = await connection.fetchrow(
        """SELECT id, school FROM dispatch.message
           WHERE provider_id = $1 AND channel = 'sms' FOR UPDATE""",
        provider_id,
    )
    attempt = await connection.fetchrow(
        """UPDATE dispatch.sms_attempt SET
               said = CASE WHEN said = ANY($3::smallint[]) THEN said ELSE $2 END,
               said_at = CASE WHEN said = ANY($3::smallint[]) THEN said_at ELSE clock_timestamp() END,
               poll_at = CASE WHEN $2 = ANY($3::smallint[]) THEN NULL ELSE poll_at END
           WHERE provider_id = $1 RETURNING number, old.said = ANY($3::smallint[]) AS ended""",
        provider_id,
        status,
        FINAL,
    )
    if message is None:
        return attempt is not None
    if cost is not None:
        await connection.execute(
            "UPDATE dispatch.message SET cost = $2::float8 WHERE id = $1 AND cost IS NULL",
            message["id"],
            cost,
        )
    word = meaning(status)
    if not word.final or (attempt is not None and attempt["ended"]):
        return True
    number = attempt["number"] if attempt is not None else None
    if word is not Word.DELIVERED:
        await _failed(connection, message["id"], message["school"], provider_id, number, word, clock)
        return True
    wish = Move(message["id"], Status.DELIVERED, before=Status.ACCEPTED)
    moved = await move(connection, [wish], actor=actor)
    await publish_ends(connection, moved, at=clock.now())
    return True


async def _failed(
    connection: AnyConnection,
    message: UUID,
    school: str,
    provider_id: str,
    number: str | None,
    word: Word,
    clock: Clock,
) -> None:
    """The message moves on, and the number rests, or is given up."""
    reason, rule = f"sms: {word}", RULES[word]
    dead = number is not None and given_up(word, await _ends(connection, number))
    if number is not None and rule.rest is not None and not dead:
        # The row of failures is counted here, by receipts, which know of deliveries between them.
        await connection.execute(
            """UPDATE dispatch.suppression SET times = 0
               WHERE school = $1 AND channel = 'sms' AND address = $2""",
            school,
            number,
        )
    if dead and rule.rest is None:
        assert number is not None
        await suppress(connection, [Stop(school, Channel.SMS, number, reason, Source.RECEIPT)])
    await failed_later(
        connection,
        message,
        number if rule.rest is not None else None,
        reason,
        Source.RECEIPT,
        clock,
        attempt=provider_id,
        rest=None if dead else rule.rest,
    )


async def _ends(connection: AnyConnection, number: str) -> list[End]:
    """How the last SMS to this number ended, newest first; the one just heard of among them."""
    rows = await connection.fetch(
        """SELECT said, said_at FROM dispatch.sms_attempt WHERE number = $1 AND said IN (1, 2, 6)
           ORDER BY said_at DESC LIMIT $2""",
        number,
        _LOOK_BACK,
    )
    return [End(meaning(row["said"]), row["said_at"]) for row in rows]
