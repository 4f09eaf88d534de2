"""What ingest takes and what it refuses, and in which words (DESIGN §3): the contract's table row by row."""

from copy import deepcopy
from typing import Any

import pytest

from ingest.envelope import NotCloudEventsError, open_envelope
from ingest.judging import INDIVIDUAL, Judged, Refused, Roster, judge, strangers
from shared.changes import TYPES, from_event

SOURCE = "/schools/ilinskaya/journals/main"
COURSE = {"name": "Алгебра", "teacher": "Орлова М. И."}
LESSON = {"date": "2026-11-23", "number": 3, "topic": "Дроби"}
PERIOD = {"kind": "quarter", "name": "2-я четверть", "ends_on": "2026-12-29"}
FULL: dict[str, dict[str, Any]] = {
    "journal.mark.set": {
        "course": COURSE,
        "lesson": LESSON,
        "work": {"kind": "Контрольная", "weight": 2.5},
        "mark": {"value": "4-", "scale": "5"},
        "comment": "Молодец",
    },
    "journal.final_mark.set": {"course": COURSE, "period": PERIOD, "mark": {"value": "н/а"}},
    "journal.forecast.set": {"course": COURSE, "period": PERIOD, "mark": {"value": 4}, "average": 4.27},
    "journal.attendance.set": {"course": COURSE, "lesson": LESSON, "attendance": "absent_ill", "raw": "Б"},
    "journal.homework.set": {"course": COURSE, "lesson": LESSON, "due_on": "2026-11-25", "text": "§ 5"},
    "journal.lesson.changed": {
        "course": COURSE,
        "lesson": LESSON,
        "change": "room",
        "before": "каб. 5",
        "after": {"room": "каб. 6"},
    },
    "journal.assessment.planned": {"course": COURSE, "date": "2026-11-30", "kind": "Контрольная"},
    "journal.remark.set": {"author": "Орлова М. И.", "text": "Болтал", "kind": "remark"},
    "journal.announcement.posted": {"author": "Директор", "title": "Собрание", "text": "В пятницу"},
}
REQUIRED = [
    ("journal.mark.set", "course"),
    ("journal.mark.set", "course.name"),
    ("journal.mark.set", "lesson"),
    ("journal.mark.set", "lesson.date"),
    ("journal.mark.set", "mark"),
    ("journal.mark.set", "mark.value"),
    ("journal.final_mark.set", "course.name"),
    ("journal.final_mark.set", "period.kind"),
    ("journal.final_mark.set", "period.name"),
    ("journal.final_mark.set", "mark.value"),
    ("journal.forecast.set", "course.name"),
    ("journal.forecast.set", "period"),
    ("journal.attendance.set", "lesson.date"),
    ("journal.attendance.set", "attendance"),
    ("journal.homework.set", "course.name"),
    ("journal.homework.set", "text"),
    ("journal.lesson.changed", "lesson.date"),
    ("journal.lesson.changed", "change"),
    ("journal.assessment.planned", "course.name"),
    ("journal.assessment.planned", "date"),
    ("journal.remark.set", "text"),
    ("journal.announcement.posted", "author"),
    ("journal.announcement.posted", "text"),
]
"""What a text for the family must contain (DESIGN §6)."""

