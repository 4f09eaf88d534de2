"""When a family is told, by when it must have been, and when telling no longer makes sense
(DESIGN §6, step 7; R-B1 to R-B4).

Pure. Wall-clock times are the school's; instants are aware, in UTC.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from dispatcher.planning.facts import Facts
from shared.categories import Category, Channel, Mode
from shared.settings import Profile

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """One school's clock: its zone and its profile."""

    zone: ZoneInfo
    profile: Profile

    def day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()


@dataclass(frozen=True, slots=True)
class Schedule:
    """`due_at` is never before acceptance; `deadline` may be, when the news came too late (R-B10)."""

    mode: Mode
    due_at: datetime
    deadline: datetime
    expires_at: datetime


@lru_cache(maxsize=4096)
def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant of a wall-clock time: the first where it comes twice, just after the gap where
    it does not exist."""
    return datetime.combine(day, at, zone).astimezone(UTC)


def _known_within(facts: Facts, hours: Hours) -> datetime:
    return facts.recorded_at + timedelta(hours=hours.profile.final_marks_within)


def _midnight_after(day: date, zone: ZoneInfo) -> datetime:
    return _instant(day + DAY, time(0), zone)


# What leaves at once when nobody asked otherwise; the rest waits for the daily digest.
IMMEDIATE: Mapping[Category, Callable[[Facts, date], bool]] = {
    Category.ATTENDANCE: lambda facts, _: facts.alert is not None,
    Category.FINAL_MARK: lambda _, __: True,
    Category.LESSON: lambda facts, today: any(day in (today, today + DAY) for day in facts.days),
}


def default_mode(facts: Facts, *, today: date, corrected: Mode | None) -> Mode:
    """The mode of a category nobody set. What corrects something told at once leaves at once too:
    a family alarmed by mistake must not wait for the digest."""
    rule = IMMEDIATE.get(facts.category)
    if corrected is Mode.IMMEDIATE or (rule is not None and rule(facts, today)):
        return Mode.IMMEDIATE
    return Mode.DAILY


# By when; the general rule of a mode stands under None.
DEADLINES: Mapping[tuple[Category | None, Mode], Callable[[Facts, datetime, Hours], datetime]] = {
    # R-B2: the same day. Learned later than that, or in quiet hours: the day it may be told.
    (Category.ATTENDANCE, Mode.IMMEDIATE): lambda facts, due, hours: _midnight_after(
        max(facts.day, hours.day(due)), hours.zone
    ),
    # R-B1: counted from when the journal knew, so that a poll's lag is part of it.
    (Category.FINAL_MARK, Mode.IMMEDIATE): lambda facts, _, hours: _known_within(facts, hours),
    (Category.FINAL_MARK, Mode.DAILY): lambda facts, _, hours: _known_within(facts, hours),
    (None, Mode.IMMEDIATE): lambda facts, _, __: facts.accepted_at + DAY,
    # R-B3, R-B4: a digest that failed in the evening is still of use in the morning.
    (None, Mode.DAILY): lambda _, due, hours: _instant(hours.day(due) + DAY, time(12), hours.zone),
    # The family asked for once a week: within the week of the digest.
    (None, Mode.WEEKLY): lambda _, due, hours: _midnight_after(
        (day := hours.day(due)) + timedelta(days=6 - day.weekday()), hours.zone
    ),
}

# How long after its due time and deadline it is still worth telling.
WORTH_TELLING: Mapping[Category, timedelta] = {
    Category.MARK: timedelta(days=14),  # the journal itself allows a week (R-A12)
    Category.FINAL_MARK: timedelta(days=30),  # nobody may miss it
    Category.FORECAST: timedelta(days=7),  # the next one replaces it
    Category.ATTENDANCE: timedelta(days=7),  # no alarm any more, but a family asks where the child was
    Category.HOMEWORK: timedelta(days=3),  # done or not by then
    Category.LESSON: timedelta(0),  # told until the lesson's day is over; one that is over, in its digest
    Category.ASSESSMENT: timedelta(days=7),
    Category.REMARK: timedelta(days=14),
    Category.ANNOUNCEMENT: timedelta(days=7),
}


def schedule(facts: Facts, *, mode: Mode, channel: Channel, shift: int, hold: bool, hours: Hours) -> Schedule:
    """The times of one decision. `hold`: an absence known early waits for `hold_absence_until` of
    its own day, for it may yet turn out a lateness; one of an earlier day leaves at once."""
    profile, zone = hours.profile, hours.zone
    match mode:
        case Mode.DAILY:
            due = next_daily(facts.accepted_at, profile.daily_digest(shift), zone)
            if facts.category is Category.FINAL_MARK and due > _known_within(facts, hours):
                due = facts.accepted_at  # R-B1: no digest is in time
        case Mode.WEEKLY:
            weekly = profile.weekly_digest_at
            due = next_weekly(facts.accepted_at, weekly.weekday, weekly.at, zone)
        case _ if hold:
            due = max(facts.accepted_at, _instant(facts.day, profile.hold_absence_until, zone))
        case _:
            due = facts.accepted_at
    if channel in (Channel.SMS, Channel.PUSH):
        due = after_quiet_hours(due, *profile.quiet_hours, zone)
    rule = DEADLINES.get((facts.category, mode)) or DEADLINES[None, mode]
    deadline = rule(facts, due, hours)
    last = max(due, deadline)
    if facts.category is Category.LESSON and (over := _midnight_after(max(facts.days), zone)) > due:
        last, deadline = over, min(deadline, over)
    due = due.astimezone(UTC)
    return Schedule(
        mode, due, deadline.astimezone(UTC), (last + WORTH_TELLING[facts.category]).astimezone(UTC)
    )


def next_daily(after: datetime, at: time, zone: ZoneInfo) -> datetime:
    """The first daily digest later than `after`. There is one every day, Sundays too: an empty one
    is not sent, and a mark entered on a day off must not wait for the next lesson."""
    today = after.astimezone(zone).date()
    moment = _instant(today, at, zone)
    return moment if moment > after else _instant(today + DAY, at, zone)


def next_weekly(after: datetime, weekday: int, at: time, zone: ZoneInfo) -> datetime:
    """The first weekly digest later than `after` (`weekday` 0 is Monday)."""
    today = after.astimezone(zone).date()
    day = today + timedelta(days=(weekday - today.weekday()) % 7)
    moment = _instant(day, at, zone)
    return moment if moment > after else _instant(day + timedelta(days=7), at, zone)


def after_quiet_hours(at: datetime, start: time, end: time, zone: ZoneInfo) -> datetime:
    """`at`, or the end of the quiet hours it falls into. They may wrap midnight; start equal to end
    means none. Where clocks go back the wall clock counts: quiet hours repeated stay quiet."""
    local = at.astimezone(zone)
    wall = local.time()
    wraps = start > end
    if not ((wall >= start or wall < end) if wraps else (start <= wall < end)):
        return at
    day = local.date() + DAY if wraps and wall >= start else local.date()
    moment = _instant(day, end, zone)
    return moment if moment > at else datetime.combine(day, end, zone).replace(fold=1).astimezone(UTC)
