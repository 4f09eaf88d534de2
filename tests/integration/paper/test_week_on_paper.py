"""From the bus to the page: what families read, and what nobody but the right one may."""

import stat
from datetime import UTC, date, timedelta
from uuid import UUID

from integration.paper.school import EVERYTHING, FRIDAY_EVENING, MONDAY, SchoolOnPaper, sheet_text, text_of

from shared.changes import decode

WEEK, NEXT_WEEK = "2026-W47", "2026-W48"


async def a_class(school: SchoolOnPaper) -> None:
    await school.add_class()
    await school.add_pupil("p1", "Бумажный")
    await school.add_guardian("g1", "p1", paper=True)
    await school.add_pupil("p2", "Эльмурзин")
    await school.add_guardian("g2", "p2", items=EVERYTHING, email=True)
    await school.add_pupil("p3", "Отозванный")
    await school.add_guardian("g3", "p3", paper=True, items=EVERYTHING, withdrawn_on=date(2026, 11, 17))
    await school.add_pupil("p4", "Ограниченный")
    await school.add_guardian("g4", "p4", paper=True, restricted=True)
    await school.begin()


async def close_at(school: SchoolOnPaper, when: object = FRIDAY_EVENING) -> None:
    school.clock.at = when  # type: ignore[assignment]
    await school.closer().round()


async def test_the_page_says_what_it_must_and_nothing_else(school: SchoolOnPaper) -> None:
    """R-A1, R-E1, R-B8, R-D4: the paper family's week, not a word of the others'."""
    await a_class(school)
    await school.keep(
        school.mark("m/1", "p1", "4-", topic="Квадратный корень", comment="аккуратнее"),
        school.mark("m/2", "p2", "5+", topic="СекретПочтового"),
        school.mark("m/3", "p3", "3-", topic="СекретОтозванного"),
        school.mark("m/4", "p4", "2-", topic="СекретОграниченного"),
        school.change(
            "announcement.posted", entity="n/1", author="Завуч", title="Собрание", text="В четверг в 18:00",
            **{"class": "7Б"},
        ),
    )  # fmt: skip
    await close_at(school)
    path = await school.pdf(WEEK)
    text = text_of(path)
    for said in ("4-", "Квадратный корень", "контрольная работа", "аккуратнее", "Собрание", "Бумажный"):
        assert said in text.replace("Контрольная", "контрольная"), said
    for unsaid in ("СекретПочтового", "СекретОтозванного", "СекретОграниченного", "5+", "Родительg4"):
        assert unsaid not in text, unsaid
    assert text.count("Отозванный") == 1, "only the teacher's cover names a family without consent"
    assert "Эльмурзин" not in text
    assert "Петрова" in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path == school.settings.data / "paper" / "ilinskaya" / WEEK / "7Б.pdf"


async def test_a_quiet_week_is_printed_too(school: SchoolOnPaper) -> None:
    """R-B5."""
    await a_class(school)
    await close_at(school)
    assert "Бумажный" in sheet_text(await school.pdf(WEEK), "Бумажный")


async def test_corrections_come_with_the_next_sheet(school: SchoolOnPaper) -> None:
    """R-A11: changed and removed marks of an earlier sheet; R-A12: a late mark is news."""
    await a_class(school)
    await school.add_pupil("p5", "Новенький")
    await school.keep(
        school.mark("m/1", "p1", "3", topic="Первая"),
        school.mark("m/2", "p1", "2", topic="Вторая"),
        school.mark("m/3", "p1", "4", topic="Третья"),
    )
    await school.keep(school.change("mark.removed", pupil="p1", entity="m/3", revision=1))
    await close_at(school)
    first = sheet_text(await school.pdf(WEEK), "Бумажный")
    assert "Исправления" not in first
    assert "Третья" not in first, "what was removed before printing is not shown"
    school.clock.at = MONDAY + timedelta(days=7)
    await school.keep(
        school.mark("m/1", "p1", "5", topic="Первая", revision=2),
        school.change("mark.removed", pupil="p1", entity="m/2", revision=2),
        school.mark("m/9", "p1", "4", topic="Опоздавшая"),
    )
    await close_at(school, FRIDAY_EVENING + timedelta(days=7))
    second = sheet_text(await school.pdf(NEXT_WEEK), "Бумажный")
    assert "Исправления" in second
    corrections = second[second.index("Исправления") : second.index("Отметки")]
    for said in ("Первая", "Вторая", "запись удалена", "3", "5"):
        assert said in corrections, said
    assert "Опоздавшая" not in corrections
    assert "Опоздавшая" in second
    assert "16.11" in second
    await close_at(school, FRIDAY_EVENING + timedelta(days=14))
    assert "Исправления" not in sheet_text(await school.pdf("2026-W49"), "Бумажный")


async def test_a_change_that_came_late_is_told_a_week_later(school: SchoolOnPaper) -> None:
    """Accepted before the close, arrived after the batch was frozen: never lost, never twice."""
    await a_class(school)
    late = school.mark("m/1", "p1", "4", topic="Запоздавшая")
    await close_at(school)
    await school.keep(late)
    await close_at(school, FRIDAY_EVENING + timedelta(days=7))
    await close_at(school, FRIDAY_EVENING + timedelta(days=14))
    assert "Запоздавшая" not in text_of(await school.pdf(WEEK))
    assert "Запоздавшая" in text_of(await school.pdf(NEXT_WEEK))
    assert "Запоздавшая" not in text_of(await school.pdf("2026-W49"))


