"""`kill -9` of the dispatcher in the middle of sending: nothing lost, no SMS twice, a letter twice only
under the same name (DESIGN §7, guarantees)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from support.processes import kill, program

from dispatcher import ledger
from dispatcher.sending.sender import UNSETTLED
from sandbox.world import World
from shared.db import open_pool
from shared.topics import Service

LETTERS, SMS, KILLS = 180, 18, 2

_SCHOOL = f"""
INSERT INTO roster.school VALUES ('s', 'Школа', 'Europe/Moscow');
INSERT INTO roster.class (school, class, grade) VALUES ('s', '7Б', '7');
INSERT INTO roster.pupil (school, pupil, class, family_name, given_name)
    SELECT 's', 'p-' || n, '7Б', 'Петров', 'Иван' FROM generate_series(1, {LETTERS + SMS}) n;
INSERT INTO roster.guardian (school, guardian, family_name, given_name)
    SELECT 's', 'g-' || n, 'Петрова', 'Анна' FROM generate_series(1, {LETTERS + SMS}) n;
INSERT INTO roster.guardianship
    SELECT 's', 'p-' || n, 'g-' || n, 'mother' FROM generate_series(1, {LETTERS + SMS}) n;
INSERT INTO consent.contact (school, guardian, channel, address, confirmed_at)
    SELECT 's', 'g-' || n, CASE WHEN n <= {LETTERS} THEN 'email' ELSE 'sms' END,
           CASE WHEN n <= {LETTERS} THEN 'a' || n || '@example.org' ELSE '+7916' || 1000000 + n END,
           '2026-09-01'
    FROM generate_series(1, {LETTERS + SMS}) n;
INSERT INTO consent.sheet (school, pupil, guardian, number, signed_on, items)
    SELECT 's', 'p-' || n, 'g-' || n, 'С-1', '2026-09-01', '{{1.3,4.3,6.8,6.9,6.10}}'
    FROM generate_series(1, {LETTERS + SMS}) n;
INSERT INTO dispatch.change
    (change, source, school, type, category, entity, revision, time, accepted_at, pupil, data)
    SELECT uuidv7(), '/schools/s/journals/j', 's', 'journal.attendance.set', 'attendance', 'a/' || n, 1,
           '2026-11-24 08:00Z', '2026-11-24 08:00Z', 'p-' || n,
           '{{"attendance": "absent", "course": {{"name": "Алгебра"}}, "lesson": {{"date": "2026-11-24"}}}}'
    FROM generate_series(1, {LETTERS + SMS}) n;
INSERT INTO dispatch.decision
    (change, school, guardian, pupils, category, verdict, channel, mode, due_at, deadline, expires_at)
    SELECT change, 's', 'g-' || substr(pupil, 3), ARRAY[pupil], 'attendance', 'tell',
           CASE WHEN substr(pupil, 3)::integer <= {LETTERS} THEN 'email' ELSE 'sms' END, 'immediate',
           '2026-11-24 08:30Z', '2026-11-24 21:00Z', '2026-12-01 21:00Z'
    FROM dispatch.change;
"""

_TIME_PASSES = """
UPDATE dispatch.message SET lease_until = now() - interval '1 second' WHERE status = 'sending';
UPDATE dispatch.sms_attempt SET started_at = started_at - interval '61 seconds' WHERE settled_at IS NULL;
"""


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    made = await open_pool(database, Service.DISPATCHER)
    admin = await open_pool(database, largest=1)
    await admin.execute(_SCHOOL)
    await admin.close()
    try:
        yield made
    finally:
        await made.close()


def _environment(database: str, world: World, data: Path) -> dict[str, str]:
    return {
        **world.settings(),
        "VESTNIK_DATA": str(data),
        "VESTNIK_DATABASE_URL": database,
        "VESTNIK_MAIL_FROM": "school@vestnik.example",
        "VESTNIK_CLOCK_START": "2026-11-24T12:00:00+03:00",
        "VESTNIK_LOG_LEVEL": "error",
    }


@pytest.mark.timeout(300)
async def test_nothing_lost_and_no_sms_twice(database: str, pool: asyncpg.Pool, tmp_path: Path) -> None:
    async with World() as world, asyncio.timeout(270):
        environment = _environment(database, world, tmp_path)
        for round_ in range(1, KILLS + 1):
            async with program("dispatcher", "--port", "0", environment=environment) as process:
                wanted = round_ * LETTERS // (KILLS + 1)
                await world.inbox.wait_for(wanted, timeout=100)
                while len(world.sms.messages) < round_ * 2:
                    await asyncio.sleep(0.01)
                await kill(process)
            await pool.execute(_TIME_PASSES)
        async with program("dispatcher", "--port", "0", environment=environment):
            while await pool.fetchval(
                """SELECT EXISTS (SELECT FROM dispatch.message
                                  WHERE status IN ('composed', 'sending', 'unknown'))
                       OR EXISTS (SELECT FROM dispatch.decision WHERE message IS NULL)"""
            ):
                await asyncio.sleep(0.1)
        letters, texts = list(world.inbox.letters), list(world.sms.messages)

    by_address = Counter(letter.rcpt_to[0] for letter in letters)
    assert len(by_address) == LETTERS
    assert len(letters) - LETTERS <= KILLS * UNSETTLED
    for address, times in by_address.items():
        names = {str(one.message["Message-ID"]) for one in letters if one.rcpt_to[0] == address}
        assert len(names) == 1, (address, times)
    assert Counter(text.number for text in texts) == {
        str(79161000000 + LETTERS + n): 1 for n in range(1, SMS + 1)
    }
    async with pool.acquire() as connection:
        found = await ledger.add_up(connection)
    assert found.adds_up
    assert found.accepted == found.decisions == LETTERS + SMS
