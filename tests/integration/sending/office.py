"""A small school on a real database, and the parts of sending driven by hand: `await office.work(ports…)`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson

from dispatcher.channels.base import Accepted, Outcome, Parcel, Port
from dispatcher.sending.budget import Budget
from dispatcher.sending.composer import POLL_SECONDS, Composer
from dispatcher.sending.gate import Gates
from dispatcher.sending.limits import Limits
from dispatcher.sending.papers import Current, Papers
from dispatcher.sending.prepare import Preparer
from dispatcher.sending.retry import Backoff
from dispatcher.sending.sender import WIDTHS, Sender, Width
from dispatcher.sending.settler import Settler
from dispatcher.sending.sweeper import Lists, Sweeper
from dispatcher.sending.weekly import WeeklyEmails
from dispatcher.texts.renderer import Renderer
from shared.categories import Channel
from shared.settings import Profile, WeeklyMoment

FREE = Limits(per_second=100_000, per_hour=100_000_000)
EVERYTHING = "1.3 4.3 4.6 6.8 6.9 6.10 6.12"
NOON = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # a Tuesday, 12:00 in Moscow


@dataclass
class HandClock:
    """School time that stands still until told."""

    at: datetime = NOON

    def now(self) -> datetime:
        return self.at

    def real_seconds_until(self, instant: datetime) -> float:
        return max(0.0, (instant - self.at).total_seconds())


@dataclass
class ScriptedPort:
    """A way out that answers what the script says, then accepts; remembers what it was given."""

    channel: Channel
    script: list[Outcome | Callable[[Parcel], Any]] = field(default_factory=list)
    parcels: list[Parcel] = field(default_factory=list)

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def send(self, parcel: Parcel) -> Outcome:
        self.parcels.append(parcel)
        if not self.script:
            return Accepted(provider_id=str(uuid4()) if self.channel is Channel.SMS else None, cost=5.49)
        answer = self.script.pop(0)
        if callable(answer):
            said = await answer(parcel)
            assert isinstance(said, Outcome)
            return said
        return answer


class Office:
    """The school `s` with one class 7Б; every guardian `g-N` has the pupil `p-N`."""

    def __init__(self, pool: asyncpg.Pool, admin: asyncpg.Pool) -> None:
        self.pool, self.admin = pool, admin
        self.clock = HandClock()
        self.profile = Profile(
            quiet_hours=("21:00", "08:00"),  # type: ignore[arg-type] # pydantic reads them
            weekly_digest_at=WeeklyMoment.model_validate("fri 18:30"),
        )
        self.renderer = Renderer(
            mail_from="school@vestnik.example",
            public_url="http://127.0.0.1:8100",
            signing_key=lambda: b"test key",
        )
        self._revision = 0

    def profile_of(self, _school: str) -> Profile:
        return self.profile

    @property
    def budget(self) -> Budget:
        return Budget(self.clock, self.profile_of)

    async def found(self) -> None:
        await self.admin.execute("INSERT INTO roster.school VALUES ('s', 'Школа', 'Europe/Moscow')")
        await self.admin.execute("INSERT INTO roster.class (school, class, grade) VALUES ('s', '7Б', '7')")

    async def family(
        self,
        name: str,
        *,
        email: str | None = None,
        phone: str | None = None,
        push: str | None = None,
        items: str = EVERYTHING,
        form: str = "electronic",
    ) -> None:
        await self.admin.execute(
            """INSERT INTO roster.pupil (school, pupil, class, family_name, given_name)
               VALUES ('s', 'p-' || $1::text, '7Б', 'Петров', 'Иван')""",
            name,
        )
        await self.admin.execute(
            """INSERT INTO roster.guardian (school, guardian, family_name, given_name, patronymic)
               VALUES ('s', 'g-' || $1::text, 'Петрова', 'Анна', 'Сергеевна')""",
            name,
        )
        await self.admin.execute(
            "INSERT INTO roster.guardianship VALUES ('s', 'p-' || $1::text, 'g-' || $1::text, 'mother')", name
        )
        for channel, address in (("email", email), ("sms", phone), ("push", push)):
            if address is not None:
                await self.admin.execute(
                    """INSERT INTO consent.contact (school, guardian, channel, address, confirmed_at)
                       VALUES ('s', 'g-' || $1::text, $2, $3, '2026-09-01')""",
                    name,
                    channel,
                    address,
                )
        await self.admin.execute(
            """INSERT INTO consent.sheet (school, pupil, guardian, number, signed_on, items)
               VALUES ('s', 'p-' || $1::text, 'g-' || $1::text, 'С-1', '2026-09-01', $2)""",
            name,
            items.split(),
        )
        await self.admin.execute(
            """INSERT INTO consent.application (school, pupil, guardian, number, signed_on, form)
               VALUES ('s', 'p-' || $1::text, 'g-' || $1::text, 'З-1', '2026-09-01', $2)""",
            name,
            form,
        )

    async def withdraw(self, name: str) -> None:
        async with self.admin.acquire() as connection, connection.transaction():
            await connection.execute(
                "UPDATE consent.sheet SET withdrawn_on = '2026-11-01' WHERE guardian = 'g-' || $1::text", name
            )
            await self.raise_epoch(connection)

    async def raise_epoch(self, connection: Any) -> None:
        await connection.execute(
            """INSERT INTO consent.epoch AS e VALUES ('s', 1)
               ON CONFLICT (school) DO UPDATE SET value = e.value + 1"""
        )

    async def change(
        self,
        name: str,
        *,
        entity: str | None = None,
        type: str = "journal.mark.set",  # noqa: A002 - as in a CloudEvent
        value: str = "5",
    ) -> UUID:
        self._revision += 1
        change = uuid4()
        data = {
            "entity": entity or f"mark/{self._revision}",
            "revision": self._revision,
            "course": {"name": "Алгебра", "teacher": "Кузнецова И. П."},
            "lesson": {"date": "2026-11-24", "number": 2, "topic": "Уравнения"},
            "work": {"kind": "самостоятельная работа"},
            "mark": {"value": value, "scale": "five"},
            "attendance": "absent",
        }
        await self.pool.execute(
            """INSERT INTO dispatch.change
                   (change, source, school, type, category, entity, revision, time, accepted_at, pupil, data)
               VALUES ($1, '/schools/s/journals/j', 's', $2, $3, $4, $5, $6, $6, 'p-' || $7::text, $8)""",
            change,
            type,
            type.split(".")[1],
            data["entity"],
            self._revision,
            self.clock.at - timedelta(minutes=1),
            name,
            data,
        )
        return change

    async def tell(
        self,
        name: str,
        *,
        channel: Channel = Channel.EMAIL,
        mode: str = "daily",
        due_in: timedelta = timedelta(0),
        expires_in: timedelta | None = timedelta(days=7),
        corrects: UUID | None = None,
        **change: Any,
    ) -> UUID:
        """A change and the decision to tell the family of it."""
        made = await self.change(name, **change)
        await self.pool.execute(
            """INSERT INTO dispatch.decision (change, school, guardian, pupils, category, verdict, channel,
                   mode, due_at, deadline, expires_at, corrects)
               SELECT change, 's', 'g-' || $2::text, ARRAY['p-' || $2::text], category, 'tell', $3, $4,
                      $5, $6, $7, $8
               FROM dispatch.change WHERE change = $1""",
            made,
            name,
            channel.value,
            mode,
            self.clock.at + due_in,
            self.clock.at + timedelta(days=1),
            self.clock.at + expires_in if expires_in is not None else None,
            corrects,
        )
        return made

    def composer(self, poll: float = POLL_SECONDS) -> Composer:
        weekly = WeeklyEmails(self.profile_of, email_on=True)
        return Composer(self.pool, self.clock, weekly=weekly, poll=poll)

    async def compose(self) -> int:
        composer, made = self.composer(), 0
        while found := await composer.round():
            made += found
        return made

    def sweeper(self, lists: Lists | None = None) -> Sweeper:
        return Sweeper(self.pool, self.clock, budget=self.budget, lists=lists)

    @asynccontextmanager
    async def sending(
        self,
        *ports: Port,
        on: Sequence[Channel] = (),
        backoff: Backoff | None = None,
        widths: Mapping[Channel, Width] = WIDTHS,
        limits: Limits = FREE,
    ) -> AsyncIterator[Sender]:
        """The sender at work. `on`: channels that count as switched on beside those of the ports."""
        channels = frozenset({port.channel for port in ports} | set(on))
        settler = Settler(self.pool, self.clock, budget=self.budget, backoff=backoff or Backoff())
        papers = Papers(self.pool)
        gates = Gates(self.pool, {port.channel: limits for port in ports})
        sender = Sender(
            self.pool,
            self.clock,
            ports=gates.before(Current(port, papers) for port in ports),
            room=gates.room,
            renderer=self.renderer,
            make_preparer=lambda: Preparer(
                self.clock, profile_of=self.profile_of, budget=self.budget, channels=channels
            ),
            settler=settler,
            widths=widths,
        )
        for port in ports:
            await port.start()
        works = [settler.run(), sender.run(), gates.run(sender.wake)]
        tasks = [asyncio.create_task(work) for work in works]
        try:
            yield sender
        finally:
            sender.stop()
            await tasks[1]
            settler.stop()
            gates.stop()
            await asyncio.gather(tasks[0], tasks[2])
            for port in ports:
                await port.close()

    async def work(self, *ports: Port, on: Sequence[Channel] = (), backoff: Backoff | None = None) -> None:
        """Compose what is due and send until nothing more can be sent now."""
        async with self.sending(*ports, on=on, backoff=backoff) as sender:
            channels = [port.channel.value for port in ports]
            async with asyncio.timeout(8):
                while await self.compose() or await self.pool.fetchval(
                    """SELECT EXISTS (SELECT FROM dispatch.message m WHERE channel = ANY($1::text[])
                           AND (status = 'sending' AND lease_until > now()
                                OR status = 'composed' AND next_attempt_at <= now() AND due_at <= $2
                                AND NOT EXISTS (SELECT FROM dispatch.channel_pause p
                                                WHERE p.channel = m.channel)))
                       OR EXISTS (SELECT FROM dispatch.decision WHERE verdict = 'tell' AND message IS NULL
                                  AND cancelled_by IS NULL AND due_at <= $2)""",
                    channels,
                    self.clock.at,
                ):
                    sender.wake()
                    await asyncio.sleep(0.02)

    async def messages(self) -> list[asyncpg.Record]:
        return await self.pool.fetch("SELECT * FROM dispatch.message ORDER BY id")

    async def statuses(self) -> list[tuple[str, str]]:
        return [(row["channel"], row["status"]) for row in await self.messages()]

    async def decision(self, change: UUID) -> asyncpg.Record:
        row = await self.pool.fetchrow("SELECT * FROM dispatch.decision WHERE change = $1", change)
        assert row is not None
        return row

    async def outcomes(self) -> list[dict[str, Any]]:
        rows = await self.pool.fetch(
            "SELECT value FROM dispatch.outbox WHERE topic = 'delivery.outcomes' ORDER BY xid, id"
        )
        return [orjson.loads(row["value"]) for row in rows]