WRONG = [
    ("journal.mark.set", "entity", 5),
    ("journal.mark.set", "entity", ""),
    ("journal.mark.set", "entity", "x" * 256),
    ("journal.mark.set", "entity", "a\nb"),
    ("journal.mark.set", "revision", -1),
    ("journal.mark.set", "revision", 2**63),
    ("journal.mark.set", "revision", "1"),
    ("journal.mark.set", "revision", 1.0),
    ("journal.mark.set", "revision", True),
    ("journal.mark.set", "class", 5),
    ("journal.mark.set", "class", " "),
    ("journal.mark.set", "grade", ["5"]),
    ("journal.mark.set", "pupils", "p-1"),
    ("journal.mark.set", "pupils", [1]),
    ("journal.mark.set", "course", "Алгебра"),
    ("journal.mark.set", "course.name", " "),
    ("journal.mark.set", "lesson.date", "23.11.2026"),
    ("journal.mark.set", "lesson.date", "2026-02-30"),
    ("journal.mark.set", "lesson.date", "20261123"),
    ("journal.mark.set", "lesson.date", "0001-01-01"),
    ("journal.mark.set", "lesson.number", "3"),
    ("journal.mark.set", "lesson.number", 100),
    ("journal.mark.set", "lesson.topic", 1),
    ("journal.mark.set", "work", []),
    ("journal.mark.set", "work.weight", "2"),
    ("journal.mark.set", "mark.value", True),
    ("journal.mark.set", "mark.value", ""),
    ("journal.mark.set", "mark.value", {}),
    ("journal.mark.set", "comment", "x" * 20_001),
    ("journal.final_mark.set", "period.kind", "month"),
    ("journal.final_mark.set", "period.ends_on", "скоро"),
    ("journal.final_mark.set", "postponed", "yes"),
    ("journal.forecast.set", "average", []),
    ("journal.attendance.set", "attendance", "ill"),
    ("journal.homework.set", "due_on", "завтра"),
    ("journal.homework.set", "text", "  \n "),
    ("journal.lesson.changed", "change", "added"),
    ("journal.assessment.planned", "date", 20261130),
    ("journal.remark.set", "kind", "joke"),
    ("journal.announcement.posted", "title", 5),
]


def event(type_: str = "journal.mark.set", **data: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "specversion": "1.0",
        "id": "e-1",
        "source": SOURCE,
        "type": type_,
        "time": "2026-11-23T14:05:00+03:00",
        "data": {"entity": "x/1", **deepcopy(FULL.get(type_, {})), **data},
    }
    if TYPES[type_][0] in INDIVIDUAL:
        found["subject"] = "p-1"
    return found


def changed(type_: str, path: str, value: Any) -> dict[str, Any]:
    """The full event with one field of `data` put to `value`; `...` takes it out."""
    found = event(type_)
    *way, last = path.split(".")
    place = found["data"]
    for name in way:
        place = place[name]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return found


def verdict(given: dict[str, Any]) -> Judged | Refused:
    return judge(open_envelope(given))


def refusal(given: dict[str, Any]) -> str:
    found = verdict(given)
    assert isinstance(found, Refused)
    return found.reason


@pytest.mark.parametrize("type_", TYPES)
def test_every_type_is_taken_whole_and_understood_by_consumers(type_: str) -> None:
    """§3: unknown fields are kept and ignored; what is taken can be read from the bus."""
    given = event(type_, extra={"anything": [None]}) | {"myext": 1}
    found = verdict(given)
    assert isinstance(found, Judged)
    change = from_event(given, change=None, accepted_at=None)  # type: ignore[arg-type]
    assert (change.entity, change.version, change.removed) == (found.entity, found.version, found.removed)
    assert (change.pupil, change.class_name) == (found.pupil, found.class_name)


@pytest.mark.parametrize(("type_", "path"), REQUIRED)
def test_a_missing_field_is_refused_by_its_path(type_: str, path: str) -> None:
    """§3: a missing field is refused with a reason a person can act on; null is as good as missing."""
    for value in (..., None):
        assert refusal(changed(type_, path, value)) == (
            f"нет поля data.{path}: добавьте его и пришлите событие снова"
        )


@pytest.mark.parametrize(("type_", "path", "value"), WRONG, ids=lambda value: str(value)[:30])
def test_a_field_of_a_wrong_kind_is_refused_by_its_path(type_: str, path: str, value: Any) -> None:
    """§3: also where the field is optional: a date that is no date cannot be told to anyone."""
    reason = refusal(changed(type_, path, value))
    assert reason.startswith(f"поле data.{path}")
    assert reason.endswith("и пришлите событие снова")


