"""What nobody holds any more: leases that ran out, outcomes nobody knows, messages out of time.

Every replica sweeps; `SKIP LOCKED` and compare-and-set keep them apart.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import structlog

from dispatcher.channels.smsaero_client import Found, ListUnavailable
from dispatcher.messages import Move, Status, move
from dispatcher.outcomes import notify_staff, publish_ends
from dispatcher.sending import attempts
from dispatcher.sending.attempts import CLOCK_SKEW, Attempt
from dispatcher.sending.budget import Budget, Spending
from dispatcher.sending.claims import release_expired
from dispatcher.sending.list_trust import Lists, Purse, Trust, Truth
from dispatcher.sending.settle import SMS_ASKS, AttemptEnd
from dispatcher.texts.segments import segments
from shared.categories import Channel
from shared.clock import Clock
from shared.db import DATABASE_AWAY, AnyConnection

log = structlog.get_logger()

ACTOR = "sweeper"
EVERY_SECONDS = 1.0
LIST_AGAIN = timedelta(seconds=20)
_SOFT_LEASE = timedelta(seconds=45)
_ALERT_EVERY = timedelta(hours=1)


def next_ask(age: timedelta) -> timedelta | None:
    """How long after now to ask the list again for an attempt of this age; None: that was the last."""
    return next((at - age for at in SMS_ASKS if at > age), None)


class Sweeper:
    """Runs until stopped. Without `lists` (SMS is off) unknown SMS stay unknown."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        clock: Clock,
        *,
        budget: Budget,
        lists: Lists | None,
        purse: Purse | None = None,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._budget = budget
        self._lists = lists
        self._truth = Truth(lists, purse) if lists is not None else None
        self._stopping = asyncio.Event()
        self._alerted_at: dict[str, datetime] = {}

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self.round()
            except DATABASE_AWAY as error:
                log.warning("sweep.interrupted", error=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), EVERY_SECONDS)

    async def round(self) -> None:
        async with self._pool.acquire() as connection:
            async with connection.transaction():
                if released := await release_expired(connection, actor=ACTOR):
                    log.warning("sweep.leases_ran_out", messages=len(released))
            async with connection.transaction():
                await self._expire(connection)
            async with connection.transaction():
                await self._again(connection)
        if self._lists is not None and self._truth is not None:
            async with self._pool.acquire() as connection:
                await self._truth.begin(connection)
            async with self._pool.acquire() as connection, connection.transaction():
                due = await self._due_sms(connection)
                tried = await attempts.newest(connection, due)
            for message in due:
                await self._settle_sms(message, tried.get(message), self._lists, self._truth)

    async def _expire(self, connection: AnyConnection) -> None:
        rows = await connection.fetch(
            """SELECT id FROM dispatch.message WHERE status = 'composed' AND expires_at <= $1
               LIMIT 500 FOR UPDATE SKIP LOCKED""",
            self._clock.now(),
        )
        moves = [Move(row["id"], Status.EXPIRED, before=Status.COMPOSED, reason="expired") for row in rows]
        moved = await move(connection, moves, actor=ACTOR)
        await publish_ends(connection, moved, at=self._clock.now())

    async def _again(self, connection: AnyConnection) -> None:
        """Unknown e-mail and push go out again under the name they had."""
        rows = await connection.fetch(
            """SELECT id FROM dispatch.message
               WHERE status = 'unknown' AND channel <> 'sms' AND next_attempt_at <= clock_timestamp()
               LIMIT 500 FOR UPDATE SKIP LOCKED"""
        )
        moves = [
            Move(row["id"], Status.COMPOSED, before=Status.UNKNOWN, reason="same_name_again") for row in rows
        ]
        await move(connection, moves, actor=ACTOR)

    async def _due_sms(self, connection: AnyConnection) -> list[UUID]:
        """Take unknown SMS to look at; for a while no other replica does."""
        rows = await connection.fetch(
            """UPDATE dispatch.message m SET next_attempt_at = clock_timestamp() + $1::interval
               FROM (
                   SELECT id FROM dispatch.message
                   WHERE status = 'unknown' AND channel = $2 AND next_attempt_at <= clock_timestamp()
                   ORDER BY next_attempt_at LIMIT 20 FOR UPDATE SKIP LOCKED
               ) AS due WHERE m.id = due.id RETURNING m.id""",
            _SOFT_LEASE,
            Channel.SMS.value,
        )
        return [row["id"] for row in rows]

    async def _settle_sms(self, message: UUID, attempt: Attempt | None, lists: Lists, truth: Truth) -> None:
        if attempt is None or attempt.end in {AttemptEnd.REFUSED, AttemptEnd.LOST}:
            # The crash came before the request, or after a refusal.
            await self._move(Move(message, Status.COMPOSED, before=Status.UNKNOWN, reason="never_accepted"))
            return
        if attempt.end is AttemptEnd.ACCEPTED:
            await self._move(
                Move(message, Status.ACCEPTED, before=Status.UNKNOWN, provider_id=attempt.provider_id)
            )
            return
        wait = next_ask(attempt.age)  # before the call: the list was read no earlier than that
        try:
            found = await lists.find(attempt.number, attempt.text, attempt.started_at - CLOCK_SKEW)
            if wait is None and not await self._listed(found):
                known = await self._control(attempt)
                trust = await truth.trust(known, attempt)
                if trust is not Trust.BELIEVED:
                    await self._doubtful(message, trust)
                    return
        except ListUnavailable:
            await self._stays_unknown(message, "sms_list_unreachable")
            return
        async with self._pool.acquire() as connection, connection.transaction():
            taken = await attempts.attached(connection, [row.provider_id for row in found])
            free = sorted(
                (row for row in found if row.provider_id not in taken), key=lambda row: row.created_at
            )
            if free:
                await self._adopt(connection, message, attempt, free[0])
                return
            await attempts.asked(connection, attempt.attempt)
            if wait is not None:
                await _look_again(connection, message, wait)
            elif await attempts.end(connection, [(message, AttemptEnd.LOST, None)]):
                log.info("sms.not_accepted", message=str(message))
                lost = Move(message, Status.COMPOSED, before=Status.UNKNOWN, reason="not_listed")
                await move(connection, [lost], actor=ACTOR)

    async def _adopt(self, connection: AnyConnection, message: UUID, attempt: Attempt, row: Found) -> None:
        """The gateway has it: the row is this message's from now on."""
        if not await attempts.end(connection, [(message, AttemptEnd.ACCEPTED, row.provider_id)]):
            return  # its sender came back and settled it meanwhile
        log.info("sms.adopted", message=str(message))
        accepted = Move(
            message,
            Status.ACCEPTED,
            before=Status.UNKNOWN,
            reason="found_in_list",
            provider_id=row.provider_id,
            cost=row.cost,
        )
        await move(connection, [accepted], actor=ACTOR, school_now=self._clock.now())
        school = await connection.fetchval("SELECT school FROM dispatch.message WHERE id = $1", message)
        await self._budget.add(connection, [Spending(school, segments(attempt.text), row.cost or 0.0)])

    async def _listed(self, found: Sequence[Found]) -> bool:
        """Whether one of these rows is nobody's yet."""
        async with self._pool.acquire() as connection:
            taken = await attempts.attached(connection, [row.provider_id for row in found])
        return any(row.provider_id not in taken for row in found)

    async def _control(self, attempt: Attempt) -> attempts.Control | None:
        async with self._pool.acquire() as connection:
            return await attempts.control(connection, SMS_ASKS[-1], after=attempt.started_at)

    async def _doubtful(self, message: UUID, trust: Trust) -> None:
        if trust is Trust.LIES:
            await self._stays_unknown(message, "sms_list_lies")
            return
        async with self._pool.acquire() as connection:
            await _look_again(connection, message, LIST_AGAIN)

    async def _stays_unknown(self, message: UUID, kind: str) -> None:
        log.error("sms.stays_unknown", message=str(message), because=kind)
        now = self._clock.now()
        async with self._pool.acquire() as connection, connection.transaction():
            await _look_again(connection, message, LIST_AGAIN)
            alerted = self._alerted_at.get(kind)
            if alerted is None or now - alerted > _ALERT_EVERY:
                await notify_staff(connection, kind=kind, at=now)
                self._alerted_at[kind] = now

    async def _move(self, one: Move) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            await move(connection, [one], actor=ACTOR, school_now=self._clock.now())


async def _look_again(connection: AnyConnection, message: UUID, wait: timedelta) -> None:
    await connection.execute(
        """UPDATE dispatch.message SET next_attempt_at = clock_timestamp() + $2::interval
           WHERE id = $1 AND status = 'unknown'""",
        message,
        wait,
    )
