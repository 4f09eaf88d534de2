"""What the silence of a gateway's list is worth (DESIGN §7)."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from dispatcher.sending.attempts import Attempt, Control
from dispatcher.sending.list_trust import Reading, Trust, judge

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
EARLIER, LATER = NOW - timedelta(minutes=5), NOW + timedelta(seconds=1)
ATTEMPT = Attempt(UUID(int=1), UUID(int=2), "+7", "x", NOW, timedelta(seconds=70), 2, None, None)


def _known(seconds: int) -> Control:
    return Control("7", "+7", "y", EARLIER, timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("known", "listed", "trust"),
    [
        (_known(600), {"7"}, Trust.BELIEVED),
        (_known(600), set(), Trust.LIES),
        (_known(600), {"8"}, Trust.LIES),
        (_known(10), set(), Trust.TOO_EARLY),
        (_known(10), {"7"}, Trust.BELIEVED),
    ],
)
def test_what_was_accepted_must_be_listed(known: Control, listed: set[str], trust: Trust) -> None:
    assert judge(ATTEMPT, known, frozenset(listed), before=None, now=None) is trust


@pytest.mark.parametrize(
    ("before", "now", "trust"),
    [
        (Reading(100.0, EARLIER), 94.5, Trust.LIES),
        (Reading(100.0, EARLIER), 100.0, Trust.BELIEVED),
        (Reading(100.0, EARLIER), 600.0, Trust.BELIEVED),
        (Reading(100.0, LATER), 94.5, Trust.BELIEVED),  # read too late to say anything
        (None, 94.5, Trust.BELIEVED),
        (Reading(100.0, EARLIER), None, Trust.BELIEVED),
    ],
)
def test_before_the_first_sms_the_purse_tells(
    before: Reading | None, now: float | None, trust: Trust
) -> None:
    assert judge(ATTEMPT, None, frozenset(), before=before, now=now) is trust
