"""Freezing: in one transaction a week closes and its batch is put together for good.

What is frozen is what is printed, whatever becomes of the ledger or the papers afterwards; typesetting
only shapes it, and may be done again at any time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from uuid import UUID

import structlog

from print_queue import batchstore, store, weeks
from print_queue import document as doc
from print_queue.composing import Composition, Known, Occasion, compose
from print_queue.recipients import Asking
from print_queue.store import Window
from print_queue.week import PaperWeek, Timetable
from shared.categories import Channel
from shared.db import AnyConnection
from shared.errors import ForPeople
from shared.families import School, SchoolClass
from shared.registry import Families
from shared.settings import Settings

log = structlog.get_logger()

EXTRA_AT = time(7)
"""School time of a teaching day at which final marks made known since are put on extra sheets (R-B1):
before the teacher comes, so that whatever was known the day before is handed out today."""


class NoSuchWeek(ForPeople):
    """There is no such paper week to print; the text says why and what to do, in Russian."""


@dataclass(frozen=True, slots=True)
class Ground:
    """A class and the rules its weeks follow."""

    school: School
    school_class: SchoolClass
    timetable: Timetable
    hand_out_by: time

    @property
    def key(self) -> tuple[str, str]:
        return self.school.school, self.school_class.name


def ground_of(families: Families, settings: Settings, school: str, class_name: str) -> Ground | None:
    """Of a loaded school; None if it has no such class."""
    found, school_class = families.school(school), families.classes(school).get(class_name)
    if found is None or school_class is None:
        return None
    profile = settings.profile_of(school)
    timetable = Timetable(found.calendar, school_class.days, found.timezone, profile.close_week_at)
    return Ground(found, school_class, timetable, profile.hand_out_by)


def switched_on(settings: Settings) -> frozenset[Channel]:
    """The electronic channels this installation has; push needs nothing but its own keys."""
    on = {Channel.PUSH}
    if settings.smtp_url is not None:
        on.add(Channel.EMAIL)
    if settings.smsaero_email is not None:
        on.add(Channel.SMS)
    return frozenset(on)


@dataclass(frozen=True, slots=True)
class Freezer:
    """`families` must be loaded by one task at a time: so must this."""

    families: Families
    settings: Settings

    async def week(
        self, connection: AnyConnection, school: str, class_name: str, week: PaperWeek, now: datetime
    ) -> UUID:
        """The batch of a week: its frozen one, else the week closes now, or when it should have closed.

        `week` tells only of a week that is not kept yet and has passed. Raises NoSuchWeek.
        """
        async with connection.transaction():
            await store.hold_school(connection, school)
            await self.families.load(connection, classes=[(school, class_name)])
            ground = self._ground(school, class_name)
            row = await weeks.held(connection, school, class_name, week.name)
            if row is not None and row.closed_at is not None:
                return await batchstore.batch_of(connection, school, class_name, "week", week.name)
            if row is None:
                if week.closes_at > now or await weeks.begun_by(
                    connection, school, class_name, week.closes_at
                ):
                    raise NoSuchWeek(
                        f"Неделя {week.name} класса {class_name} не велась: листов за неё нет. Проверьте "
                        "номер недели."
                    )
                row = weeks.WeekRow(school, class_name, week.name, week.opened_at, week.closes_at, None, None)
            closed_at = max(row.opened_at, min(now, row.closes_at))
            previous = await weeks.before(connection, row)
            window = Window(
                row.opened_at,
                closed_at,
                previous.opened_at if previous is not None else row.opened_at,
                previous.last_arrival if previous is not None else None,
            )
            occasion = Occasion(
                doc.Occasion.WEEK,
                week.name,
                row.opened_at,
                closed_at,
                ground.timetable.hand_out_by(closed_at, ground.hand_out_by),
            )
            made = await self._compose(connection, ground, window, occasion)
            batch = await batchstore.keep(connection, school, class_name, "week", occasion, made)
            await weeks.close(connection, row, closed_at)
        log.info(
            "paper.week_closed",
            school=school,
            school_class=class_name,
            week=week.name,
            batch=str(batch),
            sheets=len(made.document.sheets),
            leaflets=len(made.document.without_consent),
        )
        return batch

    async def final_marks(
        self, connection: AnyConnection, school: str, class_name: str, row: weeks.WeekRow, cut: datetime
    ) -> UUID | None:
        """The batch of final marks known before `cut` and on no sheet yet; None when there are none
        (R-B1). `row` is the open week."""
        async with connection.transaction():
            await store.hold_school(connection, school)
            await self.families.load(connection, classes=[(school, class_name)])
            ground = self._ground(school, class_name)
            day = ground.timetable.day_of(cut)
            name = day.isoformat()
            if await batchstore.exists(connection, school, class_name, "extra", name):
                return None
            previous = await weeks.before(connection, row)
            window = Window(
                row.opened_at,
                cut,
                previous.opened_at if previous is not None else row.opened_at,
                previous.last_arrival if previous is not None else None,
            )
            occasion = Occasion(
                doc.Occasion.FINAL_MARKS,
                name,
                row.opened_at,
                cut,
                ground.timetable.local(day, ground.hand_out_by),
            )
            made = await self._compose(connection, ground, window, occasion)
            if not made.document.sheets:
                return None
            batch = await batchstore.keep(connection, school, class_name, "extra", occasion, made)
        log.info(
            "paper.extra_frozen",
            school=school,
            school_class=class_name,
            batch=str(batch),
            sheets=len(made.document.sheets),
        )
        return batch

    def _ground(self, school: str, class_name: str) -> Ground:
        ground = ground_of(self.families, self.settings, school, class_name)
        if ground is None:
            raise NoSuchWeek(f"Класса {class_name} в списках школы нет: печатать нечего.")
        return ground

    async def _compose(
        self, connection: AnyConnection, ground: Ground, window: Window, occasion: Occasion
    ) -> Composition:
        school, class_name = ground.key
        pupils = self.families.members(school, class_name)
        names = [pupil.pupil for pupil in pupils]
        moves = await store.moves(connection, window, school=school, pupils=names)
        entries = await store.entries(
            connection,
            window,
            school=school,
            class_name=class_name,
            grade=ground.school_class.grade,
            pupils=names,
            moved=_all(moves),
        )
        known = Known(
            school=ground.school,
            school_class=ground.school_class,
            teachers=await store.teachers(connection, school, ground.school_class.teachers),
            pupils=pupils,
            entries=entries,
            told=await store.told(connection, school=school, pupils=names, keys=entries),
            moves=moves,
            ids=iter(
                await store.fresh_ids(connection, 1 + sum(len(pupil.guardianships) for pupil in pupils))
            ),
        )
        first, _ = ground.timetable.days_told_of(window.opened_at, window.closed_at)
        asking = Asking(
            school_class=ground.school_class,
            today=ground.timetable.day_of(window.closed_at),
            first_day=first,
            now=window.closed_at,
            switched_on=switched_on(self.settings),
            moved=moves.keys(),
        )
        return compose(known, occasion, asking, ground.timetable)


def _all(moves: Mapping[tuple[str, str], Iterable[UUID]]) -> set[UUID]:
    return {change for changes in moves.values() for change in changes}
