"""Sending: composed messages → rendered, handed to Postfix's smtp-sink, settled. Ceiling: one canned
letter of the same size over the same pool, nothing read, rendered or written."""

import asyncio
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from uuid import uuid4

import asyncpg

from bench.ground import NOON, Ground, spawn, until
from bench.usage import cpu_seconds, peak_megabytes
from dispatcher.channels.base import Accepted, Parcel
from dispatcher.channels.email import EmailChannel
from dispatcher.sending.sender import WIDTHS
from shared.categories import Channel

EVENING = NOON.replace(hour=19)
SINK = shutil.which("smtp-sink") or shutil.which("smtp-sink", path="/usr/sbin")


@dataclass(frozen=True, slots=True)
class Sent:
    messages: int
    items: float
    composed_per_second: float
    per_second: float
    ceiling: float
    processes: int
    cpu: float
    megabytes: float


async def measure(at: Ground, processes: int) -> Sent:
    """Sends everything that was planned before as this evening's digests."""
    if SINK is None:
        raise SystemExit("smtp-sink is not installed (Debian: postfix)")
    connection = await asyncpg.connect(at.database)
    sink = subprocess.Popen(
        [SINK, "-u", "nobody", "127.0.0.1:2525", "1000"], stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        composed = await _compose(at, connection)
        messages = await connection.fetchval("SELECT count(*) FROM dispatch.message")
        items = await connection.fetchval("SELECT count(*) FROM dispatch.decision WHERE message IS NOT NULL")
        senders = [
            spawn("dispatcher", _evening(at, sink=2525), "--port", str(8200 + number))
            for number in range(processes)
        ]
        try:

            async def begun() -> bool:
                return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM dispatch.message_history)"))

            await until(begun)
            spent = -sum(cpu_seconds(one.pid) for one in senders)

            async def done() -> bool:
                left = "SELECT count(*) FROM dispatch.message WHERE status IN ('composed', 'sending')"
                return await connection.fetchval(left) == 0

            await until(done, every=0.1)
            spent += sum(cpu_seconds(one.pid) for one in senders)
            megabytes = max(peak_megabytes(one.pid) for one in senders)
        finally:
            for one in senders:
                one.send_signal(signal.SIGTERM)
            for one in senders:
                one.wait(30)
        accepted = await connection.fetchval(
            "SELECT count(*) FROM dispatch.message WHERE status = 'accepted'"
        )
        if accepted != messages:
            raise SystemExit(f"only {accepted} of {messages} messages were accepted")
        seconds = await connection.fetchval(
            """SELECT extract(epoch FROM max(at) FILTER (WHERE to_status = 'accepted')
                                         - min(at) FILTER (WHERE to_status = 'sending'))
               FROM dispatch.message_history"""
        )
        ceiling = await _ceiling(messages)
        return Sent(
            messages,
            items / messages,
            composed,
            messages / float(seconds),
            ceiling,
            processes,
            spent / messages * 1000,
            megabytes,
        )
    finally:
        sink.kill()
        await connection.close()


def _evening(at: Ground, *, sink: int) -> dict[str, str]:
    return at.environment(
        VESTNIK_CLOCK_START=EVENING.isoformat(), VESTNIK_SMTP_URL=f"smtp://127.0.0.1:{sink}"
    )


async def _compose(at: Ground, connection: asyncpg.Connection) -> float:
    """Messages composed a second, by the dispatcher with its e-mail held back by an operator's pause."""
    await connection.execute(
        "INSERT INTO dispatch.channel_pause (channel, reason, by) VALUES ('email', 'bench', 'bench')"
    )
    process = spawn("dispatcher", _evening(at, sink=1), "--port", "8200")
    try:

        async def done() -> bool:
            return not await connection.fetchval(
                """SELECT EXISTS (SELECT FROM dispatch.decision
                   WHERE verdict = 'tell' AND message IS NULL AND cancelled_by IS NULL AND due_at <= $1)""",
                EVENING,
            )

        await until(done, every=0.1)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    row = await connection.fetchrow(
        "SELECT count(*), extract(epoch FROM max(composed_at) - min(composed_at)) FROM dispatch.message"
    )
    assert row is not None
    await connection.execute("DELETE FROM dispatch.channel_pause")
    return row[0] / max(float(row[1]), 0.001)


async def _ceiling(messages: int) -> float:
    body = b"\r\n".join([b"x" * 76] * 90)
    canned = b"From: <school@school.example>\r\nTo: <parent@mail.example>\r\nSubject: x\r\n\r\n" + body
    calls = WIDTHS[Channel.EMAIL].calls
    channel = EmailChannel("smtp://127.0.0.1:2525", mail_from="school@school.example", connections=calls)
    await channel.start()
    left = messages

    async def worker() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            outcome = await channel.send(Parcel(uuid4(), "school-0", ("parent@mail.example",), canned, False))
            assert isinstance(outcome, Accepted), outcome

    began = time.monotonic()
    await asyncio.gather(*(worker() for _ in range(calls)))
    seconds = time.monotonic() - began
    await channel.close()
    return messages / seconds
