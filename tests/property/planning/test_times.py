"""What holds of every due time, deadline and expiry, in every zone of Russia (R-B1 to R-B6)."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from support.families import change

from dispatcher.planning.facts import Alert, Facts, facts_of
from dispatcher.planning.timing import Hours, schedule
from dispatcher.sending.weekly import last_moment, teaching_week
from shared.calendar import Calendar, DayKind, Span
from shared.categories import Category, Channel, Mode
from shared.families import School, SchoolClass
from shared.settings import Profile, WeeklyMoment

DAY = timedelta(days=1)
ZONES = [
    ZoneInfo(f"Asia/{city}")
    for city in ("Yekaterinburg", "Omsk", "Krasnoyarsk", "Irkutsk", "Yakutsk", "Vladivostok", "Magadan")
] + [ZoneInfo(name) for name in ("Europe/Kaliningrad", "Europe/Moscow", "Europe/Samara", "Asia/Kamchatka")]
zones = st.sampled_from(ZONES)
quarters = st.integers(0, 95).map(lambda n: time(n // 4, n % 4 * 15))
instants = st.integers(0, 365 * 24 * 60).map(
    lambda minutes: datetime(2026, 9, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
profiles = st.builds(
    Profile,
    daily_digest_at=st.lists(quarters, min_size=1, max_size=2).map(tuple),
    weekly_digest_at=st.builds(WeeklyMoment, weekday=st.integers(0, 6), at=quarters),
    quiet_hours=st.tuples(quarters, quarters),
    hold_absence_until=quarters,
    final_marks_within=st.sampled_from([24, 72]),
)


@st.composite
def news(draw: st.DrawFn, zone: ZoneInfo) -> Facts:
    accepted = draw(instants)
    lag = timedelta(hours=draw(st.sampled_from([0, 0, 1, 30])))
    day = accepted.astimezone(zone).date() + timedelta(days=draw(st.integers(-3, 7)))
    data = {
        "lesson": {"date": day.isoformat(), "number": 1},
        "attendance": draw(st.sampled_from(["absent", "late"])),
    }
    category = draw(st.sampled_from(Category))
    return facts_of(change(category, accepted_at=accepted, time=accepted - lag, data=data), zone)


def quiet(at: datetime, profile: Profile, zone: ZoneInfo) -> bool:
    wall, (start, end) = at.astimezone(zone).time(), profile.quiet_hours
    return (wall >= start or wall < end) if start > end else start <= wall < end


def own_times(profile: Profile, shift: int, zone: ZoneInfo, after: datetime) -> list[datetime]:
    """The school's daily digests around an instant, written out day by day."""
    at = profile.daily_digest_at[-1] if shift == 2 else profile.daily_digest_at[0]
    first = after.astimezone(zone).date() - DAY
    return [datetime.combine(first + n * DAY, at, zone) for n in range(4)]


@given(st.data(), zones, profiles, st.sampled_from([1, 2]))
def test_times_of_a_decision(data: st.DataObject, zone: ZoneInfo, profile: Profile, shift: int) -> None:
    found = data.draw(news(zone))
    mode = data.draw(st.sampled_from([Mode.IMMEDIATE, Mode.DAILY, Mode.WEEKLY]))
    channel = data.draw(st.sampled_from([Channel.EMAIL, Channel.SMS, Channel.PUSH]))
    hold = mode is Mode.IMMEDIATE and found.alert is Alert.ABSENCE
    times = schedule(found, mode=mode, channel=channel, shift=shift, hold=hold, hours=Hours(zone, profile))
    accepted, noisy = found.accepted_at, channel is not Channel.EMAIL

    # Never before acceptance, never after it has lost its sense, and there is always time to tell it.
    assert accepted <= times.due_at < times.expires_at
    assert times.deadline <= times.expires_at
    assert not (noisy and quiet(times.due_at, profile, zone))

    # The deadline lies after the due time, or the poll, the quiet hours or a wish is the reason.
    if times.deadline < times.due_at:
        assert found.category is Category.FINAL_MARK or noisy or mode is Mode.WEEKLY

    local = times.due_at.astimezone(zone)
    if noisy:
        return  # what follows is about the time before quiet hours
    match mode:
        case Mode.IMMEDIATE if hold:
            # Only an absence known before that hour of its own day, and never longer than until it.
            opens = datetime.combine(found.day, profile.hold_absence_until, zone)
            assert times.due_at == max(accepted, opens)
        case Mode.IMMEDIATE:
            assert times.due_at == accepted
        case Mode.DAILY:
            digest = min(at for at in own_times(profile, shift, zone, accepted) if at > accepted)
            in_time = digest <= found.recorded_at + timedelta(hours=profile.final_marks_within)
            waits = found.category is not Category.FINAL_MARK or in_time
            assert times.due_at == (digest if waits else accepted)
        case Mode.WEEKLY:
            assert (local.weekday(), local.time()) == (
                profile.weekly_digest_at.weekday,
                profile.weekly_digest_at.at,
            )
            assert accepted < times.due_at <= accepted + 7 * DAY


