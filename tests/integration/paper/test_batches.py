"""A batch's way to the teacher: frozen once, the same for ever, whoever crashes or asks twice."""

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from integration.paper.school import FRIDAY_EVENING, MONDAY, SCHOOL, SchoolOnPaper, text_of, until

from print_queue import handing
from print_queue.app import build
from print_queue.batches import Batches, DamagedBatch
from print_queue.closer import Closer
from print_queue.freezing import NoSuchWeek
from print_queue.printing import print_week
from print_queue.states import BATCH_STEPS, SHEET_STEPS
from shared import outbox
from shared.db import connect
from shared.topics import Service, Topic

WEEK, NEXT_WEEK = "2026-W47", "2026-W48"


@pytest.fixture
async def a_class(school: SchoolOnPaper) -> SchoolOnPaper:
    await school.add_class()
    for number in (1, 2, 3):
        await school.add_pupil(f"p{number}", f"Ученик{number}")
        await school.add_guardian(f"g{number}", f"p{number}", paper=True)
    await school.begin()
    await school.keep(school.mark("m/1", "p1", "4", topic="Корни"))
    return school


async def closed(school: SchoolOnPaper) -> UUID:
    school.clock.at = FRIDAY_EVENING
    await school.closer().round()
    batch = await school.pool.fetchval("SELECT id FROM paper.batch")
    assert isinstance(batch, UUID)
    return batch


async def sheets_of(school: SchoolOnPaper, batch: UUID) -> list[UUID]:
    rows = await school.pool.fetch("SELECT id FROM paper.sheet WHERE batch = $1 ORDER BY pupil", batch)
    return [row["id"] for row in rows]


async def state_of(school: SchoolOnPaper, batch: UUID) -> str:
    return str(await school.pool.fetchval("SELECT state FROM paper.batch WHERE id = $1", batch))


async def arrived(school: SchoolOnPaper) -> object:
    return await school.pool.fetchval("SELECT count(*) FROM paper.ledger WHERE entity = 'm/8'")


async def typeset(school: SchoolOnPaper) -> object:
    return await school.pool.fetchval("SELECT count(*) FROM paper.batch WHERE state = 'typeset'")


async def test_a_reprint_is_the_same_bytes_even_when_the_file_is_lost(a_class: SchoolOnPaper) -> None:
    """DESIGN §8: whatever changed in the ledger, the papers or on the disk since."""
    batch = await closed(a_class)
    path = await a_class.batches.pdf(batch)
    first = path.read_bytes()
    await a_class.keep(a_class.mark("m/1", "p1", "5", topic="Корни", revision=7))
    await a_class.admin.execute("DELETE FROM consent.application")
    assert (await a_class.batches.pdf(batch)).read_bytes() == first
    path.unlink()
    assert (await a_class.batches.pdf(batch)).read_bytes() == first
    path.write_bytes(b"garbage")
    assert (await a_class.batches.pdf(batch)).read_bytes() == first


async def test_bytes_that_cannot_come_back_are_not_replaced_in_silence(a_class: SchoolOnPaper) -> None:
    batch = await closed(a_class)
    (await a_class.batches.pdf(batch)).unlink()
    await a_class.admin.execute("UPDATE paper.batch SET sha256 = repeat('0', 64)")
    with pytest.raises(DamagedBatch, match="резервной копии"):
        await a_class.batches.pdf(batch)


async def test_a_crash_between_freezing_and_typesetting_loses_nothing(a_class: SchoolOnPaper) -> None:
    """What was frozen is typeset at the next round, and nothing else than what was frozen."""
    async with a_class.pool.acquire() as connection:
        (row,) = await a_class.batches.open_weeks(connection, await a_class.batches.grounds(connection))
    a_class.clock.at = FRIDAY_EVENING
    await a_class.batches.close(SCHOOL, "7Б", row.as_planned)  # and here the process dies
    await a_class.keep(a_class.mark("m/1", "p1", "5", topic="Переписанная", revision=7))
    fresh = Batches(a_class.pool, a_class.settings, a_class.clock)
    await Closer(fresh, waits_for_bus=False).round()
    text = text_of(await a_class.pdf(WEEK))
    assert "Корни" in text
    assert "Переписанная" not in text