@pytest.mark.parametrize(
    ("type_", "path"),
    [
        ("journal.mark.set", "revision"),
        ("journal.mark.set", "comment"),
        ("journal.mark.set", "work"),
        ("journal.mark.set", "lesson.number"),
        ("journal.homework.set", "lesson"),
        ("journal.announcement.posted", "title"),
    ],
)
def test_null_is_as_good_as_absent_where_a_field_is_optional(type_: str, path: str) -> None:
    """Many journals write every column, empty ones as null."""
    assert isinstance(verdict(changed(type_, path, None)), Judged)


def test_a_postponed_final_mark_needs_no_mark() -> None:
    """R-A2: postponed is told as postponed, never as missing."""
    postponed = event("journal.final_mark.set", postponed=True, mark=None)
    assert isinstance(verdict(postponed), Judged)
    assert "data.mark.value" in refusal(event("journal.final_mark.set", postponed=False, mark=None))


def test_a_forecast_needs_a_mark_or_an_average() -> None:
    """R-A7: one of the two is what the family is told."""
    assert isinstance(verdict(event("journal.forecast.set", mark=None)), Judged)
    assert isinstance(verdict(event("journal.forecast.set", average=None)), Judged)
    assert "data.mark.value" in refusal(event("journal.forecast.set", mark=None, average=None))


@pytest.mark.parametrize("value", [5, 4.5, "4-", "зач", "н/а", "4/5", "100"])
def test_any_mark_scale_is_taken_as_it_is(value: object) -> None:
    """R-A9: numbers too; what was sent is kept."""
    assert isinstance(verdict(changed("journal.mark.set", "mark.value", value)), Judged)


@pytest.mark.parametrize("type_", [name for name, (_, removed) in TYPES.items() if removed])
def test_a_removal_needs_only_its_entity(type_: str) -> None:
    """§3: and the pupil where the type is about one."""
    given = event(type_)
    assert isinstance(verdict(given), Judged)
    assert "data.entity" in refusal(given | {"data": {}})
    if "subject" in given:
        del given["subject"]
        assert refusal(given).startswith("нет поля subject")


@pytest.mark.parametrize("type_", [name for name, (kind, _) in TYPES.items() if kind in INDIVIDUAL])
def test_what_is_about_a_pupil_names_the_pupil(type_: str) -> None:
    """§3 subject: absent only for a change about a class, grade or school."""
    for subject in (None, "", " ", 5, "x" * 256, "p\n1"):
        assert "subject" in refusal(event(type_) | {"subject": subject})


@pytest.mark.parametrize(
    "time",
    [
        None,
        "",
        5,
        "2026-11-23",
        "2026-11-23T14:05:00",
        "2026-11-23T14:05+03:00",
        "2026-11-23T25:05:00Z",
        "2026-W48-1T14:05:00Z",
        "20261123T140500Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-11-23T14:05:00+99:99",
    ],
)
def test_time_is_an_instant_with_offset(time: object) -> None:
    """§3: when the journal recorded it, RFC 3339 with offset; versions are compared by it."""
    assert "time" in refusal(event() | {"time": time})


@pytest.mark.parametrize("time", ["2026-11-23T14:05:00Z", "2026-11-23 14:05:00.1234567-00:30"])
def test_other_spellings_of_an_instant_are_taken(time: str) -> None:
    """RFC 3339 section 5.6; the bus reads them too."""
    given = event() | {"time": time}
    assert isinstance(verdict(given), Judged)
    from_event(given, change=None, accepted_at=None)  # type: ignore[arg-type]


def test_an_unknown_type_is_refused_and_the_known_ones_named() -> None:
    """§3: a reason a person can act on."""
    reason = refusal(event() | {"type": "journal.marks.set"})
    assert reason.startswith("неизвестный тип journal.marks.set")
    assert "journal.mark.set" in reason


