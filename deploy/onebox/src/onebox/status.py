"""`vestnik status`: what waits, what is late, and the ledger's sum."""

from datetime import timedelta

from rich.console import Console
from rich.table import Table

from dispatcher import ledger
from dispatcher.ledger import Deadlines, Queue, Sum
from onebox import words
from onebox.acts import acting
from shared.service import Context
from shared.topics import Service

Status = tuple[list[Queue], Deadlines, Sum]


async def read_status(context: Context) -> Status:
    now = context.clock.now()
    async with acting(context, Service.DISPATCHER) as pool, pool.acquire() as connection:
        return (
            await ledger.queues(connection, now),
            await ledger.deadlines(connection, now),
            await ledger.add_up(connection),
        )


def show_status(status: Status, console: Console) -> None:
    queues, deadlines, total = status
    table = Table("Канал", "Ждут", "Отправляются", "Исход неясен", "Старейшее ждёт", "")
    for queue in queues:
        paused = f"остановлен: {queue.paused}" if queue.paused else ""
        oldest = _age(queue.oldest) if queue.oldest is not None else ""
        numbers = (str(queue.waiting), str(queue.sending), str(queue.unknown))
        table.add_row(words.CHANNELS[queue.channel], *numbers, oldest, paused)
    console.print(table)
    console.print(f"Сроки: просрочено {deadlines.late}, на исходе {deadlines.at_risk}")
    parts = " + ".join(f"{words.LEDGER[name]} {number}" for name, number in total.columns.items())
    console.print(f"Книга учёта: решений {total.decisions} = {parts}")


def _age(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    return f"{minutes // 60} ч {minutes % 60:02d} мин"
