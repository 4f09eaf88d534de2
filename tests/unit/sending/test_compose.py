"""Grouping what is due."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from dispatcher.compose import Due, compose
from dispatcher.view import Kind
from shared.categories import Channel, Mode

NOW = datetime(2026, 11, 27, 15, 30, tzinfo=UTC)
ZONES = {"s": ZoneInfo("Europe/Moscow"), "t": ZoneInfo("Asia/Kamchatka")}

DUES = st.lists(
    st.builds(
        Due,
        change=st.integers(0, 10**6).map(lambda n: UUID(int=n)),
        school=st.sampled_from(["s", "t"]),
        guardian=st.sampled_from(["g-1", "g-2"]),
        channel=st.sampled_from([Channel.EMAIL, Channel.SMS]),
        mode=st.sampled_from([Mode.IMMEDIATE, Mode.DAILY, Mode.WEEKLY]),
        due_at=st.integers(-60, 0).map(lambda minutes: NOW + timedelta(minutes=minutes)),
        deadline=st.none() | st.just(NOW + timedelta(days=1)),
        expires_at=st.none() | st.just(NOW + timedelta(days=2)),
    ),
    unique_by=lambda due: (due.change, due.guardian),
)


@given(DUES)
def test_every_decision_in_exactly_one_message_and_one_message_a_guardian_and_channel(
    due: list[Due],
) -> None:
    drafts = compose(due, ZONES)
    keys = [(draft.school, draft.guardian, draft.channel) for draft in drafts]
    assert len(keys) == len(set(keys))
    assert sorted((one.change, one.guardian) for one in due) == sorted(
        (change, draft.guardian) for draft in drafts for change in draft.changes
    )
    for draft in drafts:
        held = [one for one in due if (one.school, one.guardian, one.channel) == draft_key(draft)]
        assert draft.due_at == min(one.due_at for one in held)
        assert (draft.expires_at is None) == any(one.expires_at is None for one in held)
        assert (draft.period is not None) == (draft.kind is Kind.WEEKLY)


def draft_key(draft: object) -> tuple[str, str, Channel]:
    return draft.school, draft.guardian, draft.channel  # type: ignore[attr-defined]


def test_the_week_ends_on_the_day_of_the_letter_by_the_schools_own_clock() -> None:
    for school, last in (("s", date(2026, 11, 27)), ("t", date(2026, 11, 28))):
        due = Due(UUID(int=1), school, "g", Channel.EMAIL, Mode.WEEKLY, NOW)
        (draft,) = compose([due], ZONES)
        assert draft.period == (last - timedelta(days=6), last)
