"""Input that means harm or is torn (DESIGN §3 "never a 500 for bad input"), through to PostgreSQL."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import World

DEEP: Any = "x"
for _ in range(400):
    DEEP = [DEEP]

HOSTILE: dict[str, Any] = {
    "nul": "a\0b",
    "half a symbol": "\ud83d",
    "deep": DEEP,
    "wide integer": 2**100,
    "wide float": 1.7e308,
    "small float": 5e-324,
    "control characters": "\x01\x1f\x7f",
    "quotes": "'; DROP TABLE ingest.inbox; --",
    "long": "я" * 100_000,
    "many": list(range(10_000)),
}


async def test_each_hostile_value_costs_at_most_its_own_event(world: World) -> None:
    """§3: the others of the batch are taken; a refused one is kept and can be looked at."""
    for name, value in HOSTILE.items():
        bad, good = world.mark(data={"extra": value}), world.mark()
        response = await world.send(json.dumps([bad, good]).encode())
        body = response.json()
        assert response.status_code == 202, name
        assert body["accepted"] + len(body["rejected"]) == 2, name
        assert [one["index"] for one in body["rejected"]] in ([], [0]), name
    assert await world.count("refused") == 3  # nul, half a symbol, deep


async def test_absurd_ids_are_refused_and_kept(world: World) -> None:
    """§3: an id no index could hold is kept by its hash, and counted when it comes again."""
    bad = world.mark(id="и" * 100_000)
    for times in (1, 2):
        response = await world.post(bad)
        assert response.status_code == 422
        assert response.json()["rejected"][0]["id"] == bad["id"]
        row = await world.pool.fetchrow("SELECT id, times FROM ingest.refused")
        assert (len(row["id"]) < 255, row["times"]) == (True, times)


async def test_header_values_are_decoded_once_and_strictly(world: World) -> None:
    """CloudEvents HTTP binding 3.1.3.2: quoted strings, one round of percent-decoding, valid UTF-8 only."""
    event = world.mark()
    headers = {
        "ce_id": '"a\\"b%2541"',
        "ce_source": event["source"],
        "ce_type": event["type"],
        "ce_specversion": "1.0",
        "ce_subject": "p-1",
        "ce_time": event["time"],
        "Content_Type": "application/json",
    }
    body = json.dumps(event["data"]).encode()
    assert (await world.send(body, **headers)).status_code == 202
    assert await world.pool.fetchval("SELECT id FROM ingest.inbox") == 'a"b%41'
    for name, value in (
        ("ce_id", "%ff"),
        ("ce_subject", "%D1"),
        ("ce_id", ""),
        ("ce_id", "%00"),
        ("ce_data", "x"),
    ):
        response = await world.send(body, **{**headers, name: value})
        assert response.status_code == 400, (name, value)
    assert (await world.send(b"", **headers | {"ce_id": "c"})).status_code == 422
    assert (await world.send(b"{", **headers | {"ce_id": "c"})).status_code == 400


events = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


async def test_no_field_whatever_is_a_500(world: World) -> None:
    """§3: any JSON in any place of an otherwise right event."""
    places = ["id", "subject", "time", "type", "data", "extension"]
    inside = ["entity", "revision", "class", "grade", "group", "pupils", "course", "lesson", "mark", "extra"]
    tried: list[tuple[str, Any]] = []

    @given(st.sampled_from(places + inside), events)
    @settings(max_examples=200, database=None, suppress_health_check=list(HealthCheck))
    def collect(place: str, value: Any) -> None:
        tried.append((place, value))

    collect()
    for place, value in tried:
        event = world.mark()
        (event["data"] if place in inside else event)[place] = value
        response = await world.send(json.dumps([event]).encode())
        assert response.status_code in {202, 400, 422}, (place, value, response.text)
