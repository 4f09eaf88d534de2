"""Notices become letters: to the right staff and nobody else, once, whatever breaks in between."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from integration.notices.conftest import PAPER, Room

from dispatcher.channels.base import Accepted, Outcome, Parcel, Port
from dispatcher.notices import store
from dispatcher.notices.teller import AT_MOST, EVERY
from dispatcher.sending.pauses import pause
from sandbox.faults import MAILBOX_FULL, NO_SUCH_MAILBOX, BreakAfterAccepting, Refuse
from shared.bus.lead import Bell
from shared.categories import Channel

CLASS = {"school": "s", "class": "7Б"}


@pytest.mark.parametrize(
    ("kind", "facts", "told"),
    [
        ("channel_paused", {"channel": "sms", "reason": "smsaero: 401"}, {"op@s.example", "boss@z.example"}),
        ("sms_list_unreachable", {}, {"op@s.example", "boss@z.example"}),
        ("not_my_child", {"school": "s", "guardian": "g-1"}, {"op@s.example"}),
        ("not_my_child", {"school": "z", "guardian": "g-1"}, {"boss@z.example"}),
        ("paper_not_handed_out", CLASS | PAPER, {"t7@s.example"}),
        ("moved_to_paper", CLASS | {"pupil": "p-7", "guardian": "g-1"}, {"t7@s.example"}),
        ("from_the_future", {"school": "s"}, {"op@s.example"}),
    ],
)
async def test_each_kind_reaches_its_own_staff(
    room: Room, kind: str, facts: dict[str, Any], told: set[str]
) -> None:
    assert await room.hear(room.record(kind, **facts)) == []
    await room.tell()
    assert room.told() == told
    assert await room.notices() == [(True, None)]


async def test_a_repeat_tells_nothing_twice(room: Room) -> None:
    """On either bus, and from whichever place in the log."""
    record = room.record("not_my_child", school="s", guardian="g-1")
    await room.hear(record, record)
    await room.tell()
    await room.hear(record)
    await room.tell()
    assert len(room.inbox.letters) == 1


async def test_a_malformed_record_is_set_aside_and_the_rest_goes_on(room: Room) -> None:
    bad = room.raw(b'{"kind": "not_my_child"}')
    (rejected,) = await room.hear(bad, room.record("sms_list_unreachable"))
    assert rejected.record is bad
    await room.tell()
    assert room.told() == {"op@s.example", "boss@z.example"}


async def test_a_pupil_is_named_to_the_own_class_teacher_alone(room: Room) -> None:
    moved = {"pupil": "p-7", "guardian": "g-1"}
    await room.hear(room.record("moved_to_paper", **CLASS, **moved))
    await room.tell()
    assert "Петров Иван" in room.inbox.to("t7@s.example")[0].text
    assert "Петров" not in str(room.inbox.letters[0].message["Subject"])
    # The teacher of 8А is asked to look after somebody who is not of 8А: no name.
    await room.hear(room.record("moved_to_paper", **{"school": "s", "class": "8А"}, **moved))
    await room.tell()
    (letter,) = room.inbox.to("t8@s.example")
    assert "Петров" not in letter.text
    assert "8" in letter.text


async def test_who_stopped_teaching_meanwhile_learns_no_name(room: Room) -> None:
    room.inbox.faults.add(MAILBOX_FULL, times=1)
    await room.hear(room.record("moved_to_paper", **CLASS, pupil="p-7", guardian="g-1"))
    await room.tell()
    await room.admin.execute("UPDATE roster.class SET teachers = '{t8}' WHERE school = 's' AND class = '7Б'")
    await room.tell()
    assert "Петров" not in room.inbox.to("t7@s.example")[0].text


@pytest.mark.parametrize(("class_name", "because"), [("9В", "no_address"), ("1А", "no_staff")])
async def test_nobody_to_tell_is_kept_with_its_reason(room: Room, class_name: str, because: str) -> None:
    facts = {"school": "s", "class": class_name} | PAPER
    await room.hear(room.record("paper_not_handed_out", **facts))
    await room.tell()
    assert room.inbox.letters == []
    assert await room.notices() == [(False, because)]
    counts, (newest,) = await store.untold(room.connection, 5)
    assert counts == {"paper_not_handed_out": 1}
    assert (newest.class_name, newest.because) == (class_name, because)


async def test_what_comes_within_ten_minutes_is_gathered(room: Room) -> None:
    await room.hear(room.record("not_my_child", school="s", guardian="g-1"))
    await room.tell(every=EVERY)
    for guardian in ("g-2", "g-3"):
        await room.hear(room.record("not_my_child", school="s", guardian=guardian))
        await room.tell(every=EVERY)
    await room.hear(room.record("sms_list_unreachable"))
    await room.tell(every=EVERY)
    assert len(room.inbox.to("op@s.example")) == 1
    assert len(room.inbox.to("boss@z.example")) == 1, "another's pause is not theirs"
    await room.admin.execute("UPDATE dispatch.notice_letter SET ended_at = ended_at - interval '11 minutes'")
    await room.tell(every=EVERY)
    _, gathered = room.inbox.to("op@s.example")
    assert "g-2" in gathered.text
    assert "g-3" in gathered.text
    assert "g-1" not in gathered.text
    assert "SMS" in gathered.text
    assert len(room.inbox.to("boss@z.example")) == 1


async def test_a_letter_is_bounded_and_the_rest_follows(room: Room) -> None:
    count = AT_MOST + 3
    await room.hear(*(room.record("not_my_child", school="s", guardian=f"g-{n}") for n in range(count)))
    await room.tell()
    await room.tell()
    first, second = room.inbox.letters
    assert first.text.count("представитель") == AT_MOST
    assert second.text.count("представитель") == 3
    assert await room.notices() == [(True, None)] * count


async def test_a_refused_mailbox_stops_only_its_own(room: Room) -> None:
    room.inbox.faults.add(NO_SUCH_MAILBOX, to="op@s.example")
    await room.hear(
        room.record("not_my_child", school="s", guardian="g-1"), room.record("sms_list_unreachable")
    )
    await room.tell()
    await room.tell()
    assert room.told() == {"boss@z.example"}
    assert await room.notices() == [(False, "refused"), (True, None)]
    assert await room.admin.fetchval("SELECT count(*) FROM dispatch.suppression") == 0


async def test_a_busy_server_is_asked_again_with_the_same_letter(room: Room) -> None:
    room.inbox.faults.add(MAILBOX_FULL, times=2)
    await room.hear(room.record("not_my_child", school="s", guardian="g-1"))
    await room.tell()
    await room.hear(room.record("not_my_child", school="s", guardian="g-2"))
    await room.tell()
    await room.tell()
    (letter,) = room.inbox.letters
    assert "g-2" not in letter.text, "a letter keeps its notices"
    await room.tell()
    assert "g-2" in room.inbox.letters[1].text
    assert await room.notices() == [(True, None)] * 2


async def test_patience_ends(room: Room) -> None:
    room.inbox.faults.add(MAILBOX_FULL)
    await room.hear(room.record("not_my_child", school="s", guardian="g-1"))
    await room.tell()
    await room.admin.execute("UPDATE dispatch.notice_letter SET composed_at = now() - interval '4 days'")
    await room.tell()
    assert await room.notices() == [(False, "gave_up")]


async def test_an_unknown_outcome_repeats_under_the_same_name(room: Room) -> None:
    room.inbox.faults.add(BreakAfterAccepting(), times=1)
    await room.hear(room.record("not_my_child", school="s", guardian="g-1"))
    await room.tell()
    await room.tell()
    await room.tell()
    first, second = room.inbox.letters
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert await room.notices() == [(True, None)]


class Killed(BaseException):
    """The process ends here."""


@dataclass
class DyingPort:
    """The way out of a process that is killed as soon as the server has accepted."""

    mail: Port
    channel: Channel = Channel.EMAIL

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def send(self, parcel: Parcel) -> Outcome:
        assert isinstance(await self.mail.send(parcel), Accepted)
        raise Killed


async def test_killed_between_acceptance_and_mark(room: Room) -> None:
    """The next one sends the same letter under the same Message-ID, and no third."""
    await room.hear(room.record("not_my_child", school="s", guardian="g-1"))
    with pytest.raises(Killed):
        await room.teller(port=DyingPort(room.mail)).round(room.connection, room.bell)
    assert await room.notices() == [(False, None)]
    await room.tell()
    await room.tell()
    first, second = room.inbox.letters
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert first.text == second.text
    assert await room.notices() == [(True, None)]


async def test_while_mail_is_paused_notices_wait(room: Room) -> None:
    async with room.connection.transaction():
        await pause(room.connection, Channel.EMAIL, "smtp: 535", by="sender")
    await room.hear(room.record("sms_list_unreachable"))
    await room.tell()
    assert room.inbox.letters == []
    counts, _ = await store.untold(room.connection, 5)
    assert counts == {"sms_list_unreachable": 1}
    await room.admin.execute("DELETE FROM dispatch.channel_pause")
    await room.tell()
    assert room.told() == {"op@s.example", "boss@z.example"}


async def test_our_own_fault_pauses_mail_and_is_itself_a_notice(room: Room) -> None:
    room.inbox.faults.add(Refuse(535, "5.7.8 Authentication failed"), on="mail", times=1)
    await room.hear(room.record("not_my_child", school="s", guardian="g-1"))
    await room.tell()
    await room.tell()
    assert room.inbox.letters == []
    assert await room.admin.fetchval("SELECT reason FROM dispatch.channel_pause") is not None
    assert (
        await room.admin.fetchval("SELECT count(*) FROM dispatch.outbox WHERE topic = 'staff.notices'") == 1
    )
    assert await room.notices() == [(False, None)]
    await room.admin.execute("DELETE FROM dispatch.channel_pause")
    await room.tell()
    assert room.told() == {"op@s.example"}


async def test_told_to_stop_it_leaves_the_rest_for_the_next(room: Room) -> None:
    await room.hear(room.record("sms_list_unreachable"))
    room.bell.stop()
    await room.tell()
    assert room.inbox.letters == []
    room.bell.stopping = False
    await room.tell()
    assert room.told() == {"op@s.example", "boss@z.example"}


async def test_a_letter_taken_is_nobody_elses_for_a_while(room: Room) -> None:
    await room.hear(room.record("not_my_child", school="s", guardian="g-1"))
    await room.teller().round(room.connection, _stopped())
    assert len(await store.take(room.connection, hold=timedelta(minutes=2))) == 1
    assert await store.take(room.connection, hold=timedelta(minutes=2)) == []


def _stopped() -> Bell:
    bell = Bell()
    bell.stop()
    return bell
