"""What must hold of any request whatever (DESIGN §3)."""

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.accept import Entity, Known, Outcomes, afterwards, fold, judge_all
from ingest.envelope import Envelope, NotCloudEventsError, open_envelope
from ingest.judging import Judged, Refused, Roster, judge
from ingest.reading import read_events
from shared.changes import TYPES, Version, from_event

SOURCE = "/schools/s/journals/j"
ROSTER = Roster(
    known=True, pupils={"p-1": "5А", "p-2": "5Б"}, classes=frozenset({"5А", "5Б"}), grades=frozenset({"5"})
)
MORNING = datetime(2026, 11, 23, 8, tzinfo=UTC)
DATA = {
    "course": {"name": "Алгебра"},
    "lesson": {"date": "2026-11-23"},
    "mark": {"value": "5"},
    "text": "§ 5",
}

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = """entity revision class grade group pupils course lesson mark period text author average
           attendance change date postponed work comment kind due_on"""
names = st.sampled_from(NAMES.split())
likely = json_values | st.sampled_from(
    ["x", "p-1", "5А", "2026-11-23", "absent", "moved", ["p-1"], DATA["course"], DATA["lesson"], DATA["mark"]]
)
near_events = st.fixed_dictionaries(
    {
        "specversion": st.just("1.0"),
        "id": st.sampled_from(["a", "b"]),
        "source": st.just(SOURCE),
        "type": st.sampled_from(sorted(TYPES)) | st.text(min_size=1, max_size=5),
        "time": st.sampled_from(["2026-11-23T08:00:00Z", "2026-11-23T25:00:00Z"]) | json_values,
        "data": st.dictionaries(names, likely, max_size=8) | json_values,
    },
    optional={"subject": st.sampled_from(["p-1", "p-9"]) | json_values, "ext": json_values},
)


@st.composite
def histories(draw: st.DrawFn) -> list[Envelope]:
    """Requests about few ids, entities and versions, so that all outcomes meet."""
    count = draw(st.integers(1, 12))
    return [open_envelope(_event(draw)) for _ in range(count)]


def _event(draw: st.DrawFn) -> dict[str, Any]:
    type_ = draw(st.sampled_from(["journal.mark.set", "journal.mark.removed", "journal.homework.set"]))
    data = {**DATA, "entity": draw(st.sampled_from("xy")), "revision": draw(st.integers(0, 3))}
    found = {
        "specversion": "1.0",
        "id": draw(st.sampled_from("abcdef")),
        "source": SOURCE,
        "type": type_,
        "time": (MORNING + timedelta(minutes=draw(st.integers(0, 2)))).isoformat(),
        "data": data,
    }
    if type_ == "journal.homework.set":
        data["class"] = draw(st.sampled_from(["5А", "5Б", "9Я"]))
    else:
        found["subject"] = draw(st.sampled_from(["p-1", "p-2", "p-9"]))
    return found


def _told(outcomes: Outcomes, start: int) -> list[tuple[Any, ...]]:
    return sorted(
        [("taken", one.envelope.id, one.stale, one.class_name) for one in outcomes.taken]
        + [("duplicate", id_) for id_ in outcomes.duplicates]
        + [("altered", id_) for id_ in outcomes.altered]
        + [("rejected", one.index + start, one.reason) for one in outcomes.rejected],
        key=str,
    )


@given(histories(), st.lists(st.integers(0, 12), max_size=4))
def test_any_split_into_requests_is_worth_the_same(history: list[Envelope], cuts: list[int]) -> None:
    """§3: one transaction a request, equal to processing one by one in array order."""
    known = Known(ROSTER)
    whole = fold(history, judge_all(history), known)
    parts: list[tuple[Any, ...]] = []
    bounds = [0, *sorted(min(cut, len(history)) for cut in cuts), len(history)]
    step = known
    for start, end in itertools.pairwise(bounds):
        part = history[start:end]
        outcomes = fold(part, judge_all(part), step)
        parts += _told(outcomes, start)
        step = afterwards(step, outcomes)
    assert sorted(parts, key=str) == _told(whole, 0)
    assert step == afterwards(known, whole)


@given(histories())
def test_every_event_has_one_outcome_and_versions_only_grow(history: list[Envelope]) -> None:
    """§3: strictly greater wins; an id is taken once; an entity keeps its pupil or class."""
    outcomes = fold(history, judge_all(history), Known(ROSTER))
    assert len(outcomes.taken) + len(outcomes.duplicates) + len(outcomes.rejected) == len(history)
    assert len({one.envelope.id for one in outcomes.taken}) == len(outcomes.taken)
    newest: dict[str, Version] = {}
    people: dict[str, str | None] = {}
    for one in outcomes.taken:
        change = judge(one.envelope)
        assert isinstance(change, Judged)
        before = newest.get(change.entity)
        assert one.stale == (before is not None and change.version <= before)
        newest[change.entity] = max(change.version, before or change.version)
        assert people.setdefault(change.entity, change.concerns) == change.concerns
    assert {name: entity.version for name, entity in outcomes.entities.items()} == newest


@given(st.lists(near_events | json_values, max_size=4) | json_values)
@settings(max_examples=300)
def test_no_json_whatever_breaks_reading_and_judging(value: Any) -> None:
    """§3: never a 500 for bad input; what is taken can be written to the bus and read from it."""
    try:
        envelopes = read_events("batched", [], json.dumps(value).encode())
    except NotCloudEventsError:
        return
    for envelope in envelopes:
        found = judge(replace(envelope, source=SOURCE))
        stored = orjson.dumps(envelope.event)  # refused ones are kept too
        assert b"\\u0000" not in stored.replace(b"\\\\", b"")
        if isinstance(found, Refused):
            assert "\0" not in found.reason.encode().decode()
        else:
            from_event(envelope.event, change=None, accepted_at=None)  # type: ignore[arg-type]


@given(st.binary(max_size=200))
def test_no_bytes_whatever_break_reading(body: bytes) -> None:
    """§3: bytes are either events or 400."""
    for mode in ("batched", "structured", "binary"):
        try:
            read_events(mode, [(b"ce-id", body[:20]), (b"ce-type", b"%ff")], body)
        except NotCloudEventsError:
            continue


@given(
    st.lists(
        st.tuples(st.integers(0, 2**63 - 1), st.datetimes(timezones=st.just(UTC))), min_size=2, max_size=2
    )
)
def test_versions_are_ordered_by_revision_then_time(pair: list[tuple[int, datetime]]) -> None:
    """§3: version = (revision or 0, time)."""
    first, second = (Version(*one) for one in pair)
    assert (first < second) == (pair[0] < pair[1])
    known = Known(ROSTER, {}, {"x": Entity(first, None, removed=False)})
    at = datetime(2026, 11, 23, tzinfo=UTC)
    judged = Judged("s", "x", second, removed=False, pupil="p-1", class_name=None, grade=None, pupils=())
    envelope = Envelope("a", SOURCE, "journal.mark.set", {"at": str(at)}, b"hash")
    assert fold([envelope], [judged], known).taken[0].stale == (second <= first)