async def test_a_class_without_marks_has_none_on_paper(school: SchoolOnPaper) -> None:
    """R-A10."""
    await school.add_class("1А", "1", unmarked=True)
    await school.add_pupil("p1", "Первоклассник", "1А")
    await school.add_guardian("g1", "p1", paper=True)
    await school.begin()
    await school.keep(
        school.mark("m/1", "p1", "5", topic="ТайнаяТема"),
        school.change("remark.set", pupil="p1", entity="r/1", author="Петрова А. С.", text="Старается"),
    )
    await close_at(school)
    text = text_of(await school.pdf(WEEK, "1А"))
    assert "Старается" in text
    assert "ТайнаяТема" not in text
    assert "Домашние задания" not in text


async def test_a_family_whose_addresses_failed_is_on_paper_this_week(school: SchoolOnPaper) -> None:
    """R-E5: with what it missed, and the class teacher is told once."""
    await a_class(school)
    missed, other = school.mark("m/1", "p2", "2", topic="Недошедшая"), school.mark("m/2", "p2", "5")
    await school.keep(missed)
    await close_at(school)
    school.clock.at = FRIDAY_EVENING + timedelta(days=1)
    await school.keep_outcome("g2", "p2", decode(missed).change)
    await school.keep_outcome("g2", "p2", decode(missed).change)
    await school.keep_outcome("g2", "p2", decode(other).change)
    await close_at(school, FRIDAY_EVENING + timedelta(days=7))
    assert "Эльмурзин" not in text_of(await school.pdf(WEEK))
    assert "Недошедшая" in sheet_text(await school.pdf(NEXT_WEEK), "Эльмурзин")
    moved = [notice for notice in await school.notices() if notice["kind"] == "moved_to_paper"]
    assert [(one["key"], one["guardian"]) for one in moved] == [("ilinskaya/7Б", "g2")]
    await close_at(school, FRIDAY_EVENING + timedelta(days=14))
    assert "Эльмурзин" not in text_of(await school.pdf("2026-W49")), "only for that week"


async def test_what_failed_long_after_is_still_brought(school: SchoolOnPaper) -> None:
    """R-E5: an address given up after weeks of trying; the change it missed comes on paper."""
    await a_class(school)
    missed = school.mark("m/1", "p2", "2", topic="Недошедшая")
    await school.keep(missed)
    for weeks in (0, 1, 2):
        await close_at(school, FRIDAY_EVENING + timedelta(weeks=weeks))
    await school.keep_outcome("g2", "p2", decode(missed).change)
    await close_at(school, FRIDAY_EVENING + timedelta(weeks=3))
    assert "Недошедшая" in sheet_text(await school.pdf("2026-W50"), "Эльмурзин")


async def test_other_outcomes_move_nobody(school: SchoolOnPaper) -> None:
    """DESIGN §8: messages that arrived, and families on paper by their own choice."""
    await a_class(school)
    assert await school.keep_outcome("g2", "p2", UUID(int=1), kind="message") == []
    assert await school.keep_outcome("g2", "p2", UUID(int=2), reason="application") == []
    assert await school.pool.fetchval("SELECT count(*) FROM paper.to_paper") == 0
    assert await school.notices() == []


async def test_final_marks_go_out_the_next_teaching_morning(school: SchoolOnPaper) -> None:
    """R-B1: known on Tuesday, on an extra sheet on Wednesday; on Friday's sheet as well (R-E1)."""
    await a_class(school)
    school.clock.at = MONDAY + timedelta(days=1)
    await school.keep(
        school.change(
            "final_mark.set",
            pupil="p1",
            entity="f/1",
            course={"name": "Физика"},
            period={"kind": "quarter", "name": "2 четверть", "ends_on": "2026-12-28"},
            mark={"value": "5"},
        ),
        school.mark("m/1", "p1", "4", topic="Обычная"),
    )
    for hours in (5, 21):  # Tuesday afternoon, Wednesday at six
        await close_at(school, MONDAY + timedelta(days=1, hours=hours))
        assert await school.pool.fetchval("SELECT count(*) FROM paper.batch") == 0
    for hours in (22, 23, 30):
        await close_at(school, MONDAY + timedelta(days=1, hours=hours))
    assert await school.pool.fetchval("SELECT count(*) FROM paper.batch") == 1
    extra = text_of(await school.pdf("2026-11-18", kind="extra"))
    assert "Физика" in extra
    assert "Обычная" not in extra
    assert "Эльмурзин" not in extra
    await close_at(school)
    assert "Физика" in sheet_text(await school.pdf(WEEK), "Бумажный")


async def test_of_a_batch_only_the_newest_revision_stays(school: SchoolOnPaper) -> None:
    """DESIGN §3: strictly greater wins, whatever the order and however often a batch comes."""
    await a_class(school)
    changes = [school.mark("m/1", "p1", str(value), revision=value) for value in (2, 4, 3)]
    await school.keep(*changes)
    before = await school.pool.fetchrow("SELECT * FROM paper.ledger")
    await school.keep(*reversed(changes))
    await school.keep(changes[0])
    assert await school.pool.fetchrow("SELECT * FROM paper.ledger") == before
    assert before is not None
    assert before["data"]["mark"]["value"] == "4"
    assert before["accepted_at"] == MONDAY.astimezone(UTC)


async def test_a_record_that_cannot_be_printed_is_set_aside_alone(school: SchoolOnPaper) -> None:
    """DESIGN §9: with the field at fault and no content; the rest of the batch stays."""
    await a_class(school)
    bad = school.change("mark.set", pupil="p1", entity="m/1", course={"name": "Тайна"})
    rejected = await school.keep(bad, b"{}", school.mark("m/2", "p1", "4"))
    assert [one.reason for one in rejected] == [
        "data.lesson.date is missing",
        "not a journal change: KeyError",
    ]
    assert await school.pool.fetchval("SELECT array_agg(entity) FROM paper.ledger") == ["m/2"]
