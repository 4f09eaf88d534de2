"""From kept mail to its consequences: one mail, one transaction, any number of replicas.

What a mail says is done and noted together, so that a crash at any instant repeats or loses nothing.
"""

import asyncio
import contextlib
from datetime import timedelta
from uuid import UUID

import asyncpg
import structlog

from dispatcher.bounces.intake import Intake, Ours
from dispatcher.bounces.report import parsed, read
from dispatcher.bounces.verdict import REST, Judged, Verdict, verdict
from dispatcher.channels.verp import Returned
from dispatcher.notices import store as notices
from dispatcher.outcomes import notify_staff
from dispatcher.sending.failures import Later, failed_later
from dispatcher.sending.suppression import Source, Stop, suppress
from dispatcher.sending.unsubscribe import stop as unsubscribe
from dispatcher.texts.links import Links
from shared.bus.faults import passes
from shared.categories import Channel
from shared.clock import Clock
from shared.db import AnyConnection

log = structlog.get_logger()

POLL_SECONDS = 2.0
AGAIN = timedelta(seconds=5)
"""When the letter it speaks of is just being settled."""
ATTEMPTS = 120
"""Looks at one mail before it is settled without its letter, or given to a person."""
KEEP = timedelta(days=30)
DEAD_AT_MOST = 1_000
_PURGE_EVERY = 1_800  # polls


class Worker:
    """Runs until stopped; `wake` when there is new mail."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock, *, intake: Intake, links: Links) -> None:
        self._pool = pool
        self._clock = clock
        self._intake = intake
        self._links = links
        self._awake = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        self._awake.set()

    def stop(self) -> None:
        self._stopping = True
        self.wake()

    async def run(self) -> None:
        polls = 0
        while not self._stopping:
            self._awake.clear()
            try:
                while not self._stopping and await self.round():
                    pass
                if polls % _PURGE_EVERY == 0:
                    await self.purge()
                polls += 1
            except Exception as error:  # noqa: BLE001 - one mail is never the end of the others
                kind = type(error).__name__
                (log.warning if passes(error) else log.error)("bounces.interrupted", error=kind)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._awake.wait(), POLL_SECONDS)

    async def round(self) -> bool:
        """Settle one mail that is due; False when there is none."""
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(_TAKE, AGAIN)
            if row is None:
                return False
            try:
                async with connection.transaction():
                    await self._settle(connection, row)
            except Exception as error:
                if passes(error):
                    raise
                # Nobody foresaw it. The traceback may quote the mail, so only its kind is kept.
                log.error("bounces.not_settled", error=type(error).__name__)  # noqa: TRY400
                if row["attempts"] >= ATTEMPTS:
                    await _done(
                        connection, row["id"], Judged(Verdict.DEAD, f"broken: {type(error).__name__}")
                    )
            return True

    async def purge(self) -> None:
        """What was settled a month ago goes, and so do the oldest beyond a thousand dead letters."""
        async with self._pool.acquire() as connection:
            await connection.execute(
                "DELETE FROM dispatch.returned_mail WHERE done_at < now() - $1::interval", KEEP
            )
            await connection.execute(
                """DELETE FROM dispatch.returned_mail WHERE id IN (
                       SELECT id FROM dispatch.returned_mail WHERE verdict = 'dead'
                       ORDER BY received_at DESC OFFSET $1)""",
                DEAD_AT_MOST,
            )

    async def _settle(self, connection: AnyConnection, row: asyncpg.Record) -> None:
        mail = parsed(row["content"])
        ours = self._intake.whose(row["recipient"], mail, row["content"])
        if ours is None:  # the installation's secret was changed
            await _done(connection, row["id"], Judged(Verdict.NOTHING, "not signed by us"))
            return
        if ours.unsubscribes is not None:
            await unsubscribe(connection, self._links, ours.unsubscribes)
            await _done(connection, row["id"], Judged(Verdict.UNSUBSCRIBED, "by mail"))
            return
        judged = verdict(read(mail))
        if await self._follow(connection, ours, judged) is Later.NOT_YET and row["attempts"] < ATTEMPTS:
            return  # due again by now
        assert ours.letter is not None
        await _done(connection, row["id"], judged, ours.letter.message)
        log.info("bounces.settled", verdict=judged.verdict.value, message=str(ours.letter.message))

    async def _follow(self, connection: AnyConnection, ours: Ours, judged: Judged) -> Later:
        letter = ours.letter
        assert letter is not None
        if judged.verdict in {Verdict.NOTHING, Verdict.DEAD}:
            return Later.NOTHING
        school = await connection.fetchval(
            "SELECT school FROM dispatch.message WHERE id = $1", letter.message
        )
        if school is None:
            await notices.bounced(connection, letter.message, judged.reason)
            return Later.NOTHING
        address = await self._address(connection, letter)
        match judged.verdict:
            case Verdict.COMPLAINT:
                if address is not None:
                    stop = Stop(school, Channel.EMAIL, address, judged.reason, Source.COMPLAINT)
                    await suppress(connection, [stop])
                return Later.NOTHING
            case Verdict.REFUSED:
                await self._tell_operators(connection, school, judged.reason)
                address = None
        return await failed_later(
            connection,
            letter.message,
            address,
            judged.reason,
            Source.BOUNCE,
            self._clock,
            attempt=letter.token,
            rest=REST if judged.verdict is Verdict.RESTS else None,
        )

    async def _address(self, connection: AnyConnection, letter: Returned) -> str | None:
        """The contact the letter went to, as it is written; None when it is a contact no more."""
        rows = await connection.fetch(
            """SELECT c.address FROM consent.contact c
               JOIN dispatch.message m USING (school, guardian, channel) WHERE m.id = $1""",
            letter.message,
        )
        return next(
            (row["address"] for row in rows if self._intake.verp.digest(row["address"]) == letter.address),
            None,
        )

    async def _tell_operators(self, connection: AnyConnection, school: str, reason: str) -> None:
        """Once a day for each reason."""
        told = await connection.fetchval(
            """SELECT true FROM dispatch.returned_mail r JOIN dispatch.message m ON m.id = r.message
               WHERE r.verdict = $1 AND r.done_at > now() - interval '1 day'
                 AND m.school = $2 AND r.reason = $3 LIMIT 1""",
            Verdict.REFUSED.value,
            school,
            reason,
        )
        if not told:
            await notify_staff(
                connection, kind="mail_refused", at=self._clock.now(), school=school, reason=reason
            )


_TAKE = """
UPDATE dispatch.returned_mail SET attempts = attempts + 1, next_attempt_at = clock_timestamp() + $1::interval
WHERE id = (
    SELECT id FROM dispatch.returned_mail WHERE done_at IS NULL AND next_attempt_at <= clock_timestamp()
    ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING id, recipient, content, attempts
"""


async def _done(connection: AnyConnection, mail: UUID, judged: Judged, message: UUID | None = None) -> None:
    """Noted, and forgotten but for what a person is to read."""
    await connection.execute(
        """UPDATE dispatch.returned_mail SET
               done_at = clock_timestamp(), verdict = $2, reason = $3, message = $4,
               content = CASE WHEN $2 = 'dead' THEN substring(content FOR 65536) END
           WHERE id = $1 AND done_at IS NULL""",
        mail,
        judged.verdict.value,
        judged.reason,
        message,
    )
