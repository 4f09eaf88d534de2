"""From decisions to letters in a real inbox, and what stops one on the way."""

from datetime import timedelta

from integration.sending.office import Office, ScriptedPort
from support.buses import eventually

from dispatcher import ledger
from dispatcher.channels.base import Accepted, Parcel
from dispatcher.channels.email import EmailChannel
from dispatcher.sending.sender import Width
from sandbox.faults import NO_SUCH_MAILBOX
from sandbox.inbox import Inbox
from shared.categories import Channel


def _email(inbox: Inbox) -> EmailChannel:
    return EmailChannel(inbox.url, mail_from="school@vestnik.example")


async def test_all_that_is_due_for_a_guardian_is_one_letter(office: Office) -> None:
    await office.family("1", email="anna@example.org")
    told = [await office.tell("1", value=value) for value in "543"]
    later = await office.tell("1", due_in=timedelta(hours=1))
    async with Inbox() as inbox:
        await office.work(_email(inbox))
        (letter,) = inbox.letters
        assert letter.rcpt_to == ("anna@example.org",)
        (message,) = await office.messages()
        assert str(message["id"]) in str(letter.message["Message-ID"])
        assert (message["status"], message["kind"]) == ("accepted", "daily")
        assert {(await office.decision(change))["message"] for change in told} == {message["id"]}
        assert (await office.decision(later))["message"] is None
        # what comes later makes a second letter
        office.clock.at += timedelta(hours=1)
        await office.work(_email(inbox))
        assert len(inbox.letters) == 2
    outcomes = await office.outcomes()
    assert [one["status"] for one in outcomes] == ["accepted", "accepted"]
    assert set(outcomes[0]["changes"]) == {str(change) for change in told}
    assert outcomes[0]["pupils"] == ["p-1"]
    assert "anna@example.org" not in str(outcomes)


async def test_withdrawn_consent_stops_the_very_next_send(office: Office) -> None:
    """R-C5, R-B8"""
    await office.family("1", email="anna@example.org")
    await office.family("2", email="olga@example.org")
    stopped, sent = await office.tell("1"), await office.tell("2")
    async with Inbox() as inbox:
        await office.compose()
        await office.withdraw("1")
        await office.work(_email(inbox))
        assert [letter.rcpt_to for letter in inbox.letters] == [("olga@example.org",)]
    decision = await office.decision(stopped)
    assert (decision["verdict"], decision["reason"], decision["message"]) == ("suppress", "no_consent", None)
    assert decision["missing"] == ["withdrawn"]
    assert sorted(status for _, status in await office.statuses()) == ["accepted", "cancelled"]
    assert (await office.decision(sent))["verdict"] == "tell"


async def test_a_withdrawal_stops_what_was_checked_and_waits_for_its_turn(office: Office) -> None:
    """R-C5: two letters in hand and one connection; the consents are withdrawn during the first call."""
    for name in ("1", "2"):
        await office.family(name, email=f"{name}@example.org")
        await office.tell(name)

    async def both_withdraw(_parcel: Parcel) -> Accepted:
        for name in ("1", "2"):
            await office.withdraw(name)
        return Accepted()

    port = ScriptedPort(Channel.EMAIL, [both_withdraw])
    await office.compose()
    async with office.sending(port, widths={Channel.EMAIL: Width(calls=1, hand=2)}):
        await eventually(lambda: _ended(office))
    assert len(port.parcels) == 1
    assert sorted(status for _, status in await office.statuses()) == ["accepted", "cancelled"]
    reasons = [
        row["reason"] for row in await office.pool.fetch("SELECT reason FROM dispatch.message_history")
    ]
    assert "papers_changed" in reasons


async def _ended(office: Office) -> bool:
    return {status for _, status in await office.statuses()} <= {"accepted", "cancelled"}


async def test_restricted_rights_stop_it_too(office: Office) -> None:
    """R-D4"""
    await office.family("1", email="anna@example.org")
    change = await office.tell("1")
    await office.compose()
    await office.admin.execute("UPDATE roster.guardianship SET restricted_from = '2026-11-01'")
    await office.admin.execute("INSERT INTO roster.epoch VALUES ('s', 7)")
    async with Inbox() as inbox:
        await office.work(_email(inbox))
        assert inbox.letters == []
    assert (await office.decision(change))["reason"] == "rights"


