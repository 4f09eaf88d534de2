"""`vestnik status`: what waits, how fast it goes, what is late, the ledger's sum, and what the staff
should have been told."""

from dataclasses import dataclass
from datetime import timedelta

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dispatcher import deadlines, ledger
from dispatcher.deadlines import SAID, Deadlines, Open, State
from dispatcher.ledger import Queue, Sum
from dispatcher.notices.store import Untold, untold
from onebox import words
from onebox.acts import acting
from shared.categories import Channel
from shared.service import Context
from shared.topics import Service

_NEWEST = 5
_MOST_OVERDUE = 5


@dataclass(frozen=True, slots=True)
class Status:
    """`rates`: messages accepted a minute. `overdue`: what is late or about to be, the most urgent first.
    `untold`: notices by kind; `newest` of them first."""

    queues: list[Queue]
    rates: dict[Channel, float]
    deadlines: Deadlines
    overdue: list[Open]
    total: Sum
    untold: dict[str, int]
    newest: list[Untold]


async def read_status(context: Context) -> Status:
    now = context.clock.now()
    async with acting(context, Service.DISPATCHER) as pool, pool.acquire() as connection:
        counts, newest = await untold(connection, _NEWEST)
        return Status(
            queues=await ledger.queues(connection, now),
            rates=await ledger.rates(connection),
            deadlines=await deadlines.count(connection, now),
            overdue=await deadlines.page(connection, now, limit=_MOST_OVERDUE),
            total=await ledger.add_up(connection),
            untold=counts,
            newest=newest,
        )


def show_status(status: Status, console: Console) -> None:
    table = Table("Канал", "Ждут", "Отправляются", "Исход неясен", "Старейшее ждёт", "Принято в минуту", "")
    for queue in status.queues:
        paused = f"остановлен: {escape(queue.paused)}" if queue.paused else ""
        oldest = _age(queue.oldest) if queue.oldest is not None else ""
        numbers = (str(queue.waiting), str(queue.sending), str(queue.unknown))
        rate = f"{status.rates[queue.channel]:.1f}".replace(".", ",")
        table.add_row(words.CHANNELS[queue.channel], *numbers, oldest, rate, paused)
    console.print(table)
    console.print(f"Сроки: просрочено {status.deadlines.late}, на исходе {status.deadlines.at_risk}")
    for one in status.overdue:
        console.print(f"  {_overdue(one)}")
    parts = " + ".join(f"{words.LEDGER[name]} {number}" for name, number in status.total.columns.items())
    console.print(f"Книга учёта: решений {status.total.decisions} = {parts}")
    _show_untold(status, console)


def _show_untold(status: Status, console: Console) -> None:
    if not status.untold:
        console.print("Сотрудникам сообщено обо всём")
        return
    counts = ", ".join(f"{_kind(kind)} {number}" for kind, number in status.untold.items())
    console.print(f"Сотрудникам ещё не сообщено: {counts}")
    for one in status.newest:
        where = ", ".join(escape(name) for name in (one.school, one.class_name) if name)
        because = words.UNTOLD[one.because] if one.because else "ждёт письма"
        about = f"{_kind(one.kind)} ({where})" if where else _kind(one.kind)
        console.print(f"  {one.at.astimezone():%d.%m %H:%M} {about}: {because}")


def _overdue(one: Open) -> str:
    late = "просрочено" if one.state is State.LATE else "на исходе"
    why = SAID[one.why]
    if one.detail:
        why = f"{why}: {words.REASONS.get(one.detail, one.detail)}"
    what = f"{words.CATEGORIES[one.category]}, {words.CHANNELS[one.channel]}"
    return escape(
        f"{late}, срок {one.deadline.astimezone():%d.%m %H:%M}: {one.school}, законный представитель "
        f"{one.guardian}, {what}; {why}"
    )


def _kind(kind: str) -> str:
    return words.NOTICES.get(kind) or escape(kind)


def _age(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    return f"{minutes // 60} ч {minutes % 60:02d} мин"
