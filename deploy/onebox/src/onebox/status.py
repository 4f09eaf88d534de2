"""`vestnik status`: what waits, how fast it goes, what is late, the ledger's sum and whether it agrees
with everything else, and what the staff should have been told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dispatcher import deadlines, ledger, reconcile, unreachable, words
from dispatcher.deadlines import SAID, Deadlines, Open, State
from dispatcher.desk import undecided
from dispatcher.erasing.job import Pending, pending
from dispatcher.ledger import Period, Queue, Sum
from dispatcher.ledger_rows import period_of
from dispatcher.notices.store import Untold, untold
from dispatcher.providers import Month, Standing, spendings, standings
from dispatcher.reconcile import Discrepancy, Lag
from dispatcher.sending.gate import limits_of
from dispatcher.unreachable import Instead
from ingest.inbox import published
from onebox.acts import UnknownSchool, acting
from onebox.status_providers import show_providers
from shared.categories import Channel
from shared.db import AnyConnection
from shared.service import Context
from shared.topics import Service

_NEWEST = 5
_MOST_OVERDUE = 5
_NAMED = 20
_PLANNED_BY_NOW = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Status:
    """`rates`: messages accepted a minute. `overdue`: what is late or about to be, the most urgent first.
    `unreachable`: guardians no channel leads to, by what they get instead. `untold`: notices by kind;
    `newest` of them first. `undecided`: families without a decision, and those of them overdue (R-B9).
    `late` are changes that ingest took long ago and nobody planned."""

    queues: list[Queue]
    providers: list[Standing]
    months: list[Month]
    rates: dict[Channel, float]
    deadlines: Deadlines
    overdue: list[Open]
    unreachable: dict[Instead, int]
    total: Sum
    undecided: tuple[int, int]
    untold: dict[str, int]
    newest: list[Untold]
    erasures: Pending
    lag: Lag
    discrepancies: list[Discrepancy]
    late: list[UUID]

    @property
    def agrees(self) -> bool:
        return self.total.adds_up and not self.discrepancies and not self.late


async def read_status(
    context: Context, *, school: str | None = None, first: date | None = None, last: date | None = None
) -> Status:
    """The ledger and its check for the changes accepted on these days of school time, both included.
    Raises UnknownSchool."""
    now = context.clock.now()
    async with acting(context, Service.DISPATCHER) as pool, pool.acquire() as connection:
        if school is not None and not await connection.fetchval(
            "SELECT true FROM roster.school WHERE school = $1", school
        ):
            raise UnknownSchool(f"Школы «{school}» нет в списках.")
        counts, newest = await untold(connection, _NEWEST)
        period = await period_of(connection, school=school, first=first, last=last)
        return Status(
            queues=await ledger.queues(connection, now),
            providers=await standings(connection, limits_of(context.settings)),
            months=await spendings(connection, context.clock, context.settings.profile_of),
            rates=await ledger.rates(connection),
            deadlines=await deadlines.count(connection, now),
            unreachable=await unreachable.count(connection),
            overdue=await deadlines.page(connection, now, limit=_MOST_OVERDUE),
            total=await ledger.add_up(connection, period),
            undecided=await undecided.total(connection, now, school),
            untold=counts,
            newest=newest,
            erasures=await pending(connection, now.date(), school=school),
            lag=await reconcile.lag(connection),
            discrepancies=await reconcile.check(connection, period),
            late=await _late(context, connection, period),
        )


async def _late(context: Context, connection: AnyConnection, period: Period) -> list[UUID]:
    """Asks ingest itself, for on a broker nothing published stays behind in the database."""
    found: list[UUID] = []
    async with acting(context, Service.INGEST) as pool, pool.acquire() as inbox:
        async for changes in published(
            inbox,
            school=period.school,
            since=period.since,
            until=period.until,
            older_than=_PLANNED_BY_NOW,
        ):
            found += await reconcile.unplanned(connection, changes)
    return found


def show_status(status: Status, console: Console) -> None:
    table = Table("Канал", "Ждут", "Отправляются", "Исход неясен", "Старейшее ждёт", "Принято в минуту", "")
    for queue in status.queues:
        paused = f"остановлен: {escape(queue.paused)}" if queue.paused else ""
        oldest = _age(queue.oldest) if queue.oldest is not None else ""
        numbers = (str(queue.waiting), str(queue.sending), str(queue.unknown))
        rate = f"{status.rates[queue.channel]:.1f}".replace(".", ",")
        table.add_row(words.CHANNELS[queue.channel], *numbers, oldest, rate, paused)
    console.print(table)
    show_providers(status.providers, status.months, console)
    console.print(f"Сроки: просрочено {status.deadlines.late}, на исходе {status.deadlines.at_risk}")
    for one in status.overdue:
        console.print(f"  {_overdue(one)}")
    paper, nothing = (status.unreachable[instead] for instead in (Instead.PAPER, Instead.NOTHING))
    console.print(f"Недоступны электронно: на бумаге {paper}, сообщить нечем {nothing}")
    waiting, overdue = status.undecided
    console.print(f"Семьи без решения: {waiting}, из них дольше срока {overdue}")
    if status.erasures.waiting:
        late = status.erasures.late
        said = f"Отзывы, по которым данные ещё не уничтожены: {status.erasures.waiting}, просрочено: {late}"
        console.print(said, style="bold red" if late else None)
    parts = " + ".join(f"{words.LEDGER[name]} {number}" for name, number in status.total.columns.items())
    console.print(f"Книга учёта: решений {status.total.decisions} = {parts}")
    _show_check(status, console)
    _show_untold(status, console)


def _show_check(status: Status, console: Console) -> None:
    if status.lag.changes and status.lag.since is not None:
        waits = _age(datetime.now(UTC) - status.lag.since)
        console.print(f"Из журнала ещё не разобрано изменений: {status.lag.changes}, старейшее ждёт {waits}")
    if status.agrees:
        console.print("Сверка: сходится", style="green")
        return
    console.print("Сверка: НЕ СХОДИТСЯ", style="bold red")
    _list_wrong(
        console,
        [f"{words.FAULTS[one.fault]}: {_whereabouts(one)}" for one in status.discrepancies],
    )
    _list_wrong(
        console, [f"принято от журнала, но не разобрано: изменение {change}" for change in status.late]
    )
    console.print(
        "Передайте эти номера тем, кто обслуживает Вестник. Изменения, которые не разобраны, "
        "разбирает снова vestnik replay changes; повтор ничего не удвоит."
    )


def _list_wrong(console: Console, wrong: Sequence[str]) -> None:
    for line in wrong[:_NAMED]:
        console.print(f"  {line}", style="red", markup=False)
    if len(wrong) > _NAMED:
        console.print(f"  и ещё {len(wrong) - _NAMED}", style="red")


def _whereabouts(one: Discrepancy) -> str:
    about = "сообщение" if one.fault.about_message else "изменение"
    whose = f", представитель {one.guardian}" if one.guardian else ""
    sides = f"ожидалось {one.expected or '—'}, есть {one.found or '—'}"
    return f"{about} {one.subject}, школа {one.school}{whose}; {sides}"


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
