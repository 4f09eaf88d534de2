"""`vestnik registry import DIR-or-ZIP`: both halves of the lists, with a bar and a report by line."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

import dispatcher.papers
import ingest.roster
from onebox.acts import acting
from shared.cells import latest_today
from shared.import_report import Report
from shared.list_source import open_lists
from shared.lists import Progress as Moved
from shared.service import Context
from shared.topics import Service


async def import_lists(path: Path, context: Context, console: Console) -> Report:
    """Imports the lists at `path` (`shared.list_source`); many refusals are in full in the data folder."""
    full = context.settings.data / "refused-lists.txt"
    full.unlink(missing_ok=True)  # the last import's: it names families, and it is not about these lists
    report = Report(full=full)
    today = latest_today(context.clock.now())
    with (
        _bars(console) if console.is_terminal else _lines(console) as moved,
        open_lists(path, report, moved, today=today) as lists,
    ):
        async with acting(context, Service.INGEST) as pool:
            await ingest.roster.import_lists(lists, pool, report, moved, today=today)
        async with acting(context, Service.DISPATCHER) as pool:
            forms = lru_cache(lambda school: context.settings.profile_of(school).consent_form)
            await dispatcher.papers.import_lists(lists, pool, report, moved, today=today, form_of=forms)
    return report


@contextmanager
def _bars(console: Console) -> Iterator[Moved]:
    """A bar for each file, for a person who waits."""
    columns = (
        TextColumn("{task.description:<26}"),
        BarColumn(30),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        tasks: dict[str, TaskID] = {}

        def moved(file: str, done: int, total: int) -> None:
            if file not in tasks:
                tasks[file] = progress.add_task(file, total=total)
            progress.update(tasks[file], completed=done, total=max(done, total))

        yield moved


@contextmanager
def _lines(console: Console) -> Iterator[Moved]:
    """A line for each tenth of a file, for a log."""
    told: dict[str, int] = {}

    def moved(file: str, done: int, total: int) -> None:
        tenths = 10 * done // max(total, 1)
        if tenths > told.get(file, 0):
            told[file] = tenths
            of = "" if done == total else f" из примерно {total}"
            console.print(f"{file}: {done}{of}", markup=False)

    yield moved


def show_report(report: Report, console: Console) -> None:
    """The table by file, then refusals by file, line and reason: the first of each file, how many more
    there are, and where all of them can be read."""
    table = Table("Файл", "Строк", "Изменено", "Отказано")
    for file, count in report.files.items():
        table.add_row(file, str(count.read), str(count.changed), str(count.refused or ""))
    console.print(table)
    for note in report.notes:
        console.print(note, markup=False)
    shown = defaultdict(list)
    for refusal in report.refusals:
        shown[refusal.file].append(refusal)
    for file, refusals in shown.items():
        for refusal in refusals:
            console.print(str(refusal), markup=False, soft_wrap=True)
        if (more := report.files[file].refused - len(refusals)) > 0:
            console.print(f"{file}: и ещё отказов: {more}", markup=False)
    if report.written is not None:
        console.print(f"Все отказы, по одному в строке: {report.written}", markup=False, soft_wrap=True)
    if report.refused:
        console.print(
            f"Отказано строк: {report.refused}; остальное загружено. Исправьте эти строки и загрузите "
            "те же файлы ещё раз: загруженное не повторится.",
            soft_wrap=True,
        )
