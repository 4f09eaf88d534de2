"""Endurance: a million messages composed and sent by the same processes, watched for memory and speed.

Decisions are written as planning writes them, one a guardian and round, each about a change of its own,
so nothing is read or rendered twice. A round is written once the one before is composed.
"""

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import asyncpg

from bench.ground import NOON, Ground, spawn
from bench.sinks import sinks
from bench.usage import resident_megabytes

EVENING = NOON.replace(hour=19)
PROCESSES = 2
_BACKLOG = 20_000
_PORT = 8211

_ROUND = """
WITH made AS (
    INSERT INTO dispatch.change
        (change, source, school, type, category, entity, revision, time, accepted_at, pupil, class, data)
    SELECT uuidv7(), '/schools/' || p.school || '/journals/main', p.school, 'journal.final_mark.set',
        'final_mark', 'final_mark/' || p.pupil || '/' || $1::int, 1, $2, $2, p.pupil, p.class,
        jsonb_build_object(
            'entity', 'final_mark/' || p.pupil || '/' || $1::int, 'revision', 1, 'class', p.class,
            'course', jsonb_build_object('name', 'Курс ' || $1::int, 'teacher', 'Корнеева Л. П.'),
            'period', jsonb_build_object('kind', 'quarter', 'name', '2-я четверть', 'ends_on', '2026-12-29'),
            'mark', jsonb_build_object('value', '5', 'scale', '5'))
    FROM roster.pupil p JOIN roster.class c USING (school, class) WHERE NOT c.unmarked
    RETURNING change, school, pupil
)
INSERT INTO dispatch.decision
    (change, school, guardian, pupils, category, verdict, channel, mode, due_at, deadline, expires_at)
SELECT change, school, guardian, ARRAY[pupil], 'final_mark', 'tell', 'email', 'immediate', $2,
    $2 + interval '10 days', $2 + interval '30 days'
FROM made JOIN roster.guardianship USING (school, pupil)
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """How it stood after so many messages: each process's memory now, and the rate since the mark before."""

    messages: int
    per_second: float
    megabytes: tuple[float, ...]


async def run(at: Ground, messages: int, say: Callable[[Mark], None], *, every: int) -> Sequence[Mark]:
    """Marks every `every` messages, the first after as many: by then caches are filled."""
    marks: list[Mark] = []
    async with sinks() as ends:
        environment = at.environment(
            VESTNIK_CLOCK_START=EVENING.isoformat(), VESTNIK_SMTP_URL=f"smtp://127.0.0.1:{ends.smtp_port}"
        )
        senders = [
            spawn("dispatcher", environment, "--port", str(_PORT + number)) for number in range(PROCESSES)
        ]
        feeding = asyncio.create_task(_feed(at, messages))
        before, sent, since = 0, 0, time.monotonic()
        over = False
        try:
            while not over:
                await asyncio.sleep(0.5)
                sent += len(ends.letters)
                ends.letters.clear()  # they are counted; this process is not what is measured
                if feeding.done():
                    feeding.result()
                    over = await _drained(at)
                if sent - before >= every or over:
                    now = time.monotonic()
                    held = tuple(resident_megabytes(sender.pid) for sender in senders)
                    marks.append(Mark(sent, (sent - before) / (now - since), held))
                    say(marks[-1])
                    before, since = sent, now
        finally:
            feeding.cancel()
            for sender in senders:
                sender.send_signal(signal.SIGTERM)
            for sender in senders:
                sender.wait(60)
    return marks


async def _drained(at: Ground) -> bool:
    """Nothing waits any more. Fewer letters than decisions: some lose their reason at the last look."""
    connection = await asyncpg.connect(at.database, command_timeout=600)
    try:
        return not await connection.fetchval(
            """SELECT EXISTS (SELECT FROM dispatch.decision WHERE verdict = 'tell' AND message IS NULL
                              AND cancelled_by IS NULL)
                   OR EXISTS (SELECT FROM dispatch.message
                              WHERE status IN ('composed', 'sending', 'unknown'))"""
        )
    finally:
        await connection.close()


async def _feed(at: Ground, messages: int) -> None:
    connection = await asyncpg.connect(at.database, command_timeout=600)
    try:
        written, number = 0, 0
        while written < messages:
            while await connection.fetchval(
                """SELECT EXISTS (SELECT FROM dispatch.decision WHERE verdict = 'tell' AND message IS NULL
                                  AND cancelled_by IS NULL AND due_at <= $1)
                       OR (SELECT count(*) > $2 FROM dispatch.message WHERE status = 'composed')""",
                EVENING,
                _BACKLOG,
            ):
                await asyncio.sleep(0.5)
            number += 1
            status = await connection.execute(_ROUND, number, EVENING)
            written += int(status.rpartition(" ")[2])
    finally:
        await connection.close()