async def test_a_crash_after_writing_the_file_changes_nothing(a_class: SchoolOnPaper) -> None:
    batch = await closed(a_class)
    first = (await a_class.batches.pdf(batch)).read_bytes()
    await a_class.admin.execute("DELETE FROM paper.batch_history")
    await a_class.admin.execute(
        "UPDATE paper.batch SET state = 'frozen', pdf = NULL, sha256 = NULL, pages = NULL"
    )
    await a_class.closer().round()
    assert await state_of(a_class, batch) == "typeset"
    assert (await a_class.batches.pdf(batch)).read_bytes() == first


async def test_a_freeze_cut_short_leaves_the_week_open(a_class: SchoolOnPaper) -> None:
    """One transaction: batch, sheets, printed words and the close of the week, or none of it."""
    await a_class.admin.execute("ALTER TABLE paper.printed ADD CHECK (false) NOT VALID")
    a_class.clock.at = FRIDAY_EVENING
    with pytest.raises(asyncpg.CheckViolationError):
        await a_class.closer().round()
    assert await a_class.pool.fetchval("SELECT count(*) FROM paper.batch") == 0
    assert await a_class.pool.fetchval("SELECT closed_at FROM paper.week") is None


async def test_two_closers_at_once_make_one_batch(a_class: SchoolOnPaper) -> None:
    a_class.clock.at = FRIDAY_EVENING
    others = [Batches(a_class.pool, a_class.settings, a_class.clock) for _ in range(4)]
    await asyncio.gather(*(Closer(one, waits_for_bus=False).round() for one in others))
    assert await a_class.pool.fetchval("SELECT count(*) FROM paper.batch") == 1
    assert await a_class.pool.fetchval("SELECT count(*) FROM paper.sheet") == 3
    assert await a_class.pool.fetchval("SELECT count(*) FROM paper.batch_history") == 1


async def test_weeks_missed_while_down_are_closed_one_by_one(a_class: SchoolOnPaper) -> None:
    """R-B5: with the hours they should have closed at."""
    a_class.clock.at = FRIDAY_EVENING + timedelta(days=8)
    await a_class.closer().round()
    rows = await a_class.pool.fetch("SELECT week, closed_at, closes_at FROM paper.week ORDER BY week")
    assert [row["week"] for row in rows] == [WEEK, NEXT_WEEK, "2026-W49"]
    assert all(row["closed_at"] == row["closes_at"] for row in rows[:2])
    assert rows[2]["closed_at"] is None


async def test_printing_an_open_week_closes_it_now(a_class: SchoolOnPaper) -> None:
    """DESIGN §8: and a second request gives the same file; the next week opens at once."""
    a_class.clock.at = MONDAY + timedelta(days=2)
    (path,) = await print_week(a_class.context)
    assert "Корни" in text_of(path)
    before = path.read_bytes()
    await a_class.keep(a_class.mark("m/2", "p1", "5", topic="Четверговая"))
    assert await print_week(a_class.context, "7Б", WEEK) == [path]
    assert await print_week(a_class.context) == [path]
    assert path.read_bytes() == before
    a_class.clock.at = FRIDAY_EVENING + timedelta(days=7)
    await a_class.closer().round()
    assert "Четверговая" in text_of(await a_class.pdf(NEXT_WEEK))


async def test_printing_waits_for_what_was_accepted_before(a_class: SchoolOnPaper) -> None:
    """DESIGN §5: the command works without running services; what is 202 before it is on the sheet."""
    ingest = await connect(a_class.url, Service.INGEST)
    try:
        async with ingest.transaction():
            change = a_class.mark("m/7", "p2", "5", topic="Только что")
            await outbox.append(ingest, Service.INGEST, Topic.JOURNAL_CHANGES, [(f"{SCHOOL}/7Б", change)])
    finally:
        await ingest.close()
    a_class.clock.at = MONDAY + timedelta(days=2)
    (path,) = await print_week(a_class.context, "7Б")
    assert "Только что" in text_of(path)


async def test_a_week_that_never_was_is_refused_in_words(a_class: SchoolOnPaper) -> None:
    for class_name, week, said in (
        ("9Я", None, "нет учеников"),
        (None, "2026-W99", "не номер недели"),
        (None, "2026-W51", "не велась"),
    ):
        with pytest.raises(NoSuchWeek, match=said):
            await print_week(a_class.context, class_name, week)


async def test_a_week_before_the_first_can_be_printed(a_class: SchoolOnPaper) -> None:
    """A quiet one, without touching the open week."""
    (path,) = await print_week(a_class.context, None, "2026-W46")
    assert path == a_class.settings.data / Path("paper/ilinskaya/2026-W46/7Б.pdf")
    assert "Корни" not in text_of(path)
    await closed(a_class)
    assert "Корни" in text_of(await a_class.pdf(WEEK))


