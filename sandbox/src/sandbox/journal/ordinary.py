"""An ordinary day of a class: who came, what they got, what they were asked to do."""

import random
from collections.abc import Collection, Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sandbox.journal.events import Moment, Pen
from sandbox.journal.lessons import COMMENTS, HOMEWORK, VALUES, WORKS, Lesson, timetable
from sandbox.journal.school import Class, Pupil

QUIET_RATE = 0.3  # where there are no marks, teachers write a remark to every third child a day
LAST_ENTRY = time(17, 55)
RAW = {
    "late": "ОП",
    "absent": "Н",
    "absent_ill": "Б",
    "absent_excused": "УП",
    "absent_unexcused": "НП",
}
REMARKS = (
    ("praise", "Отлично работал на уроке, помогал другим."),
    ("remark", "Нет тетради и учебника."),
    ("recommendation", "Советую повторить тему на выходных."),
)


def class_day(
    group: Class,
    pupils: list[Pupil],
    day: date,
    pen: Pen,
    zone: ZoneInfo,
    *,
    rate: float,
    ill: Collection[str] = (),
) -> Iterator[Moment]:
    """Changes of one class and day, in no order: about `rate` per pupil, and those of the whole class.

    `ill`: pupils ill all week. Somebody absent from a lesson gets no mark for it.
    """
    rng, lessons = pen.rng, timetable(group, day, zone, pen.rng)
    away: dict[str, set[int]] = {}
    told = 0
    for pupil in pupils:
        for moment in _attendance(pupil, lessons, pen, ill=pupil.id in ill):
            away.setdefault(pupil.id, set()).add(moment.event["data"]["lesson"]["number"])
            told += 1
            yield moment
    if not group.unmarked:
        for lesson in lessons:
            yield _homework(group, lesson, pen)
    busy = rate if not group.unmarked else min(rate, QUIET_RATE)
    for _ in range(max(0, round(len(pupils) * busy * rng.uniform(0.9, 1.1)) - told)):
        pupil, lesson = rng.choice(pupils), rng.choice(lessons)
        if group.unmarked or rng.random() < 0.04:
            yield _remark(pupil, lesson, pen)
        elif lesson.number not in away.get(pupil.id, ()):
            yield mark(pupil, lesson, pen, entered(rng, lesson))
    if rng.random() < 0.3:
        yield _lesson_change(group, rng.choice(lessons), pen)
    if not group.unmarked and rng.random() < 0.3:
        yield _assessment(group, rng.choice(lessons), pen)


def entered(rng: random.Random, lesson: Lesson) -> datetime:
    """When a teacher gets to the journal: in the break after the lesson, or by 18:00."""
    if rng.random() < 0.6:
        return lesson.ends + timedelta(seconds=rng.randrange(30, 9 * 60))
    latest = datetime.combine(lesson.day, LAST_ENTRY, lesson.zone)
    spare = max(60, int((latest - lesson.ends).total_seconds()))
    return lesson.ends + timedelta(seconds=rng.randrange(30, spare))


def mark(
    pupil: Pupil, lesson: Lesson, pen: Pen, at: datetime, *, value: str | None = None, entity: str = ""
) -> Moment:
    rng = pen.rng
    kind, weight = rng.choice(WORKS)
    value = value or rng.choice(VALUES)
    comment = rng.choice(COMMENTS.get(value[:1], ("",)))
    data = {
        "entity": entity or pen.entity("mark"),
        **lesson.data(),
        "work": {"kind": kind, "weight": weight},
        "mark": {"value": value, "scale": "зачёт" if value == "зач" else "5"},
    }
    return pen.write("journal.mark.set", at, {**data, "comment": comment} if comment else data, pupil=pupil)


def attendance(
    pupil: Pupil, lesson: Lesson, pen: Pen, at: datetime, status: str, *, revision: int = 1
) -> Moment:
    data = {
        "entity": f"attendance/{pupil.id}/{lesson.day.isoformat()}/{lesson.number}",
        **lesson.data(),
        "attendance": status,
        "raw": RAW.get(status, ""),
    }
    return pen.write("journal.attendance.set", at, data, pupil=pupil, revision=revision)


def _attendance(pupil: Pupil, lessons: list[Lesson], pen: Pen, *, ill: bool) -> Iterator[Moment]:
    rng = pen.rng
    chance = rng.random()
    if ill:
        missed, status = lessons, "absent_ill"
    elif chance < 0.02:
        missed, status = lessons, rng.choice(("absent", "absent_excused"))
    elif chance < 0.035:
        missed, status = rng.sample(lessons, min(2, len(lessons))), "absent_unexcused"
    elif chance < 0.06:
        missed, status = lessons[:1], "late"
    else:
        return
    for lesson in missed:
        at = lesson.starts + timedelta(seconds=rng.randrange(180, 900))
        yield attendance(pupil, lesson, pen, at, status)


def _homework(group: Class, lesson: Lesson, pen: Pen) -> Moment:
    rng = pen.rng
    at = lesson.ends + timedelta(seconds=rng.randrange(30, 2 * 3600))
    due = lesson.day + timedelta(days=rng.choice((1, 2, 7)))
    if due.weekday() >= group.days:  # to the first lesson after the days off
        due += timedelta(days=7 - due.weekday())
    data = {
        "entity": pen.entity("homework"),
        **lesson.data(),
        "due_on": due.isoformat(),
        "text": rng.choice(HOMEWORK),
    }
    return pen.write("journal.homework.set", at, data, group=group)


def _remark(pupil: Pupil, lesson: Lesson, pen: Pen) -> Moment:
    kind, text = pen.rng.choice(REMARKS)
    author = lesson.data()["course"]["teacher"]
    data = {"entity": pen.entity("remark"), "author": author, "text": text, "kind": kind}
    return pen.write("journal.remark.set", entered(pen.rng, lesson), data, pupil=pupil)


def _lesson_change(group: Class, lesson: Lesson, pen: Pen) -> Moment:
    change, before, after = pen.rng.choice(
        (
            ("cancelled", f"{lesson.number}-й урок", "урока не будет"),
            ("substituted", lesson.data()["course"]["teacher"], "Заменский Б. В."),
            ("room", "каб. 214", "каб. 118"),
        )
    )
    tomorrow = lesson.day + timedelta(days=1)
    about = lesson.data()
    about["lesson"]["date"] = tomorrow.isoformat()
    data = {"entity": pen.entity("lesson"), **about, "change": change, "before": before, "after": after}
    at = datetime.combine(lesson.day, time(15), lesson.zone) + timedelta(seconds=pen.rng.randrange(3600))
    return pen.write("journal.lesson.changed", at, data, group=group)


def _assessment(group: Class, lesson: Lesson, pen: Pen) -> Moment:
    day = lesson.day + timedelta(days=7)
    data = {
        "entity": pen.entity("assessment"),
        "course": lesson.data()["course"],
        "date": day.isoformat(),
        "kind": "Контрольная работа",
    }
    return pen.write("journal.assessment.planned", entered(pen.rng, lesson), data, group=group)
