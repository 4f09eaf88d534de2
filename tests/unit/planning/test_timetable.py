"""When a family hears of what: tables a head teacher can check (R-B1 to R-B4, R-B6, R-A5).

Days of one November: Monday the 23rd to Sunday the 29th of 2026. All times are the school's own.
The school's profile: digests at 18:30 (first shift) and 20:00 (second), weekly on Friday at 18:30,
quiet hours from 21:00 to 8:00, absences known before 10:00 wait until then, final marks within 24 h.
"""

import importlib.resources
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from support.families import MOSCOW, change

from dispatcher.planning.facts import Alert, facts_of
from dispatcher.planning.timing import Hours, default_mode, next_daily, next_weekly, schedule
from shared.categories import Category, Channel, Mode
from shared.settings import Profile

PROFILE = Profile(daily_digest_at=(time(18, 30), time(20)))
EMAIL, SMS, PUSH = Channel.EMAIL, Channel.SMS, Channel.PUSH
NOW_, DAILY, WEEKLY = Mode.IMMEDIATE, Mode.DAILY, Mode.WEEKLY


def local(text: str, zone: ZoneInfo = MOSCOW) -> datetime:
    """«24 12:00» of November 2026; «+1 08:00» is the first of December."""
    day, _, at = text.partition(" ")
    month, number = (12, int(day[1:])) if day.startswith("+") else (11, int(day))
    hour, minute = map(int, at.split(":"))
    return datetime(2026, month, number, hour, minute, tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True)
class Row:
    """`mode` None: nobody asked for anything. `on`: the lesson's day, in November. `lag`: hours between the
    journal's knowing and ours."""

    why: str
    category: Category
    known: str
    leaves: str
    deadline: str
    expires: str
    channel: Channel = EMAIL
    mode: Mode | None = None
    on: int = 24
    shift: int = 1
    attendance: str = "absent"
    lag: int = 0


