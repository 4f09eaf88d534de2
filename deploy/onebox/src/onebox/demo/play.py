"""`vestnik demo`: the week of a small school on the accelerated clock, then the account of it."""

import asyncio
import shutil
import socket
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from onebox.demo.account import Account, show, take_account
from onebox.demo.installation import CommandFailed, Installation, installation
from sandbox.faults import NO_SUCH_MAILBOX
from sandbox.journal import Journal, Moment, School, Size, build, week, write_registry
from sandbox.world import World
from shared.clock import AcceleratedClock

RATE = 7_500.0  # school seconds in a real one: a school week takes about a minute
LEAD = timedelta(seconds=9)  # real time between the start of the services and Monday morning
MOSCOW = ZoneInfo("Europe/Moscow")
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


async def play(out: Path, console: Console) -> Account:
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    async with World(out=out) as world:
        school = build(size=Size(classes=3, pupils=22, rate=2.5), subscriptions=world.push.subscribe)
        world.inbox.faults.add(NO_SUCH_MAILBOX, to="no-such-mailbox*", on="rcpt")
        write_registry(out / "registry", school, encoding="windows-1251", delimiter=";")
        start = datetime(2026, 11, 23, 6, 30, tzinfo=MOSCOW)
        clock = AcceleratedClock(start.astimezone(UTC), datetime.now(UTC) + LEAD, RATE)
        port = free_port()
        settings = {
            **world.settings(),
            "VESTNIK_DATA": str(out / "data"),
            "VESTNIK_MAIL_FROM": "Ильинская школа <dnevnik@ilinskaya.example>",
            "VESTNIK_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "VESTNIK_VAPID_SUBJECT": "mailto:dnevnik@ilinskaya.example",
            "VESTNIK_CLOCK_START": clock.start.isoformat(),
            "VESTNIK_CLOCK_ANCHOR": clock.anchor.isoformat(),
            "VESTNIK_CLOCK_RATE": str(clock.rate),
        }
        with console.status("Поднимаю базу и службы…"):
            async with installation(out, port, settings) as vestnik:
                console.print(f"Вестник работает на время показа: {vestnik.url}")
                return await _week(vestnik, world, school, clock, console)


async def _week(
    vestnik: Installation, world: World, school: School, clock: AcceleratedClock, console: Console
) -> Account:
    said = await vestnik.run("registry", "import", str(vestnik.folder / "registry"))
    console.print(said.strip())
    key = (await vestnik.run("token", "create", "--school", school.id, "--journal", "main")).strip()
    moments = list(week(school))
    ends = datetime(2026, 11, 28, 20, 0, tzinfo=MOSCOW)
    async with Journal(vestnik.url, key) as journal:
        await _post_in_time(journal, moments, clock, ends, console)
        told = journal.told
    with console.status("Дописываю последние сообщения…"):
        await settled(vestnik)
    paths = (await vestnik.run("print", "week", "--week", "2026-W48")).split()
    paper = vestnik.folder / "paper"
    paper.mkdir(exist_ok=True)
    for path in paths:
        shutil.copy(vestnik.folder / path, paper)
    await settled(vestnik)
    return await take_account(vestnik, world, told, sorted(paper.glob("*.pdf")))


async def _post_in_time(
    journal: Journal, moments: Sequence[Moment], clock: AcceleratedClock, ends: datetime, console: Console
) -> None:
    """Every event at its instant of school time, with the week's bar moving."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(40), TimeElapsedColumn())
    begins = clock.start
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=(ends - begins).total_seconds())
        sent = 0
        while (now := clock.now()) < ends:
            due = sent
            while due < len(moments) and moments[due].at <= now:
                due += 1
            if due > sent:
                await journal.post(moments[sent:due])
                sent = due
            local = max(now, begins).astimezone(MOSCOW)
            label = f"{WEEKDAYS[local.weekday()]} {local:%d.%m %H:%M}  изменений: {sent:4d}"
            progress.update(task, completed=max(0.0, (now - begins).total_seconds()), description=label)
            await asyncio.sleep(0.02)
        await journal.post(moments[sent:])
        progress.update(task, completed=(ends - begins).total_seconds())


async def settled(vestnik: Installation, patience: float = 40.0) -> None:
    """Waits until nothing is left to send today. Raises TimeoutError after `patience` real seconds."""
    async with asyncio.timeout(patience):
        while int(await vestnik.run("status", "--only", "in-hand")) > 0:  # noqa: ASYNC110 - another process is asked
            await asyncio.sleep(0.3)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