@pytest.mark.parametrize("data", [None, [], "text", 5])
def test_data_is_an_object(data: object) -> None:
    """§3: whatever else came, the refusal says what is needed."""
    assert "data" in refusal(event() | {"data": data})


def test_a_subgroup_names_its_pupils() -> None:
    """R-A13: nobody else in the class is told; a group without pupils would be told to all of it."""
    for homework in ({"group": "Группа 1"}, {"group": "Группа 1", "pupils": []}, {"pupils": []}):
        assert "data.pupils" in refusal(event("journal.homework.set", **homework))
    assert isinstance(verdict(event("journal.homework.set", group="Группа 1", pupils=["p-1"])), Judged)
    assert isinstance(verdict(event("journal.mark.set", group="Группа 1")), Judged)  # one pupil's own


def test_what_cannot_be_stored_is_refused_in_words() -> None:
    """§3 never a 500: NUL, half a symbol, absurd depth and absurd numbers cost their own event."""
    deep: Any = "x"
    for _ in range(500):
        deep = [deep]
    cases = {
        "data.comment": changed("journal.mark.set", "comment", "a\0b"),
        "data.lesson.topic": changed("journal.mark.set", "lesson.topic", "\ud83d"),
        "data.extra": event(extra=deep),
        "data.big": event(big=2**70),
    }
    for path, given in cases.items():
        envelope = open_envelope(given)
        assert envelope.damage is not None
        found = judge(envelope)
        assert isinstance(found, Refused)
        assert path in found.reason
    key = open_envelope(event(**{"a\0": 1}))
    assert isinstance(judge(key), Refused)


def test_text_that_only_looks_like_nul_is_taken() -> None:
    """A teacher may write the six characters themselves."""
    assert isinstance(verdict(changed("journal.mark.set", "comment", "\\u0000")), Judged)


def test_an_absurdly_long_id_is_refused() -> None:
    """§3: kept with its reason like any other."""
    assert "поле id" in refusal(event() | {"id": "x" * 256})


@pytest.mark.parametrize("name", ["id", "source", "type", "specversion"])
def test_without_its_attributes_it_is_no_cloudevent(name: str) -> None:
    """CloudEvents 1.0, required attributes; the index is named where there is one."""
    for value in (None, "", 5, "a\0", "\x7f", "\ud800"):
        with pytest.raises(NotCloudEventsError, match=f"событие 7: .*{name}"):
            open_envelope(event() | {name: value}, 7)
    with pytest.raises(NotCloudEventsError, match=r"«1\.0»"):
        open_envelope(event() | {"specversion": "0.3"})


ROSTER = Roster(known=True, pupils={"p-1": "5А"}, classes=frozenset({"5А"}), grades=frozenset({"5"}))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (event() | {"subject": "p-17"}, "ученик p-17"),
        (event("journal.homework.set", pupils=["p-1", "p-18"]), "ученик p-18"),
        (event(**{"class": "9Я"}), "класс 9Я"),
        (event("journal.announcement.posted", grade=7), "параллели 7"),
    ],
)
def test_who_is_not_in_the_lists_is_refused(given: dict[str, Any], words: str) -> None:
    """§3: an unknown pupil is refused with what to do: load the lists."""
    found = verdict(given)
    assert isinstance(found, Judged)
    refused = strangers(found, ROSTER)
    assert refused is not None
    assert words in refused.reason
    assert "загрузите списки и повторите" in refused.reason


def test_who_is_in_the_lists_is_taken() -> None:
    """§3: the grade as a number or as text."""
    for given in (
        event(),
        event("journal.announcement.posted", grade=5),
        event("journal.lesson.changed", grade="5"),
    ):
        found = verdict(given)
        assert isinstance(found, Judged)
        assert strangers(found, ROSTER) is None
        unknown = Roster(known=False, pupils={}, classes=frozenset(), grades=frozenset())
        refused = strangers(found, unknown)
        assert refused is not None
        assert "школы ilinskaya нет" in refused.reason
