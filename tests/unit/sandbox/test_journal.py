"""The generated school agrees with itself, and its week is what a journal may send (DESIGN §3, §4)."""

import csv
import json
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.journal import SHARES, Expect, Kind, Moment, School, Size, build, week, write_registry
from sandbox.journal.kinds import PARENTS
from sandbox.journal.names import feminine, for_1251, latin
from sandbox.journal.registry import COLUMNS, rows
from shared.changes import TYPES

REQUIRED: dict[str, tuple[str, ...]] = {
    "journal.mark.set": ("course", "lesson", "work", "mark"),
    "journal.mark.removed": ("course", "lesson"),
    "journal.final_mark.set": ("course", "period"),
    "journal.forecast.set": ("course", "period", "mark", "average"),
    "journal.attendance.set": ("course", "lesson", "attendance", "raw"),
    "journal.homework.set": ("course", "lesson", "due_on", "text"),
    "journal.lesson.changed": ("course", "lesson", "change", "before", "after"),
    "journal.assessment.planned": ("course", "date", "kind"),
    "journal.remark.set": ("author", "text", "kind"),
    "journal.announcement.posted": ("author", "title", "text"),
}


@pytest.fixture(scope="module")
def demo() -> School:
    return build()


@pytest.fixture(scope="module")
def events(demo: School) -> list[Moment]:
    return list(week(demo))


def test_the_demo_school(demo: School) -> None:
    assert (demo.id, demo.timezone, demo.monday) == ("ilinskaya", "Europe/Moscow", date(2026, 11, 23))
    assert [group.name for group in demo.classes] == ["1А", "6Б", "9В"]
    assert [group.days for group in demo.classes] == [5, 5, 6]
    assert len(demo.pupils) == 60
    assert 55 <= len(demo.families) <= 60


def test_every_kind_of_family_is_there(demo: School) -> None:
    assert {family.kind for family in demo.families} == set(Kind) == set(PARENTS) == set(SHARES)


def test_siblings_are_in_different_classes(demo: School) -> None:
    for family in demo.of(Kind.SIBLINGS):
        assert len({pupil.group.name for pupil in family.pupils}) == 2


def test_the_adult_pupil_is_an_adult(demo: School) -> None:
    (family,) = demo.of(Kind.ADULT_PUPIL)
    (pupil,) = family.pupils
    assert pupil.group.name == "9В"
    assert pupil.birth_date <= date(2008, 11, 23)
    assert family.guardians[0].name == pupil.name
    others = [one for one in demo.pupils if one is not pupil]
    assert all(one.birth_date > date(2008, 11, 28) for one in others)


def test_wrong_addresses_are_named(demo: School) -> None:
    assert demo.wrong_addresses
    assert all(address.startswith("no-such-mailbox-") for address in demo.wrong_addresses)


def test_telephones_are_real_to_a_client(demo: School) -> None:
    numbers = [one.addresses["sms"] for one in demo.guardians if "sms" in one.addresses]
    assert len(set(numbers)) == len(numbers) > 5
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(number)) for number in numbers)


def test_push_asks_for_subscriptions() -> None:
    made: list[dict[str, Any]] = []

    def subscribe() -> dict[str, Any]:
        made.append({"endpoint": f"http://127.0.0.1/push/{len(made)}", "keys": {}})
        return made[-1]

    school = build(subscriptions=subscribe)
    kept = [json.loads(one.addresses["push"]) for one in school.guardians if "push" in one.addresses]
    assert kept == made != []


def test_the_registry_agrees_with_itself(demo: School) -> None:
    files = rows(demo)
    assert set(files) == set(COLUMNS)
    for name, lines in files.items():
        assert all(len(line) == COLUMNS[name].count(",") + 1 for line in lines), name
        assert {line[0] for line in lines} == {demo.id}

    def column(name: str, title: str) -> list[str]:
        return [line[COLUMNS[name].split(",").index(title)] for line in files[name]]

    pupils, guardians = set(column("pupils", "pupil")), set(column("guardians", "guardian"))
    assert len(pupils) == len(files["pupils"])
    assert len(guardians) == len(files["guardians"])
    assert set(column("pupils", "class")) == set(column("classes", "class"))
    assert set(column("classes", "teachers")) <= set(column("accounts", "login"))
    ties = set(zip(column("guardianships", "pupil"), column("guardianships", "guardian"), strict=True))
    assert {pupil for pupil, _ in ties} == pupils
    assert {guardian for _, guardian in ties} == guardians
    for name in ("consents", "applications"):
        signed = list(zip(column(name, "pupil"), column(name, "guardian"), strict=True))
        assert len(set(signed)) == len(signed)
        assert set(signed) <= ties
        assert len(set(column(name, "number"))) == len(signed)
    assert set(column("contacts", "guardian")) <= guardians
    assert set(column("preferences", "guardian")) <= guardians
    unsigned = {one.id for family in demo.of(Kind.NO_SHEET) for one in family.guardians}
    assert unsigned
    assert not unsigned & {*column("consents", "guardian"), *column("applications", "guardian")}


@pytest.mark.parametrize(("encoding", "delimiter"), [("utf-8", ","), ("windows-1251", ";")])
def test_the_registry_folder(tmp_path: Path, demo: School, encoding: str, delimiter: str) -> None:
    written = write_registry(tmp_path / "registry", demo, encoding=encoding, delimiter=delimiter)
    assert {path.stem for path in written} == set(COLUMNS)
    with (tmp_path / "registry" / "pupils.csv").open(encoding=encoding, newline="") as file:
        lines = list(csv.DictReader(file, delimiter=delimiter))
    assert [line["pupil"] for line in lines] == [pupil.id for pupil in demo.pupils]
    assert any("ё" in line["given_name"] + line["family_name"] for line in lines)


