"""Every outcome leads along the table of transitions."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from dispatcher.channels.base import (
    Accepted,
    AddressFailed,
    MessageFailed,
    Misconfigured,
    Outcome,
    Retry,
    Unknown,
)
from dispatcher.messages import Status, allowed
from dispatcher.sending.claims import Claimed
from dispatcher.sending.retry import Backoff
from dispatcher.sending.settle import SMS_ASKS, Settlement, settle
from dispatcher.sending.sweeper import next_ask
from dispatcher.view import Kind
from shared.categories import Channel

NOW = datetime(2026, 11, 24, tzinfo=UTC)
OUTCOMES: list[Outcome] = [
    Accepted("7", 5.49),
    Retry("busy"),
    AddressFailed("no mailbox"),
    MessageFailed("too big"),
    Misconfigured("login"),
    Unknown("cut"),
]


def _settle(outcome: Outcome, channel: Channel = Channel.EMAIL, left: timedelta = timedelta(1)) -> Settlement:
    claimed = Claimed(
        UUID(int=1), UUID(int=2), "s", "g", channel, Kind.DAILY, NOW, None, None, None, NOW, attempts=1
    )
    return settle(claimed, outcome, addresses=("a", "b"), backoff=Backoff(), left=left, jitter=0.0)


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
@pytest.mark.parametrize("left", [timedelta(0), timedelta(1)])
def test_every_step_is_in_the_table_and_only_with_the_lease(outcome: Outcome, left: timedelta) -> None:
    at = Status.SENDING
    for n, step in enumerate(_settle(outcome, left=left).moves):
        assert step.before is at
        assert allowed(at, step.after)
        assert n > 0 or step.lease == UUID(int=2)
        at = step.after
    assert at is not Status.SENDING


def test_only_a_dead_address_is_suppressed() -> None:
    assert {type(one).__name__: _settle(one).suppress for one in OUTCOMES if _settle(one).suppress} == {
        "AddressFailed": ("a",)
    }
    assert _settle(Accepted(dead=("b",))).suppress == ("b",)


def test_only_our_own_fault_pauses_the_channel() -> None:
    assert [one for one in OUTCOMES if _settle(one).pause] == [Misconfigured("login")]


def test_an_unknown_sms_stays_open_and_is_asked_for_soon() -> None:
    settlement = _settle(Unknown("cut"), Channel.SMS)
    assert settlement.attempt is None
    assert settlement.moves[0].again_in == SMS_ASKS[0]


def test_the_list_is_asked_at_5_20_and_60_seconds() -> None:
    at = [timedelta(seconds=seconds) for seconds in (0, 5, 19, 20, 59, 60, 500)]
    assert [next_ask(age) for age in at] == [
        timedelta(seconds=5), timedelta(seconds=15), timedelta(seconds=1), timedelta(seconds=40),
        timedelta(seconds=1), None, None,
    ]  # fmt: skip
