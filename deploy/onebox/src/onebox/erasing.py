"""`vestnik erase`: destroys a person's data now, acting as each service in turn, and makes the act (R-B8).

Works beside running services, whose own jobs do the same: whoever comes first does a step, once.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import asyncpg
from rich.console import Console
from rich.table import Table

from dispatcher.erasing import due, orders, scope
from dispatcher.erasing.act import Act
from dispatcher.erasing.due import Due
from dispatcher.erasing.eraser import DeliveryEraser
from dispatcher.erasing.job import lock
from dispatcher.working_days import WorkingDays
from ingest.erasing import JournalEraser, ListsEraser
from onebox.acts import UnknownSchool, acting
from print_queue.erasing import PaperEraser
from shared.db import AnyConnection, connect, hang_up
from shared.deed import Deed
from shared.erasure import BY, Busy, Cause, Counts, Eraser, Order, Step, open_orders, take_step
from shared.errors import ForPeople
from shared.mentions import add
from shared.service import Context
from shared.settings import zone
from shared.topics import Service

_PATIENCE = 60.0
_WHO = "vestnik erase"


class NothingToErase(ForPeople):
    """Why nothing may be destroyed, and what to do first."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose data. `left`: of every pupil of the school who left."""

    school: str
    guardian: str | None = None
    pupil: str | None = None
    left: bool = False


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What an order would destroy, by store."""

    due: Due
    counts: Counts


@dataclass(frozen=True, slots=True)
class Carried:
    """An order carried out. `act`: its place below the data folder; `left`: what is still there, nothing
    if all is well; `waits`: the step that could not be taken yet."""

    order: Order
    act: str | None
    left: Counts
    waits: Step | None


async def plan(context: Context, asked: Asked, *, at_once: bool) -> list[Rehearsal]:
    """What is due, with everything it would destroy counted, and nothing touched. Raises UnknownSchool,
    NothingToErase."""
    async with acting(context, Service.DISPATCHER) as pool, pool.acquire() as connection:
        wanted = await _due(context, connection, asked, at_once=at_once)
    return [Rehearsal(one, await rehearse(context, _as_order(one))) for one in wanted]


async def carry_out(context: Context, wanted: Sequence[Due], deed: Deed) -> list[Carried]:
    """Give the orders, take every step, make the acts, look again. Orders given before by the services'
    own job and still open for the same people are carried out instead of new ones."""
    given = []
    async with acting(context, Service.DISPATCHER) as pool, pool.acquire() as connection:
        for one in wanted:
            async with connection.transaction():
                await lock(connection, one.school)
                before = [
                    order
                    for order in await open_orders(connection)
                    if order.ties == one.scope.ties
                    and order.school == one.school
                    and not await _completed(connection, order.id)
                ]
                given.append(
                    before[0]
                    if before
                    else await orders.give(
                        connection, one, data=context.settings.data, who=deed.who, reason=deed.reason
                    )
                )
    return [await carry_out_order(context, order) for order in given]


async def carry_out_order(context: Context, order: Order) -> Carried:
    """Every step of an order, its act, and a second look."""
    waits = await _steps(context, order)
    act: Act | None = None
    connection = await connect(context.database_url, Service.DISPATCHER)
    try:
        if waits is None:
            act = await orders.close(connection, order.id, data=context.settings.data)
        place = await connection.fetchval("SELECT act FROM consent.erasure WHERE id = $1", order.id)
        assert act is None or place is not None
    finally:
        await hang_up(connection)
    left = {store: rows for store, rows in (await rehearse(context, order)).items() if rows}
    return Carried(order, place, left, waits)


async def rehearse(context: Context, order: Order) -> Counts:
    """What the order would destroy now: everything is done and rolled back; files are left alone."""
    counts: list[Counts] = []
    for step, eraser in _erasers(None).items():
        connection = await connect(context.database_url, BY[step])
        try:
            transaction = connection.transaction()
            await transaction.start()
            try:
                counts.append(await eraser.erase(connection, order))
            except Busy:
                counts.append({"dispatch.message": 1})
            finally:
                await transaction.rollback()
        finally:
            await hang_up(connection)
    return add(*counts)


async def _steps(context: Context, order: Order) -> Step | None:
    """Every step in order, waiting for what is in a gateway's hands; the step that did not come off."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _PATIENCE
    for step, eraser in _erasers(context.settings.data).items():
        connection = await connect(context.database_url, BY[step])
        try:
            while True:
                try:
                    await take_step(connection, step, eraser, order)
                    break
                except Busy:
                    if loop.time() > until:
                        return step
                    await asyncio.sleep(1)
        finally:
            await hang_up(connection)
    return None


def _erasers(data: Path | None) -> Mapping[Step, Eraser]:
    """In the order of their steps; without `data` no file is touched."""
    return {
        Step.JOURNAL: JournalEraser(data / "refused-lists.txt" if data is not None else None),
        Step.DELIVERY: DeliveryEraser(),
        Step.PAPER: PaperEraser(data / "paper" if data is not None else None),
        Step.LISTS: ListsEraser(),
    }


