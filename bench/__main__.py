"""`make bench`: planning and sending beside their ceilings, and the whole way of immediate news on both
buses. `make soak`: a million messages through the same processes."""

import argparse
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime

import uvloop
from rich.console import Console
from rich.table import Table

from bench import immediate, planning, registry, sending, soak
from bench.ground import enrol, ground, region
from bench.load import CHANGES_A_REQUEST, FAMILIES
from bench.usage import Usage
from shared import logging

console = Console(highlight=False, width=140)


async def speed(changes: int, processes: int) -> None:
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
    console.print(table)


async def latency(bus: str, processes: int, rate: float) -> None:
    async with ground(kafka=bus == "kafka") as at:
        schools = region(schools=10, classes=40, pupils=25, rate=6.0, shares=FAMILIES)
        await enrol(at, schools)
        console.print(
            f"Срочное, шина {bus}: {rate:.0f} изменений в с, по {CHANGES_A_REQUEST} в запросе; "
            f"разгон {immediate.RAMP_UP_SECONDS:.0f} с не в счёт, затем {immediate.SECONDS:.0f} с…"
        )
        found = await immediate.measure(at, schools, replicas=processes, rate=rate)
    table = Table("от 202 до приёма шлюзом, с", "сообщений", "p50", "p95", "p99", "дольше всех")
    for name, way in (*found.ways.items(), *found.stages.items(), ("запрос → 202", found.answers)):
        seconds = (way.p50, way.p95, way.p99, way.longest)
        table.add_row(name, str(way.count), *(f"{one:.3f}" for one in seconds))
    console.print(table)
    console.print(_usage(found.usage))
    console.print(
        f"Запросов повторено: {found.repeated}. Очередь к процессору в среднем: {found.load_average:.1f}."
    )


async def idleness(bus: str, processes: int) -> None:
    async with ground(kafka=bus == "kafka") as at:
        schools = region(schools=1, classes=10, pupils=25, rate=6.0, shares=FAMILIES)
        await enrol(at, schools)
        used = await immediate.idle(at, schools, replicas=processes)
    console.print(f"Ничего не происходит, шина {bus}:", _usage(used))


def _usage(found: Mapping[str, Usage]) -> Table:
    table = Table("процесс", "ядер", "память, МБ")
    for name, used in found.items():
        table.add_row(name, f"{used.cores:.3f}", f"{used.megabytes:.0f}")
    return table


async def endurance(messages: int, every: int) -> None:
    async with ground(kafka=False) as at:
        console.print("Списки: 10 школ, 10 000 учеников…")
        await enrol(at, region(schools=10, classes=40, pupils=25, rate=6.0))

        def say(mark: soak.Mark) -> None:
            held = ", ".join(f"{one:.0f}" for one in mark.megabytes)
            console.print(f"{mark.messages:>9} сообщений: {mark.per_second:.0f} в секунду, память {held} МБ")

        await soak.run(at, messages, say, every=every)


async def lists(pupils: int) -> None:
    async with ground(kafka=False) as at:
        found = await registry.measure(at, pupils)
    table = Table("списки: учеников", "строк", "файлы, МБ", "секунд", "с ЦП", "память команды, МБ")
    figures = (found.seconds, found.cpu, found.peak_megabytes)
    table.add_row(str(pupils), str(found.rows), f"{found.megabytes:.1f}", *(f"{one:.1f}" for one in figures))
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--changes", type=int, default=30_000)
    parser.add_argument("--processes", type=int, default=2, help="dispatcher processes")
    parser.add_argument("--rate", type=float, default=immediate.RATE, help="immediate changes a second")
    parser.add_argument("--only", choices=("speed", "kafka", "postgres", "idle"), help="one of the parts")
    parser.add_argument("--soak", type=int, metavar="MESSAGES", help="this instead: so many messages")
    parser.add_argument("--registry", type=int, metavar="PUPILS", help="this instead: import of such lists")
    arguments = parser.parse_args()
    logging.configure("error")
    console.print(
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} ядра, {platform.machine()}, "
        f"Python {platform.python_version()}"
    )
    if arguments.registry:
        uvloop.run(lists(arguments.registry))
        return
    if arguments.soak:
        uvloop.run(endurance(arguments.soak, arguments.soak // 10))
        return
    if arguments.only in {None, "speed"}:
        uvloop.run(speed(arguments.changes, arguments.processes))
    if arguments.only in {None, "idle"}:
        uvloop.run(idleness("postgres", 1))
    for bus in ("kafka", "postgres"):
        if arguments.only in {None, bus}:
            uvloop.run(latency(bus, arguments.processes, arguments.rate))


if __name__ == "__main__":
    main()