@given(zones, profiles, instants)
def test_an_absence_learned_on_its_day_is_due_that_day(
    zone: ZoneInfo, profile: Profile, accepted: datetime
) -> None:
    """R-B2, over e-mail: whatever the hour it was learned."""
    day = accepted.astimezone(zone).date()
    data = {"lesson": {"date": day.isoformat(), "number": 1}, "attendance": "absent"}
    found = facts_of(change(Category.ATTENDANCE, accepted_at=accepted, time=accepted, data=data), zone)
    times = schedule(
        found,
        mode=Mode.IMMEDIATE,
        channel=Channel.EMAIL,
        shift=1,
        hold=True,
        hours=Hours(zone, profile),
    )
    assert times.due_at.astimezone(zone).date() == day
    assert times.due_at < times.deadline


YEARS: list[list[Span]] = [[], [Span(date(2026, 9, 1), date(2027, 5, 31), DayKind.TERM)]]
spans = st.lists(
    st.builds(
        lambda start, length, kind: Span(
            date(2026, 9, 1) + start * DAY, date(2026, 9, 1) + (start + length) * DAY, kind
        ),
        st.integers(0, 270),
        st.integers(0, 20),
        st.sampled_from([DayKind.HOLIDAY, DayKind.DAY_OFF, DayKind.WORKING_DAY]),
    ),
    max_size=6,
)


@given(
    zones,
    spans,
    st.sampled_from([5, 6]),
    st.integers(0, 6),
    quarters,
    st.integers(0, 270),
    st.sampled_from([[], [Span(date(2026, 9, 1), date(2027, 5, 31), DayKind.TERM)]]),
)
def test_no_day_of_lessons_falls_between_two_weekly_letters(
    zone: ZoneInfo, holes: list[Span], days: int, weekday: int, at: time, n: int, year: list[Span]
) -> None:
    """R-B6: holidays, days off and the end of a term cut weeks into pieces, and every day with lessons
    still lies in exactly one week whose letter is owed, also when it would be empty."""
    school = School("s", "Школа", zone, Calendar((*year, *holes)))
    classes = [SchoolClass("5А", "5", days=days)]
    day = date(2026, 9, 1) + n * DAY
    weekly = WeeklyMoment(weekday=weekday, at=at)
    noon = datetime.combine(day, time(12), zone).astimezone(UTC)
    moments = {last_moment(weekly, school, noon + k * DAY).astimezone(UTC) for k in range(-1, 16)}
    telling = [
        moment
        for moment in moments
        if moment.astimezone(zone).date() - 6 * DAY <= day <= moment.astimezone(zone).date()
    ]
    assert len(telling) == 1
    if school.calendar.teaches(day, days=days):
        assert teaching_week(school, classes, telling[0])
    else:
        period = [telling[0].astimezone(zone).date() - k * DAY for k in range(7)]
        assert teaching_week(school, classes, telling[0]) == any(
            school.calendar.teaches(other, days=days) for other in period
        )