async def _due(context: Context, connection: AnyConnection, asked: Asked, *, at_once: bool) -> list[Due]:
    timezone = await connection.fetchval("SELECT timezone FROM roster.school WHERE school = $1", asked.school)
    if timezone is None:
        raise UnknownSchool(f"Школы «{asked.school}» нет в списках.")
    today = context.clock.now().astimezone(zone(timezone)).date()
    if asked.guardian is None:
        return await _leavings(connection, asked, today)
    days, profile = WorkingDays(context.settings.working_days), context.settings.profile_of(asked.school)
    found = await due.due_withdrawals(
        connection,
        asked.school,
        today,
        days=days,
        profile=profile,
        guardian=asked.guardian,
        at_once=at_once,
    )
    found = [one for one in (_only(one, asked.pupil) for one in found) if one is not None]
    if found:
        return found
    if not at_once and await due.withdrawn(connection, asked.school, today, days, guardian=asked.guardian):
        raise NothingToErase(
            "Отзыв зарегистрирован, обработка остановлена; срок, отведённый на исправление ошибки, ещё не "
            "прошёл. Вестник уничтожит данные сам. Чтобы сделать это сейчас, добавьте --now."
        )
    return [await _on_request(connection, asked, today)]


def _only(one: Due, pupil: str | None) -> Due | None:
    """Narrowed to one child: the guardian's own data stay unless this was the only one."""
    if pupil is None or {p for p, _ in one.scope.ties} == {pupil}:
        return one
    ties = tuple(pair for pair in one.scope.ties if pair[0] == pupil)
    if not ties:
        return None
    kept = tuple(p for p in one.scope.pupils if p == pupil)
    return replace(one, scope=scope.Scope(kept, (), ties))


async def _on_request(connection: AnyConnection, asked: Asked, today: date) -> Due:
    """Of a guardian who has nothing in force and withdrew nothing: addresses that a list brought, say."""
    rows = await connection.fetch(
        """SELECT pupil, guardian FROM roster.guardianship
           WHERE school = $1 AND guardian = $2 AND ($3::text IS NULL OR pupil = $3) ORDER BY 1""",
        *(asked.school, asked.guardian, asked.pupil),
    )
    ties = [(row["pupil"], row["guardian"]) for row in rows]
    if not ties:
        raise NothingToErase("Такого законного представителя (или такого его ребёнка) в списках школы нет.")
    papers, selves = await due.papers_about(connection, asked.school, ties)
    if any(pair in papers and papers[pair].cover(today) for pair in ties):
        raise NothingToErase(
            "У этой семьи есть действующее согласие или заявление. Сначала зарегистрируйте отзыв: обработка "
            "остановится сразу, а данные можно будет уничтожить."
        )
    about = scope.of_withdrawal(ties, papers, selves, today)
    return Due(asked.school, Cause.REQUEST, replace(about, pupils=()), today, today)


async def _leavings(connection: AnyConnection, asked: Asked, today: date) -> list[Due]:
    if asked.pupil is None and not asked.left:
        raise NothingToErase("Укажите, чьи данные уничтожить: --guardian, --pupil или --left.")
    leavings = await due.due_leavings(connection, asked.school, today, pupil=asked.pupil, at_once=True)
    if not leavings.orders:
        raise NothingToErase(
            "Выбывших, чьи данные ещё не уничтожены, нет. Если ученик учится, его данные уничтожаются по "
            "отзыву согласия его представителя: --guardian."
        )
    return leavings.orders


def _as_order(one: Due) -> Order:
    now = datetime.now(UTC)
    about = one.scope
    return Order(
        UUID(int=0),
        one.school,
        one.cause,
        about.pupils,
        about.guardians,
        about.ties,
        one.received_on,
        one.destroy_by,
        _WHO,
        now,
    )


async def _completed(connection: asyncpg.Connection | AnyConnection, order: UUID) -> bool:
    return bool(await connection.fetchval("SELECT completed_at FROM consent.erasure WHERE id = $1", order))


def show_plan(found: Sequence[Rehearsal], console: Console) -> None:
    """Whom, why, until when, and every store."""
    for one in found:
        about = one.due.scope
        console.print(f"Ученики: {' '.join(about.pupils) or '—'}", markup=False)
        console.print(f"Законные представители: {' '.join(about.guardians) or '—'}", markup=False)
        console.print(
            "Связи: " + ", ".join(f"{guardian} об ученике {pupil}" for pupil, guardian in about.ties),
            markup=False,
        )
        console.print(f"Уничтожить не позднее {one.due.destroy_by:%d.%m.%Y}")
        table = Table("Хранилище", "Записей")
        for store, rows in sorted(one.counts.items()):
            if rows:
                table.add_row(store, str(rows))
        console.print(table if table.rows else "Данных этих людей в Вестнике уже нет.")


def show_carried(done: Sequence[Carried], console: Console) -> bool:
    """False when something is left."""
    for one in done:
        if one.act is not None:
            console.print(f"Уничтожено. Акт: {one.act}", markup=False)
        if one.waits is not None:
            console.print(
                "Не закончено: сообщение этой семье сейчас у шлюза. Вестник закончит сам, как только шлюз "
                "ответит; проверить — та же команда."
            )
        for store, rows in sorted(one.left.items()):
            console.print(f"Осталось: {store}, записей {rows}", markup=False)
    return all(one.act is not None and not one.left for one in done)