async def test_only_what_was_not_cancelled_is_said(office: Office) -> None:
    """R-A11: a correction planned between composing and sending"""
    await office.family("1", email="anna@example.org")
    old = await office.tell("1", entity="mark/1", value="2")
    await office.tell("1", entity="mark/9", value="5")
    await office.compose()
    new = await office.change("1", entity="mark/1", value="4")
    await office.pool.execute("UPDATE dispatch.decision SET cancelled_by = $2 WHERE change = $1", old, new)
    async with Inbox() as inbox:
        await office.work(_email(inbox))
        (letter,) = inbox.letters
    (outcome,) = await office.outcomes()
    assert len(outcome["changes"]) == 1
    assert str(old) not in outcome["changes"]
    assert letter.text


async def test_a_correction_tells_what_was_told_before(office: Office) -> None:
    """R-A11"""
    await office.family("1", email="anna@example.org")
    async with Inbox() as inbox:
        first = await office.tell("1", entity="mark/1", value="2")
        await office.work(_email(inbox))
        await office.tell("1", entity="mark/1", value="4", corrects=first)
        await office.work(_email(inbox))
        first_letter, second_letter = inbox.letters
    assert "Исправлен" not in first_letter.text
    assert "2" in second_letter.text
    assert "4" in second_letter.text
    assert "справлен" in second_letter.text


async def test_a_correction_of_what_never_arrived_is_news_and_its_removal_nothing(office: Office) -> None:
    """R-A11"""
    await office.family("1", email="anna@example.org")
    never = await office.change("1", entity="mark/1", value="2")
    gone = await office.tell("1", entity="mark/1", type="journal.mark.removed", corrects=never)
    async with Inbox() as inbox:
        await office.work(_email(inbox))
        assert inbox.letters == []
    decision = await office.decision(gone)
    assert (decision["verdict"], decision["reason"]) == ("suppress", "nothing_told")


async def test_of_two_revisions_in_one_letter_the_newest_speaks(office: Office) -> None:
    await office.family("1", email="anna@example.org")
    old = await office.tell("1", entity="mark/1", value="2")
    new = await office.tell("1", entity="mark/1", value="4")
    async with Inbox() as inbox:
        await office.work(_email(inbox))
        assert len(inbox.letters) == 1
    assert (await office.decision(old))["cancelled_by"] == new
    assert (await office.decision(new))["message"] is not None


async def test_a_dead_address_is_suppressed_and_sms_follows(office: Office) -> None:
    await office.family("1", email="anna@example.org", phone="+79161234567")
    change = await office.tell("1", type="journal.attendance.set", mode="immediate")
    sms = ScriptedPort(Channel.SMS)
    async with Inbox() as inbox:
        inbox.faults.add(NO_SUCH_MAILBOX)
        await office.work(_email(inbox), sms)
        assert inbox.letters == []
    assert len(sms.parcels) == 1
    assert await office.statuses() == [("email", "cancelled"), ("sms", "accepted")]
    assert (await office.decision(change))["channel"] == "sms"
    suppressed = await office.pool.fetchrow("SELECT * FROM dispatch.suppression")
    assert (suppressed["channel"], suppressed["address"]) == ("email", "anna@example.org")


async def test_at_last_paper(office: Office) -> None:
    """R-E5"""
    await office.family("1", email="anna@example.org")
    change = await office.tell("1")
    async with Inbox() as inbox:
        inbox.faults.add(NO_SUCH_MAILBOX)
        await office.work(_email(inbox))
    decision = await office.decision(change)
    assert (decision["verdict"], decision["reason"]) == ("paper", "unreachable")
    (outcome,) = await office.outcomes()
    assert (outcome["kind"], outcome["change"], outcome["pupils"]) == ("paper", str(change), ["p-1"])


async def test_the_ledger_adds_up_over_every_end(office: Office) -> None:
    for name in "123456":
        await office.family(name, email=f"a{name}@example.org")
        await office.tell(name)
    await office.tell("1", due_in=timedelta(days=1))
    late = await office.tell("2", expires_in=timedelta(minutes=-1))
    await office.withdraw("3")
    async with Inbox() as inbox:
        inbox.faults.add(NO_SUCH_MAILBOX, to="a4@example.org")
        await office.work(_email(inbox))
    assert (await office.decision(late))["message"] is not None
    async with office.pool.acquire() as connection:
        found = await ledger.add_up(connection)
    assert found.adds_up
    assert (found.decisions, found.accepted, found.suppressed, found.paper, found.pending, found.expired) == (
        8, 4, 1, 1, 1, 1,
    )  # fmt: skip
