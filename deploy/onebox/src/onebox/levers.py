"""The operators' levers as commands: each asks the service that owns them, with a reason for the audit."""

import getpass
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from rich.console import Console
from rich.markup import escape
from rich.table import Table

import dispatcher.app
import print_queue.app
from dispatcher.ledger_rows import period_of
from dispatcher.operating import cancel, replay
from ingest.republish import republish
from onebox.acts import UnknownSchool, acting
from shared.bus import dead
from shared.bus.base import Subscription
from shared.bus.dead import Again, DeadLetter
from shared.deed import Deed
from shared.errors import ForPeople
from shared.service import Context
from shared.topics import Service

_CONSUMERS = (Service.DISPATCHER, Service.PRINT_QUEUE)
_AT_MOST = 1_000


class NothingThere(ForPeople):
    """What was named does not exist."""


@dataclass(frozen=True, slots=True)
class Said:
    """What was done, and what could not be, each a line for people."""

    done: tuple[str, ...]
    undone: tuple[str, ...] = ()


def say(said: Said, console: Console) -> bool:
    """Whether everything asked for was done."""
    for line in said.done:
        console.print(line, markup=False)
    for line in said.undone:
        console.print(line, style="red", markup=False)
    return not said.undone


def deed(reason: str) -> Deed:
    """Whoever sits at the console. Raises ReasonMissing."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container without a name for its user
        name = "console"
    return Deed(f"vestnik/{name}", reason)


async def replay_messages(context: Context, messages: Sequence[UUID], reason: str) -> Said:
    by = deed(reason)
    async with acting(context, Service.DISPATCHER) as pool, pool.acquire() as connection:
        done = await replay.replay(connection, messages, by, now=context.clock.now())
    return Said(
        tuple(f"{one}: отправится снова" for one in done.replayed),
        (
            *(f"{one}: срок вышел, сообщать поздно" for one in done.too_late),
            *(f"{one}: не среди тех, что не дошли" for one in done.not_failed),
        ),
    )


async def cancel_messages(context: Context, messages: Sequence[UUID], reason: str) -> Said:
    by = deed(reason)
    async with acting(context, Service.DISPATCHER) as pool, pool.acquire() as connection:
        done = await cancel.cancel_messages(connection, messages, by, now=context.clock.now())
    return Said(
        tuple(f"{one}: остановлено" for one in done.cancelled),
        (
            *(f"{one}: уже отправляется, повторите через минуту" for one in done.under_way),
            *(f"{one}: не ждёт отправки" for one in done.ended),
        ),
    )


async def cancel_change(context: Context, change: UUID, reason: str) -> Said:
    """Raises NothingThere."""
    by = deed(reason)
    async with acting(context, Service.DISPATCHER) as pool, pool.acquire() as connection:
        try:
            done = await cancel.stop_change(connection, change, by, now=context.clock.now())
        except cancel.NoSuchChange:
            raise NothingThere(
                f"Изменения {change} нет среди разобранных. Ничего не тронуто: сверьте номер."
            ) from None
    lines = [f"Не узнают об изменении: {done.stopped}"]
    if done.told:
        lines.append(f"Уже сообщено или сообщается сейчас: {done.told}")
    if done.on_paper:
        lines.append(f"На бумаге: {done.on_paper}; с листа запись уберёт только журнал")
    return Said(tuple(lines))


async def replay_changes(context: Context, school: str, since: date, reason: str) -> int:
    """Raises UnknownSchool."""
    by = deed(reason)
    async with acting(context, Service.INGEST) as pool:
        if not await pool.fetchval("SELECT true FROM roster.school WHERE school = $1", school):
            raise UnknownSchool(f"Школы «{school}» нет в списках.")
        async with pool.acquire() as connection:
            period = await period_of(connection, school=school, first=since, last=None)
        assert period.since is not None
        return await republish(pool, school=school, since=period.since, deed=by)


async def dead_letters(context: Context) -> list[DeadLetter]:
    """Of every service that reads the bus, the newest first."""
    found: list[DeadLetter] = []
    for service in _CONSUMERS:
        async with acting(context, service) as pool, pool.acquire() as connection:
            found += await dead.waiting(connection, service, limit=_AT_MOST)
    return sorted(found, key=lambda one: one.at, reverse=True)


async def replay_dead_letters(context: Context, letters: Sequence[UUID], reason: str) -> Said:
    """Those named, or all."""
    by = deed(reason)
    outcomes: dict[UUID, Again] = dict.fromkeys(letters, Again.NOT_THERE)
    for service in _CONSUMERS:
        async with acting(context, service) as pool:
            async with pool.acquire() as connection:
                waiting = {one.id for one in await dead.waiting(connection, service, limit=_AT_MOST)}
            wanted = sorted(waiting & set(letters) if letters else waiting)
            outcomes |= await dead.replay(pool, service, _subscriptions(service, context), wanted, by)
    counts = Counter(outcomes.values())
    return Said(
        (f"Разобрано: {counts[Again.DONE]}",),
        (
            *(
                f"{one}: снова отложено, причина — vestnik dead-letters list"
                for one, again in outcomes.items()
                if again is Again.REFUSED
            ),
            *(f"{one}: не ждёт разбора" for one, again in outcomes.items() if again is Again.NOT_THERE),
        ),
    )


async def discard_dead_letters(context: Context, letters: Sequence[UUID], reason: str) -> Said:
    by = deed(reason)
    done: list[UUID] = []
    for service in _CONSUMERS:
        async with (
            acting(context, service) as pool,
            pool.acquire() as connection,
            connection.transaction(),
        ):
            done += await dead.discard(connection, service, letters, by)
    return Said(
        tuple(f"{one}: больше не разбирается" for one in done),
        tuple(f"{one}: не ждёт разбора" for one in letters if one not in done),
    )


def show_dead_letters(letters: Sequence[DeadLetter], console: Console) -> None:
    if not letters:
        console.print("Отложенного нет.")
        return
    table = Table("Номер", "Служба", "Поток", "Школа", "Когда", "Причина")
    for one in letters:
        when = f"{one.at.astimezone():%d.%m.%Y %H:%M}"
        table.add_row(str(one.id), one.service.value, one.topic, escape(one.school), when, escape(one.reason))
    console.print(table)


def _subscriptions(service: Service, context: Context) -> list[Subscription]:
    if service is Service.DISPATCHER:
        return dispatcher.app.subscriptions(context)
    return print_queue.app.subscriptions()