async def test_what_lies_about_is_told_to_staff_once(a_class: SchoolOnPaper) -> None:
    """R-E4: by the hour of handing out on the next teaching day; ids only (R-D3)."""
    batch = await closed(a_class)
    due = MONDAY + timedelta(days=7, hours=6)
    a_class.clock.at = due - timedelta(seconds=1)
    await a_class.closer().round()
    assert await a_class.notices() == []
    for _ in range(2):
        a_class.clock.at = due
        await a_class.closer().round()
    (notice,) = await a_class.notices()
    assert (notice["key"], notice["kind"], notice["batch"]) == (
        "ilinskaya/7Б",
        "paper_not_handed_out",
        str(batch),
    )
    assert not {"Ученик1", "Родительg1"} & {str(value) for value in notice.values()}


async def test_what_was_handed_out_in_time_troubles_nobody(a_class: SchoolOnPaper) -> None:
    """R-E4: collected, printed, handed, slips returned; each step kept in the history."""
    batch = await closed(a_class)
    first, second, third = await sheets_of(a_class, batch)
    async with a_class.pool.acquire() as connection:
        assert await handing.collect(connection, batch, actor="petrova")
        assert not await handing.collect(connection, batch, actor="petrova"), "pressed twice"
        assert await handing.mark_printed(connection, batch, actor="petrova")
        assert await handing.hand_out(connection, batch, undelivered=[third], actor="petrova") == 3
        assert await state_of(a_class, batch) == "handed_out"
        assert await handing.take_slips(connection, batch, [first], actor="petrova") == 1
        assert await state_of(a_class, batch) == "handed_out"
        assert await handing.take_slips(connection, batch, [first, second], actor="petrova") == 1
        assert await state_of(a_class, batch) == "closed"
    a_class.clock.at = MONDAY + timedelta(days=7, hours=6)
    await a_class.closer().round()
    assert await a_class.notices() == []
    steps = await a_class.pool.fetch("SELECT to_state FROM paper.batch_history ORDER BY id")
    assert [row["to_state"] for row in steps] == ["typeset", "collected", "printed", "handed_out", "closed"]
    assert await a_class.pool.fetchval("SELECT count(*) FROM paper.sheet_history") == 8


async def test_a_sheet_of_another_batch_cannot_be_ticked_off(a_class: SchoolOnPaper) -> None:
    """R-D1."""
    batch = await closed(a_class)
    async with a_class.pool.acquire() as connection:
        await handing.mark_printed(connection, batch, actor="petrova")
        stranger = UUID(int=1)
        sheet = (await sheets_of(a_class, batch))[0]
        assert await handing.hand_over(connection, stranger, [sheet], actor="petrova") == 0


async def test_the_database_allows_the_steps_of_the_code_and_no_others(a_class: SchoolOnPaper) -> None:
    """STYLE 3: one transition table each, and a CHECK that says the same."""
    batch = await closed(a_class)
    sheet = (await sheets_of(a_class, batch))[0]
    for table, about, steps in (("batch", batch, BATCH_STEPS), ("sheet", sheet, SHEET_STEPS)):
        for before in steps:
            for after in steps:
                statement = f"""INSERT INTO paper.{table}_history ({table}, from_state, to_state, actor)
                    VALUES ($1, $2, $3, 'test')"""
                if after in steps[before]:
                    await a_class.pool.execute(statement, about, before.value, after.value)
                else:
                    with pytest.raises(asyncpg.CheckViolationError):
                        await a_class.pool.execute(statement, about, before.value, after.value)


async def test_the_service_keeps_and_closes_by_itself(a_class: SchoolOnPaper) -> None:
    """DESIGN §1: from the outbox of ingest to a PDF, with nobody's help."""
    part = build(a_class.context)
    assert part.path == "/print"
    await part.start()
    try:
        ingest = await connect(a_class.url, Service.INGEST)
        change = a_class.mark("m/8", "p3", "5", topic="Сама")
        async with ingest.transaction():
            await outbox.append(ingest, Service.INGEST, Topic.JOURNAL_CHANGES, [(f"{SCHOOL}/7Б", change)])
        await ingest.close()
        await until(part.problems, [])
        await until(lambda: arrived(a_class), 1)
    finally:
        await part.stop()
    a_class.clock.at = FRIDAY_EVENING
    await part.start()
    try:
        await until(lambda: typeset(a_class), 1)
    finally:
        await part.stop()
    assert "Сама" in text_of(await a_class.pdf(WEEK))
