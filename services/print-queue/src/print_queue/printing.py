"""`vestnik print week`: the PDFs of a week, on request (DESIGN §5, §8)."""

from collections.abc import Iterable
from pathlib import Path

import structlog

from print_queue import ledger, outcomes
from print_queue.batches import Batches
from print_queue.freezing import Ground, NoSuchWeek
from print_queue.lag import caught_up
from print_queue.week import PaperWeek
from shared.bus.make import make_bus
from shared.db import open_pool
from shared.schema import require_current
from shared.service import Context
from shared.topics import Service

log = structlog.get_logger()


async def print_week(context: Context, class_name: str | None = None, week: str | None = None) -> list[Path]:
    """The PDF of each class for this week, in the order of schools and classes.

    An open week closes now, with what was accepted until now; a closed one gives its frozen batch again,
    byte for byte. Without `week`: the paper week that holds this moment. Without `class_name`: every
    class that has pupils. Works beside running services or without them. Raises NoSuchWeek and
    TypesettingFailed in words for a person.
    """
    pool = await open_pool(context.database_url, Service.PRINT_QUEUE)
    try:
        async with pool.acquire() as connection:
            await require_current(connection)
        batches = Batches(pool, context.settings, context.clock)
        await _catch_up(context, batches)
        async with pool.acquire() as connection:
            grounds = await batches.grounds(connection)
            wanted = {
                key: ground for key, ground in grounds.items() if class_name is None or key[1] == class_name
            }
            if not wanted:
                raise NoSuchWeek(
                    f"Класса {class_name} в списках нет или в нём нет учеников. Проверьте название."
                    if class_name is not None
                    else "В списках нет ни одного ученика. Загрузите их: vestnik registry import."
                )
            await batches.open_weeks(connection, wanted)
        planned = {key: _planned(ground, week, batches) for key, ground in wanted.items()}
        frozen = [
            await batches.close(school, name, paper_week)
            for (school, name), paper_week in planned.items()
            if paper_week is not None
        ]
        if not frozen:
            raise NoSuchWeek(_no_lessons(week, (name for _, name in wanted)))
        return await batches.pdfs(frozen)
    finally:
        await pool.close()


def _planned(ground: Ground, week: str | None, batches: Batches) -> PaperWeek | None:
    if week is None:
        return ground.timetable.week_of(batches.clock.now())
    try:
        return ground.timetable.week_named(week)
    except ValueError:
        raise NoSuchWeek(f"«{week}» — не номер недели. Напишите, например, 2026-W47.") from None


def _no_lessons(week: str | None, classes: Iterable[str]) -> str:
    named = ", ".join(sorted(set(classes)))
    if week is None:
        return f"По календарю школы уроков больше нет ({named}): печатать нечего."
    return f"На неделе {week} уроков нет ({named}): записи этих дней войдут в листы следующей учебной недели."


async def _catch_up(context: Context, batches: Batches) -> None:
    """Let what was accepted before reach the ledger. Where no service reads the bus, this does."""
    if context.settings.bus != "postgres":
        return
    bus = make_bus(context.settings, Service.PRINT_QUEUE, context.database_url, batches.pool)
    bus.subscribe(ledger.subscription())
    bus.subscribe(outcomes.subscription())
    await bus.start()
    try:
        if not await caught_up(batches.pool):
            log.warning("paper.printing_behind_the_bus")
    finally:
        await bus.stop()
