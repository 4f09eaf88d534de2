"""The weekly e-mail, empty or not (R-B6)."""

from datetime import UTC, datetime, timedelta

from integration.sending.office import Office, ScriptedPort

from shared.categories import Channel

FRIDAY = datetime(2026, 11, 27, 15, 30, tzinfo=UTC)  # 18:30 in Moscow


async def test_an_empty_week_is_told_too_and_only_once(office: Office) -> None:
    """R-B6"""
    await office.family("1", email="anna@example.org", form="weekly_email")
    await office.family("2", email="olga@example.org")
    port = ScriptedPort(Channel.EMAIL)
    office.clock.at = FRIDAY - timedelta(seconds=1)
    await office.compose()
    # An installation that starts late makes up for no moment long gone.
    await office.work(port)
    assert port.parcels == []
    office.clock.at = FRIDAY
    await office.work(port)
    await office.work(port)
    assert [parcel.addresses for parcel in port.parcels] == [("anna@example.org",)]
    (message,) = await office.messages()
    assert (message["kind"], message["status"]) == ("weekly", "accepted")
    assert (str(message["period_from"]), str(message["period_to"])) == ("2026-11-21", "2026-11-27")
    office.clock.at = FRIDAY + timedelta(days=7)
    await office.work(port)
    assert len(port.parcels) == 2


async def test_a_week_with_news_has_one_letter(office: Office) -> None:
    await office.family("1", email="anna@example.org", form="weekly_email")
    office.clock.at = FRIDAY
    await office.tell("1", mode="weekly")
    port = ScriptedPort(Channel.EMAIL)
    await office.work(port)
    assert len(port.parcels) == 1


async def test_withdrawn_consent_silences_the_empty_one_too(office: Office) -> None:
    """R-C5"""
    await office.family("1", email="anna@example.org", form="weekly_email")
    office.clock.at = FRIDAY
    await office.compose()
    await office.withdraw("1")
    port = ScriptedPort(Channel.EMAIL)
    await office.work(port)
    assert port.parcels == []
    assert await office.statuses() == [("email", "cancelled")]


async def test_no_letter_in_the_holidays(office: Office) -> None:
    await office.admin.execute(
        "INSERT INTO roster.calendar VALUES ('s', '2026-11-20', '2026-11-30', 'holiday', 'Каникулы')"
    )
    await office.family("1", email="anna@example.org", form="weekly_email")
    office.clock.at = FRIDAY
    port = ScriptedPort(Channel.EMAIL)
    await office.work(port)
    assert port.parcels == []


async def test_an_outage_over_a_long_weekend_is_made_up_for(office: Office) -> None:
    """R-B6: by an installation that was at work before; one begun on Monday writes to nobody."""
    await office.family("1", email="anna@example.org", form="weekly_email")
    port = ScriptedPort(Channel.EMAIL)
    office.clock.at = FRIDAY + timedelta(days=3)
    await office.work(port)
    assert port.parcels == []
    office.clock.at = FRIDAY - timedelta(days=1)
    await office.change("1")
    for days, letters in ((7, 0), (4, 1), (5, 1), (7, 2)):  # on the seventh it is the next week's turn
        office.clock.at = FRIDAY + timedelta(days=days, hours=-1 if letters == 0 else 0)
        await office.work(port)
        assert len(port.parcels) == letters, days
