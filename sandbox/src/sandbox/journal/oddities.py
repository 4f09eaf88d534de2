"""What makes a week a test: corrections, news out of time, duplicates, and events nobody should accept."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.journal.events import Expect, Moment, Pen
from sandbox.journal.kinds import Kind
from sandbox.journal.lessons import Lesson, course, timetable
from sandbox.journal.ordinary import attendance, mark
from sandbox.journal.school import Class, Pupil, School

# Beyond the timetable's five lessons, so that nothing here collides with an ordinary day.
EXTRA = 6


def oddities(school: School, pen: Pen, zone: ZoneInfo) -> Iterator[Moment]:
    """In no order. A school too small for a story goes without it."""
    settled = [one for one in school.pupils if one.left_on is None]
    marked = [one for one in settled if not one.group.unmarked]
    scene = _Scene(school, pen, zone)
    yield from scene.announcements()
    yield from scene.refusable(settled)
    yield from scene.first_grade([one for one in settled if one.group.unmarked])
    for story, pupil in zip(
        (
            scene.late_instead_of_absent,
            scene.absent_twice,
            scene.changed_same_day,
            scene.changed_after_told,
            scene.deleted,
            scene.late_mark,
            scene.duplicate_and_stale,
            scene.homework_of_one,
            scene.final_marks,
            scene.forecast,
        ),
        _spread(marked),
        strict=False,
    ):
        yield from story(pupil)
    yield from scene.subgroup(marked)
    yield from scene.after_leaving([one for family in school.of(Kind.LEFT) for one in family.pupils])


def _spread(pupils: list[Pupil]) -> list[Pupil]:
    """Pupils far apart in the list, so that stories meet different families."""
    if not pupils:
        return []
    step = max(1, len(pupils) // 10)
    return (pupils[::step] * 10)[:10]


class _Scene:
    def __init__(self, school: School, pen: Pen, zone: ZoneInfo) -> None:
        self._school, self._pen, self._zone = school, pen, zone

    def _at(self, day: int, hour: int, minute: int = 0) -> datetime:
        return datetime.combine(self._school.monday + timedelta(days=day), time(hour, minute), self._zone)

    def _lesson(self, group: Class, day: int, *, extra: bool = True) -> Lesson:
        first = timetable(group, self._school.monday + timedelta(days=day), self._zone, self._pen.rng)[0]
        return Lesson(first.course, first.day, EXTRA if extra else 1, first.topic, self._zone)

    def late_instead_of_absent(self, pupil: Pupil) -> Iterator[Moment]:
        """Marked absent at the zeroth lesson, found late before 10:00: nobody should be alarmed."""
        first = self._lesson(pupil.group, 1)
        lesson = Lesson(first.course, first.day, 0, first.topic, self._zone)
        yield attendance(pupil, lesson, self._pen, self._at(1, 8, 40), "absent")
        yield attendance(pupil, lesson, self._pen, self._at(1, 9, 25), "late", revision=2)

    def absent_twice(self, pupil: Pupil) -> Iterator[Moment]:
        """Two absences in one day: one alert."""
        for number, hour in ((EXTRA, 14), (EXTRA + 1, 15)):
            first = self._lesson(pupil.group, 2)
            lesson = Lesson(first.course, first.day, number, first.topic, self._zone)
            yield attendance(pupil, lesson, self._pen, self._at(2, hour, 10), "absent")

    def _mark(self, pupil: Pupil, day: int, at: datetime, value: str) -> Moment:
        return mark(pupil, self._lesson(pupil.group, day), self._pen, at, value=value)

    def _next(self, moment: Moment, pupil: Pupil, at: datetime, value: str | None) -> Moment:
        """The next revision of a mark: another value, or None: removed."""
        data: dict[str, Any] = dict(moment.event["data"])
        revision = data.pop("revision") + 1
        if value is None:
            kept = {key: data[key] for key in ("entity", "course", "lesson")}
            return self._pen.write("journal.mark.removed", at, kept, pupil=pupil, revision=revision)
        data["mark"] = {**data["mark"], "value": value}
        return self._pen.write("journal.mark.set", at, data, pupil=pupil, revision=revision)

    def changed_same_day(self, pupil: Pupil) -> Iterator[Moment]:
        first = self._mark(pupil, 0, self._at(0, 11), "3")
        yield from (first, self._next(first, pupil, self._at(0, 13), "4"))

    def changed_after_told(self, pupil: Pupil) -> Iterator[Moment]:
        first = self._mark(pupil, 0, self._at(0, 12), "2")
        yield from (first, self._next(first, pupil, self._at(1, 11), "3"))

    def deleted(self, pupil: Pupil) -> Iterator[Moment]:
        first = self._mark(pupil, 2, self._at(2, 12), "5")
        yield from (first, self._next(first, pupil, self._at(3, 12), None))

    def late_mark(self, pupil: Pupil) -> Iterator[Moment]:
        """For a lesson of the week before: news, no correction (R-A12)."""
        yield mark(pupil, self._lesson(pupil.group, -3), self._pen, self._at(1, 14), value="4")

    def duplicate_and_stale(self, pupil: Pupil) -> Iterator[Moment]:
        first = self._mark(pupil, 1, self._at(1, 12), "4")
        second = self._next(first, pupil, self._at(1, 12, 30), "5")
        yield from (first, second)
        yield self._pen.again(second, timedelta(minutes=20), Expect.DUPLICATE)
        yield self._pen.again(second, timedelta(hours=3), Expect.DUPLICATE)
        data = {key: value for key, value in first.event["data"].items() if key != "revision"}
        yield self._pen.write(
            "journal.mark.set", self._at(1, 13), data, pupil=pupil, revision=1, expect=Expect.STALE
        )

    def homework_of_one(self, pupil: Pupil) -> Iterator[Moment]:
        lesson = self._lesson(pupil.group, 2, extra=False)
        data = {
            "entity": self._pen.entity("homework"),
            **lesson.data(),
            "due_on": (lesson.day + timedelta(days=2)).isoformat(),
            "text": "Карточка № 3: повторить пропущенную тему",
        }
        yield self._pen.write("journal.homework.set", self._at(2, 13, 5), data, pupil=pupil)

    def subgroup(self, pupils: list[Pupil]) -> Iterator[Moment]:
        """Homework of one subgroup: nobody else of the class is told (R-A13)."""
        if not pupils:
            return
        group = pupils[0].group
        mates = [one for one in pupils if one.group == group]
        lesson = self._lesson(group, 3, extra=False)
        data = {
            "entity": self._pen.entity("homework"),
            **lesson.data(),
            "course": course("Английский язык"),
            "due_on": (lesson.day + timedelta(days=4)).isoformat(),
            "text": "Workbook, стр. 31, упр. 2–4",
            "group": "Английский язык, 1-я подгруппа",
            "pupils": [one.id for one in mates[: max(1, len(mates) // 2)]],
        }
        yield self._pen.write("journal.homework.set", self._at(3, 14), data, group=group)

    def final_marks(self, pupil: Pupil) -> Iterator[Moment]:
        """The trimester's mark, and one postponed for illness."""
        ends = (self._school.monday + timedelta(days=3)).isoformat()
        period = {"kind": "trimester", "name": "1-й триместр", "ends_on": ends}
        for name, value in (("Биология", "4"), ("Русский язык", None)):
            data: dict[str, Any] = {
                "entity": self._pen.entity("final_mark"),
                "course": course(name),
                "period": period,
            }
            told = {"mark": {"value": value, "scale": "5"}} if value else {"postponed": True}
            yield self._pen.write("journal.final_mark.set", self._at(3, 15), {**data, **told}, pupil=pupil)

    def forecast(self, pupil: Pupil) -> Iterator[Moment]:
        data = {
            "entity": self._pen.entity("forecast"),
            "course": course("Русский язык"),
            "period": {"kind": "quarter", "name": "2-я четверть", "ends_on": "2026-12-29"},
            "mark": {"value": "4", "scale": "5"},
            "average": 4.27,
        }
        yield self._pen.write("journal.forecast.set", self._at(4, 12), data, pupil=pupil)

    def announcements(self) -> Iterator[Moment]:
        said = (
            (0, None, None, "Вакцинация от гриппа", "Прививочный кабинет работает в среду и четверг."),
            (1, None, 6, "Экскурсия в планетарий", "Выезд 5 декабря в 10:00 от школы."),
            (2, 0, None, "Родительское собрание", "В четверг в 18:00, кабинет 214."),
        )
        for day, index, grade, title, text in said:
            group = self._school.classes[index] if index is not None and self._school.classes else None
            data = {
                "entity": self._pen.entity("announcement"),
                "author": "Светлова Н. А., директор",
                "title": title,
                "text": text,
                **({"grade": grade} if grade is not None else {}),
            }
            yield self._pen.write("journal.announcement.posted", self._at(day, 12, 15), data, group=group)

    def first_grade(self, pupils: list[Pupil]) -> Iterator[Moment]:
        """A mark set by mistake in a class without marks: no family hears of it (R-A10)."""
        for pupil in pupils[:1]:
            yield self._mark(pupil, 1, self._at(1, 10), "5")

    def after_leaving(self, pupils: list[Pupil]) -> Iterator[Moment]:
        """The journal goes on about a pupil who has left: nothing later than `left_on` is told (R-B7)."""
        for pupil in pupils:
            if pupil.group.unmarked:
                lesson = self._lesson(pupil.group, 4)
                yield attendance(pupil, lesson, self._pen, self._at(4, 14, 5), "absent")
            else:
                yield self._mark(pupil, 4, self._at(4, 14, 5), "4")

    def refusable(self, pupils: list[Pupil]) -> Iterator[Moment]:
        """An unknown pupil, an unknown type, a missing field."""
        for pupil in pupils[:1]:
            data = {"entity": self._pen.entity("mood"), "text": "бодрое"}
            yield self._pen.write(
                "journal.mood.set", self._at(0, 12, 20), data, pupil=pupil, expect=Expect.REJECTED
            )
            whole = self._mark(pupil, 0, self._at(0, 12, 25), "4")
            wanting = {key: value for key, value in whole.event["data"].items() if key != "mark"}
            yield Moment(whole.at, {**whole.event, "data": wanting}, whole.order, Expect.REJECTED)
            stranger = self._mark(pupil, 0, self._at(0, 12, 30), "4")
            event = {**stranger.event, "subject": "p-99999"}
            yield Moment(stranger.at, event, stranger.order, Expect.REJECTED)
