"""`make bench`: planning and sending, each beside its ceiling, in one run on one machine."""

import argparse
import os
import platform
from datetime import UTC, datetime

import uvloop
from rich.console import Console
from rich.table import Table

from bench import planning, sending
from bench.ground import enrol, ground, region
from shared import logging


async def run(changes: int, processes: int) -> None:
    console = Console(highlight=False)
    async with ground() as at:
        schools = region(schools=10, classes=40, pupils=25, rate=6.0)
        console.print("Списки: 10 школ, 10 000 учеников…")
        await enrol(at, schools)
        console.print(f"Планирование: {changes} изменений из Kafka…")
        planned = await planning.measure(at, schools, changes)
        console.print("Отправка: вечерние письма в smtp-sink…")
        sent = await sending.measure(at, processes)
    table = Table("что", "в секунду", "потолок", "доля", "с ЦП на 1000", "память, МБ")
    table.add_row(
        f"план: изменений ({planned.changes}, решений {planned.decisions})",
        f"{planned.per_second:.0f}",
        f"{planned.ceiling:.0f}",
        f"{planned.per_second / planned.ceiling:.0%}",
        f"{planned.cpu:.2f}",
        f"{planned.megabytes:.0f}",
    )
    table.add_row(f"сборка сообщений ({sent.messages})", f"{sent.composed_per_second:.0f}", "", "", "", "")
    table.add_row(
        f"отправка: писем ({sent.messages}, записей в письме {sent.items:.1f}, процессов {sent.processes})",
        f"{sent.per_second:.0f}",
        f"{sent.ceiling:.0f}",
        f"{sent.per_second / sent.ceiling:.0%}",
        f"{sent.cpu:.2f}",
        f"{sent.megabytes:.0f}",
    )
    console.print(
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} ядра, {platform.machine()}, "
        f"Python {platform.python_version()}"
    )
    console.print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--changes", type=int, default=30_000)
    parser.add_argument("--processes", type=int, default=2, help="dispatcher processes that send")
    arguments = parser.parse_args()
    logging.configure("error")
    uvloop.run(run(arguments.changes, arguments.processes))