MARK, FINAL, ABSENCE, LESSON = Category.MARK, Category.FINAL_MARK, Category.ATTENDANCE, Category.LESSON
HOMEWORK = Category.HOMEWORK
TABLE = [
    # What is entered in the day leaves in the evening; a failed evening is made up for by noon (R-B3, R-B4).
    Row("a mark", MARK, "24 12:00", "24 18:30", "25 12:00", "+9 12:00"),
    Row("homework", HOMEWORK, "24 15:10", "24 18:30", "25 12:00", "28 12:00"),
    Row("a mark of the second shift", MARK, "24 12:00", "24 20:00", "25 12:00", "+9 12:00", shift=2),
    Row("a mark entered as the digest leaves", MARK, "24 18:30", "25 18:30", "26 12:00", "+10 12:00"),
    Row("a mark of last week", MARK, "24 12:00", "24 18:30", "25 12:00", "+9 12:00", on=18),
    Row("a mark by SMS, in the digest", MARK, "24 12:00", "24 18:30", "25 12:00", "+9 12:00", SMS, DAILY),
    Row("a mark at once, late at night", MARK, "24 23:10", "24 23:10", "25 23:10", "+9 23:10", EMAIL, NOW_),
    Row("by SMS not before morning", MARK, "24 23:10", "25 08:00", "25 23:10", "+9 23:10", SMS, NOW_),
    # The calendar holds back nothing: what was entered on a day off is news that day.
    Row("Saturday of a five-day week", MARK, "28 11:00", "28 18:30", "29 12:00", "+13 12:00", on=27),
    Row("Sunday", MARK, "29 11:00", "29 18:30", "30 12:00", "+14 12:00", on=27),
    # Once a week, if the family asked for that (R-B6).
    Row("a weekly letter", MARK, "24 12:00", "27 18:30", "30 00:00", "+14 00:00", EMAIL, WEEKLY),
    Row("after it has left", MARK, "27 18:30", "+4 18:30", "+7 00:00", "+21 00:00", EMAIL, WEEKLY),
    Row("Saturday's lesson", MARK, "28 12:00", "+4 18:30", "+7 00:00", "+21 00:00", EMAIL, WEEKLY, on=28),
    # Final marks: at once, and within 24 hours of the journal's knowing, days off or not (R-B1).
    Row("a final mark", FINAL, "24 12:00", "24 12:00", "25 12:00", "+25 12:00"),
    Row("on Saturday", FINAL, "28 17:00", "28 17:00", "29 17:00", "+29 17:00"),
    Row("by SMS at night", FINAL, "24 22:00", "25 08:00", "25 22:00", "+25 22:00", SMS),
    Row("in the digest", FINAL, "24 12:00", "24 18:30", "25 12:00", "+25 12:00", EMAIL, DAILY),
    Row(
        "polled late, no digest is in time",
        FINAL,
        "25 10:00",
        "25 10:00",
        "25 12:00",
        "+25 12:00",
        mode=DAILY,
        lag=22,
    ),
    Row("polled too late: late at once", FINAL, "25 14:00", "25 14:00", "25 12:00", "+25 14:00", lag=26),
    # Absences: the same day, but not before ten, for the child may only be late (R-B2).
    Row("known at a quarter to nine", ABSENCE, "24 08:45", "24 10:00", "25 00:00", "+2 00:00"),
    Row("known at eleven", ABSENCE, "24 11:00", "24 11:00", "25 00:00", "+2 00:00"),
    Row("excused the evening before", ABSENCE, "23 19:00", "24 10:00", "25 00:00", "+2 00:00"),
    Row("yesterday's", ABSENCE, "25 08:45", "25 08:45", "26 00:00", "+3 00:00"),
    Row(
        "a lateness waits for nothing",
        ABSENCE,
        "24 08:45",
        "24 08:45",
        "25 00:00",
        "+2 00:00",
        attendance="late",
    ),
    Row("by SMS", ABSENCE, "24 08:45", "24 10:00", "25 00:00", "+2 00:00", SMS),
    Row("by push, entered at night", ABSENCE, "24 21:30", "25 08:00", "26 00:00", "+3 00:00", PUSH),
    # Changes of lessons: at once if today or tomorrow, and until the day is over (R-A5).
    Row("tomorrow's lesson", LESSON, "24 12:00", "24 12:00", "25 12:00", "26 00:00", on=25),
    Row("today's lesson", LESSON, "24 12:00", "24 12:00", "25 00:00", "25 00:00"),
    Row("tomorrow's, by SMS at night", LESSON, "24 22:00", "25 08:00", "25 22:00", "26 00:00", SMS, on=25),
    Row("next week's", LESSON, "24 12:00", "24 18:30", "25 12:00", "+1 00:00", on=30),
    Row("Monday's, known on Friday night", LESSON, "27 20:00", "28 18:30", "29 12:00", "+1 00:00", on=30),
    Row("Monday's, known on Sunday", LESSON, "29 12:00", "29 12:00", "30 12:00", "+1 00:00", on=30),
    Row("yesterday's, for the record", LESSON, "24 12:00", "24 18:30", "25 12:00", "25 12:00", on=23),
    Row("a weekly record of it", LESSON, "24 12:00", "27 18:30", "30 00:00", "30 00:00", EMAIL, WEEKLY),
]


@pytest.mark.parametrize("row", TABLE, ids=[f"{row.category.value}: {row.why}" for row in TABLE])
def test_timetable(row: Row) -> None:
    accepted = local(row.known)
    data = {"attendance": row.attendance, "lesson": {"date": f"2026-11-{row.on}", "number": 1}}
    made = change(row.category, accepted_at=accepted, time=accepted - timedelta(hours=row.lag), data=data)
    facts = facts_of(made, MOSCOW)
    hours = Hours(MOSCOW, PROFILE)
    mode = row.mode or default_mode(facts, today=hours.day(accepted), corrected=None)
    found = schedule(
        facts, mode=mode, channel=row.channel, shift=row.shift, hold=facts.alert is Alert.ABSENCE, hours=hours
    )
    assert (found.due_at, found.deadline, found.expires_at) == (
        local(row.leaves),
        local(row.deadline),
        local(row.expires),
    )


def russian_zones() -> dict[str, ZoneInfo]:
    """Every zone of Russia, as tzdata lists them."""
    table = importlib.resources.files("tzdata").joinpath("zoneinfo/zone.tab").read_text()
    rows = [line.split("\t") for line in table.splitlines() if not line.startswith("#")]
    return {row[2]: ZoneInfo(row[2]) for row in rows if row[0] == "RU" and row[2] != "Europe/Simferopol"}


