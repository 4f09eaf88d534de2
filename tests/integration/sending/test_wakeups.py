"""Wake-ups between replicas: nobody here looks for work by himself, so whatever is done was woken."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import asyncpg
import pytest
from integration.sending.office import Office, ScriptedPort
from support.buses import eventually
from support.families import NOW, Registry, pupil, record

from dispatcher.planning.planner import Planner
from dispatcher.sending.sender import Width
from dispatcher.wakeups import Ear, Wake, wake
from shared.bus.base import Record
from shared.categories import Category, Channel
from shared.settings import Settings

NEVER = 3600.0


class Ringing:
    """What an ear heard, counted."""

    def __init__(self) -> None:
        self.heard: Counter[Wake] = Counter()

    def of(self, word: Wake) -> Callable[[], None]:
        return lambda: self.heard.update([word])

    async def reached(self, word: Wake, count: int) -> None:
        async def enough() -> bool:
            return self.heard[word] >= count

        await eventually(enough)


@asynccontextmanager
async def listening(database: str, woken: Mapping[Wake, Callable[[], None]]) -> AsyncIterator[None]:
    ear = Ear(database, woken)
    task = asyncio.create_task(ear.run())
    try:
        yield
    finally:
        ear.stop()
        await task


async def _say(office: Office, *words: Wake) -> None:
    async with office.pool.acquire() as connection, connection.transaction():
        for word in words:
            await wake(connection, {word})


async def _fail(office: Office, word: Wake) -> None:
    async with office.pool.acquire() as connection, connection.transaction():
        await wake(connection, {word})
        await connection.execute("SELECT 1 / 0")


async def test_a_decision_committed_here_is_composed_there_and_sent_elsewhere(
    office: Office, database: str
) -> None:
    """R-E3: three replicas share nothing but the database, and none of them polls."""
    await office.family("1", email="anna@example.org")
    port = ScriptedPort(Channel.EMAIL)
    composer = office.composer(poll=NEVER)
    wide = {Channel.EMAIL: Width(calls=2, hand=4, poll=NEVER)}
    async with (
        office.sending(port, widths=wide) as sender,
        listening(database, {Wake.SEND_EMAIL: lambda: sender.wake(Channel.EMAIL)}),
        listening(database, {Wake.COMPOSE: composer.wake}),
    ):
        composing = asyncio.create_task(composer.run())
        try:
            for number in range(1, 6):
                await office.tell("1", mode="immediate")
                await _say(office, Wake.COMPOSE)

                async def sent(wanted: int = number) -> bool:
                    return len(port.parcels) == wanted

                await eventually(sent)
        finally:
            composer.stop()
            await composing


async def test_whichever_replica_composes_is_reached(office: Office, database: str) -> None:
    """The one that finds the other composing leaves the work to it, and it is not forgotten."""
    for number in range(1, 21):
        await office.family(str(number), email=f"a{number}@example.org")
    composers = [office.composer(poll=NEVER), office.composer(poll=NEVER)]
    async with (
        listening(database, {Wake.COMPOSE: composers[0].wake}),
        listening(database, {Wake.COMPOSE: composers[1].wake}),
    ):
        tasks = [asyncio.create_task(composer.run()) for composer in composers]
        try:
            for number in range(1, 21):
                await office.tell(str(number), mode="immediate")
                await _say(office, Wake.COMPOSE)

            async def composed() -> bool:
                return await office.pool.fetchval("SELECT count(*) FROM dispatch.message") == 20

            await eventually(composed)
        finally:
            for composer in composers:
                composer.stop()
            await asyncio.gather(*tasks)


async def test_an_ear_whose_connection_is_cut_hears_again(office: Office, database: str) -> None:
    ringing = Ringing()
    async with listening(database, {Wake.COMPOSE: ringing.of(Wake.COMPOSE)}):
        await ringing.reached(Wake.COMPOSE, 1)  # at first nobody knows what was said before
        await _say(office, Wake.COMPOSE)
        await ringing.reached(Wake.COMPOSE, 2)
        cut = await office.admin.fetchval(
            """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND application_name LIKE 'vestnik%session'"""
        )
        assert cut == 1
        await ringing.reached(Wake.COMPOSE, 3)  # it looks at once for what was said meanwhile
        await _say(office, Wake.COMPOSE)
        await ringing.reached(Wake.COMPOSE, 4)


async def test_a_transaction_wakes_once_and_only_when_it_commits(office: Office, database: str) -> None:
    ringing = Ringing()
    words = {word: ringing.of(word) for word in Wake}
    async with listening(database, words):
        await ringing.reached(Wake.SEND_PUSH, 1)
        ringing.heard.clear()
        await _say(office, Wake.COMPOSE, Wake.COMPOSE, Wake.COMPOSE)
        with pytest.raises(asyncpg.DivisionByZeroError):
            await _fail(office, Wake.SEND_SMS)
        await _say(office, Wake.SEND_EMAIL)  # notifications keep the order of commits
        await ringing.reached(Wake.SEND_EMAIL, 1)
        assert ringing.heard == {Wake.COMPOSE: 1, Wake.SEND_EMAIL: 1}


async def test_planning_wakes_the_composer_for_what_is_due_now_alone(office: Office, database: str) -> None:
    """R-B2: what leaves at once; an evening's digest wakes nobody at noon."""
    ringing = Ringing()
    async with office.admin.acquire() as connection:
        await Registry([pupil()]).write(connection)
    office.clock.at = NOW
    planner = Planner(Settings(), office.clock, on=frozenset({Channel.EMAIL}))

    async def plan(planned: Record) -> None:
        async with office.pool.acquire() as connection, connection.transaction():
            assert await planner.handle(connection, [planned]) == []

    async with listening(database, {Wake.COMPOSE: ringing.of(Wake.COMPOSE)}):
        await ringing.reached(Wake.COMPOSE, 1)
        await plan(record(Category.MARK))
        await plan(record(Category.FINAL_MARK, entity="final/1"))
        await ringing.reached(Wake.COMPOSE, 2)
        await _say(office, Wake.COMPOSE)
        await ringing.reached(Wake.COMPOSE, 3)
        assert ringing.heard == {Wake.COMPOSE: 3}
    modes = await office.pool.fetch("SELECT mode FROM dispatch.decision ORDER BY mode")
    assert [row["mode"] for row in modes] == ["daily", "immediate"]
