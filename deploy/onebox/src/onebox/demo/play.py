"""`vestnik demo`: the week of a small school on the accelerated clock, then the account of it."""

import asyncio
import shutil
import socket
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import asyncpg
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from onebox.demo.account import Account, take_account
from onebox.demo.installation import CommandFailed, Installation, clean_environment, installation
from onebox.demo.screen import show
from onebox.environment import embedded
from sandbox.faults import NO_SUCH_MAILBOX
from sandbox.journal import Journal, Moment, School, Size, build, week, write_registry
from sandbox.world import World
from shared.clock import AcceleratedClock
from shared.db import connect

RATE = 7_500.0  # school seconds in a real one: a school week takes about a minute
SIZE = Size(classes=3, pupils=22, rate=2.5)
LEAD = timedelta(seconds=6)  # real time for the services to start before Monday morning
MOSCOW = ZoneInfo("Europe/Moscow")
START = datetime(2026, 11, 23, 6, 30, tzinfo=MOSCOW)
ENDS = datetime(2026, 11, 28, 20, 0, tzinfo=MOSCOW)
WEEK = "2026-W48"
WEEKDAYS = ("пн", "вт", "ср", "чт", "пт", "сб", "вс")


def run_demo(out: Path) -> int:
    """Plays into `out`; 0 when the database and what arrived agree, else 1."""
    console = Console(highlight=False)
    try:
        account = asyncio.run(play(out.absolute(), console))
    except (CommandFailed, TimeoutError) as failed:
        console.print(f"[red]Показ прерван.[/red] {failed}")
        console.print(f"Журнал служб: {out / 'vestnik.log'}")
        return 1
    show(account, console, out)
    return 0 if account.agrees else 1


PATIENCE = 40.0
"""Real seconds for what is due to be done after the week."""


async def play(
    out: Path,
    console: Console,
    *,
    size: Size = SIZE,
    rate: float = RATE,
    log_level: str = "info",
    patience: float = PATIENCE,
) -> Account:
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    async with World(out=out) as world, embedded(out / "data"):
        school = build(size=size, subscriptions=world.push.subscribe)
        world.inbox.faults.add(NO_SUCH_MAILBOX, to="no-such-mailbox*", on="rcpt")
        write_registry(out / "registry", school, encoding="windows-1251", delimiter=";")
        port = free_port()
        settings = {
            **world.settings(),
            "VESTNIK_DATA": str(out / "data"),
            "VESTNIK_MAIL_FROM": "Ильинская школа <dnevnik@ilinskaya.example>",
            "VESTNIK_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "VESTNIK_VAPID_SUBJECT": "mailto:dnevnik@ilinskaya.example",
            "VESTNIK_LOG_LEVEL": log_level,
        }
        eve = {"VESTNIK_CLOCK_START": START.isoformat()}  # papers of this year are not yet signed before it
        beforehand = Installation("", clean_environment({**settings, **eve}), out)
        with console.status("Готовлю базу и загружаю списки школы…"):
            await beforehand.run("migrate")
            console.print((await beforehand.run("registry", "import", str(out / "registry"))).strip())
            token = await beforehand.run("token", "create", "--school", school.id, "--journal", "main")
        clock = AcceleratedClock(START.astimezone(UTC), datetime.now(UTC) + LEAD, rate)
        settings |= {
            "VESTNIK_CLOCK_START": clock.start.isoformat(),
            "VESTNIK_CLOCK_ANCHOR": clock.anchor.isoformat(),
            "VESTNIK_CLOCK_RATE": str(clock.rate),
        }
        console.print(f"Вестник работает на время показа: http://127.0.0.1:{port}")
        async with installation(out, port, settings) as vestnik:
            return await _week(vestnik, world, school, token.strip(), clock, console, patience)


async def _week(
    vestnik: Installation,
    world: World,
    school: School,
    token: str,
    clock: AcceleratedClock,
    console: Console,
    patience: float,
) -> Account:
    async with Journal(vestnik.url, token) as journal:
        await _post_in_time(journal, list(week(school)), clock, console)
        told = journal.told
    with console.status("Досылаю последнее и собираю листы…"):
        await settled(vestnik, clock, patience)
        paths = (await vestnik.run("print", "week", "--week", WEEK)).split()
        paper = out_folder(vestnik.folder / "paper")
        for path in paths:
            shutil.copy(vestnik.folder / path, paper)
        await settled(vestnik, clock, patience)
        return await take_account(vestnik, world, told, sorted(paper.glob("*.pdf")))


async def _post_in_time(
    journal: Journal, moments: Sequence[Moment], clock: AcceleratedClock, console: Console
) -> None:
    """Every event at its instant of school time, with the week's bar moving."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(40), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=(ENDS - START).total_seconds())
        sent = 0
        while (now := clock.now()) < ENDS:
            due = sent
            while due < len(moments) and moments[due].at <= now:
                due += 1
            if due > sent:
                await journal.post(moments[sent:due])
                sent = due
            local = max(now, START).astimezone(MOSCOW)
            label = f"{WEEKDAYS[local.weekday()]} {local:%d.%m %H:%M}  изменений: {sent:4d}"
            progress.update(task, completed=max(0.0, (now - START).total_seconds()), description=label)
            await asyncio.sleep(0.02)
        await journal.post(moments[sent:])
        progress.update(task, completed=(ENDS - START).total_seconds())


async def settled(vestnik: Installation, clock: AcceleratedClock, patience: float) -> None:
    """Waits until nothing that is due is left in hand. Raises TimeoutError after `patience` real seconds."""
    async with embedded(vestnik.data) as url:
        connection = await connect(url)
        try:
            async with asyncio.timeout(patience):
                while await _in_hand(connection, clock):  # noqa: ASYNC110 - other processes do it
                    await asyncio.sleep(0.2)
        finally:
            await connection.close()


async def _in_hand(connection: asyncpg.Connection, clock: AcceleratedClock) -> bool:
    unplanned = await connection.fetchval(
        """SELECT count(*) FROM ingest.inbox i LEFT JOIN dispatch.change USING (change)
           WHERE NOT i.stale AND dispatch.change.change IS NULL"""
    )
    due = await connection.fetchval(
        """SELECT count(*) FROM dispatch.decision
           WHERE verdict = 'tell' AND message IS NULL AND cancelled_by IS NULL AND due_at <= $1""",
        clock.now(),
    )
    going = await connection.fetchval(
        """SELECT count(*) FROM dispatch.message WHERE status IN ('composed', 'sending', 'unknown')
           OR (status = 'accepted' AND channel = 'sms')"""
    )
    staff = await connection.fetchval(
        "SELECT count(*) FROM dispatch.notice_letter WHERE ended_at IS NULL AND attempts > 0"
    )
    return bool(unplanned or due or going or staff)


def out_folder(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