def test_names() -> None:
    assert [feminine(name) for name in ("Соловьёв", "Заречный", "Тёплых", "Мамин-Заречный", "Лесовой")] == [
        "Соловьёва",
        "Заречная",
        "Тёплых",
        "Мамина-Заречная",
        "Лесовая",
    ]
    assert latin("Хәйруллина") == "khairullina"
    assert for_1251("Җәмилә Һиҗрәт").encode("windows-1251").decode("windows-1251") == "Жамила Хижрат"


def test_the_same_seed_gives_the_same_school_and_week(demo: School, events: list[Moment]) -> None:
    assert rows(build()) == rows(demo)
    assert list(week(build())) == events
    assert rows(build(7)) != rows(demo)
    assert list(week(build(7))) != events


def test_the_week_has_everything(demo: School, events: list[Moment]) -> None:
    types = {moment.event["type"] for moment in events}
    assert set(REQUIRED) <= types
    assert Counter(moment.expect for moment in events) == {
        Expect.ACCEPTED: len(events) - 6,
        Expect.REJECTED: 3,
        Expect.DUPLICATE: 2,
        Expect.STALE: 1,
    }
    values = {moment.event["data"]["mark"]["value"] for moment in events if "mark" in moment.event["data"]}
    assert {"5", "4-", "н/а", "зач"} <= values
    assert any(moment.event["data"].get("postponed") for moment in events)
    assert any(moment.event["data"].get("pupils") for moment in events)
    assert any("comment" in moment.event["data"] for moment in events)
    days = {moment.at.date() for moment in events if moment.event["data"].get("class") == "9В"}
    assert max(days) == demo.monday + timedelta(days=5)


def test_absences_of_the_ill_last_all_week(events: list[Moment]) -> None:
    ill: dict[str, set[str]] = {}
    for moment in events:
        if moment.event["data"].get("attendance") == "absent_ill":
            ill.setdefault(moment.event["subject"], set()).add(moment.event["data"]["lesson"]["date"])
    assert any(len(days) >= 5 for days in ill.values())


def test_a_correction_before_ten(events: list[Moment]) -> None:
    first, second = (moment for moment in events if moment.event["data"].get("lesson", {}).get("number") == 0)
    assert [one.event["data"]["attendance"] for one in (first, second)] == ["absent", "late"]
    assert first.at < second.at < first.at.replace(hour=10, minute=0)


def test_marks_are_entered_by_six_and_not_for_the_absent(events: list[Moment]) -> None:
    away = set()
    for moment in events:
        if moment.event["type"] == "journal.attendance.set":
            away.add((moment.event["subject"], *sorted(moment.event["data"]["lesson"].items())[:2]))
    ordinary = [
        moment
        for moment in events
        if moment.event["type"] == "journal.mark.set" and moment.event["data"]["lesson"]["number"] < 6
    ]
    for moment in ordinary:
        assert moment.at.hour < 18
        lesson = moment.event["data"]["lesson"]
        if lesson["number"] and moment.event["data"]["revision"] == 1:
            came = (moment.event["subject"], *sorted(lesson.items())[:2]) not in away
            assert came or lesson["date"] != moment.at.date().isoformat()


sizes = st.builds(
    Size,
    classes=st.integers(0, 14),
    pupils=st.integers(0, 12),
    rate=st.floats(0, 6),
    shares=st.one_of(
        st.just(SHARES), st.dictionaries(st.sampled_from(list(Kind)), st.floats(0.1, 10), max_size=4)
    ),
)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), size=sizes)
def test_any_school_has_a_valid_week(seed: int, size: Size) -> None:
    """Any seed and size: valid CloudEvents in order of sending, ids unique apart from told duplicates."""
    school = build(seed, size)
    pupils = {pupil.id: pupil for pupil in school.pupils}
    assert len(pupils) == size.classes * size.pupils
    seen: set[str] = set()
    versions: dict[str, tuple[int, datetime]] = {}
    last = None
    for moment in week(school):
        event = moment.event
        assert last is None or last <= moment.at
        last = moment.at
        assert (event["id"] in seen) is (moment.expect is Expect.DUPLICATE)
        seen.add(event["id"])
        if moment.expect is Expect.REJECTED:
            continue
        assert event["specversion"] == "1.0"
        assert event["source"] == "/schools/ilinskaya/journals/main"
        assert event["type"] in TYPES
        data, time = event["data"], datetime.fromisoformat(event["time"])
        assert time.utcoffset() == timedelta(hours=3)
        assert time <= moment.at
        assert all(field in data for field in ("entity", "revision", *REQUIRED[event["type"]]))
        if "subject" in event:
            assert data["class"] == pupils[event["subject"]].group.name
        version = (data["revision"], time)
        newer = version > versions.get(data["entity"], (0, time))
        assert newer is (moment.expect is Expect.ACCEPTED)
        if newer:
            versions[data["entity"]] = version


def test_other_weeks_have_other_ids() -> None:
    def ids(monday: date) -> set[str]:
        return {moment.event["id"] for moment in week(build(monday=monday))}

    assert not ids(date(2026, 11, 23)) & ids(date(2026, 11, 30))