ELEVEN = {
    "Europe/Kaliningrad": 2,
    "Europe/Moscow": 3,
    "Europe/Samara": 4,
    "Asia/Yekaterinburg": 5,
    "Asia/Omsk": 6,
    "Asia/Krasnoyarsk": 7,
    "Asia/Irkutsk": 8,
    "Asia/Yakutsk": 9,
    "Asia/Vladivostok": 10,
    "Asia/Magadan": 11,
    "Asia/Kamchatka": 12,
}


def test_eleven_time_zones_and_no_summer_time() -> None:
    """All of Russia's zones in tzdata have one of these eleven offsets, the whole year round."""
    zones = russian_zones()
    assert set(ELEVEN) <= set(zones)
    for name, zone in zones.items():
        offsets = {
            (datetime(2026, 9, 1, tzinfo=UTC) + timedelta(days=day)).astimezone(zone).utcoffset()
            for day in range(0, 730, 5)
        }
        assert len(offsets) == 1, name
        assert offsets <= {timedelta(hours=hours) for hours in ELEVEN.values()}, name


@pytest.mark.parametrize("name", ELEVEN)
def test_the_same_school_day_everywhere(name: str) -> None:
    """A table row holds in every zone, by its own clock."""
    zone = ZoneInfo(name)
    for at, daily, weekly in (
        ("24 00:00", "24 18:30", "27 18:30"),
        ("24 23:59", "25 18:30", "27 18:30"),
        ("27 18:29", "27 18:30", "27 18:30"),
        ("27 18:30", "28 18:30", "+4 18:30"),
        ("29 23:59", "30 18:30", "+4 18:30"),
    ):
        assert next_daily(local(at, zone), time(18, 30), zone) == local(daily, zone)
        assert next_weekly(local(at, zone), 4, time(18, 30), zone) == local(weekly, zone)


def test_one_instant_is_two_days() -> None:
    """A Sunday evening in Kaliningrad is a Monday morning in Kamchatka: another day, another week."""
    instant = datetime(2026, 11, 29, 19, 0, tzinfo=UTC)
    days = {name: instant.astimezone(ZoneInfo(name)).date() for name in ELEVEN}
    assert days["Europe/Kaliningrad"] == date(2026, 11, 29)
    assert days["Asia/Kamchatka"] == date(2026, 11, 30)
    made = change(
        Category.LESSON,
        accepted_at=instant,
        time=instant,
        data={"lesson": {"date": "2026-12-01", "number": 1}},
    )
    for name, day in days.items():
        zone = ZoneInfo(name)
        found = facts_of(made, zone)
        tomorrow = day == date(2026, 11, 30)
        mode = default_mode(found, today=day, corrected=None)
        assert mode is (Mode.IMMEDIATE if tomorrow else Mode.DAILY), name
        late = found.accepted_at.astimezone(zone).hour
        sms = schedule(
            found, mode=NOW_, channel=SMS, shift=1, hold=False, hours=Hours(zone, PROFILE)
        ).due_at.astimezone(zone)
        if 8 <= late < 21:
            assert sms == instant
        else:
            assert (sms.hour, sms.minute, sms.date()) == (8, 0, day + timedelta(days=late >= 21))


def test_the_day_that_was_missing() -> None:
    """Zones have jumped over the date line and over years of changing clocks: a digest is still the next."""
    apia = ZoneInfo("Pacific/Apia")  # no 30th of December 2011
    before = datetime(2011, 12, 29, 20, 0, tzinfo=apia)
    assert next_daily(before, time(18, 30), apia) == datetime(2011, 12, 31, 18, 30, tzinfo=apia).astimezone(
        UTC
    )
    moscow_2014 = datetime(2014, 10, 26, 0, 30, tzinfo=MOSCOW)  # an hour comes twice, for the last time
    digest = next_daily(moscow_2014, time(1, 30), MOSCOW)
    assert digest == datetime(2014, 10, 26, 1, 30, tzinfo=MOSCOW, fold=0).astimezone(UTC)
    assert next_daily(digest, time(1, 30), MOSCOW) - digest > timedelta(hours=24)
