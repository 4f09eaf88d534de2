"""The table of transitions says the same in code and in the database."""

import re
from importlib.resources import files

from dispatcher.messages import TRANSITIONS, Status


def test_every_status_has_a_row() -> None:
    assert set(TRANSITIONS) == set(Status)


def test_the_history_accepts_exactly_the_table() -> None:
    script = (files("dispatcher.migrations") / "versions" / "0003_messages.py").read_text()
    listed = script.partition("allowed_transition")[2].partition("])")[0].partition("CREATE TABLE")[0]
    assert set(re.findall(r"\('(\w+)', '(\w+)'\)", listed)) == {
        (before.value, after.value) for before, afters in TRANSITIONS.items() for after in afters
    }


def test_only_a_failure_may_be_taken_up_again_after_its_end() -> None:
    ends = [status for status in Status if not TRANSITIONS[status]]
    assert ends == [Status.DELIVERED, Status.CANCELLED, Status.EXPIRED]
