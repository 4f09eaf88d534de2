"""Families for tests: a registry one can spell out, draw from Hypothesis, and write to a database."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import asyncpg
import orjson
from hypothesis import strategies as st

from shared.bus.base import Record
from shared.calendar import Calendar
from shared.categories import Category, Channel, Mode
from shared.changes import TYPES, Change, bus_key, encode, from_event, source_of
from shared.consent import ITEMS, Application, Form, Sheet
from shared.families import Contact, Guardian, Guardianship, Name, Preference, Pupil, School, SchoolClass
from shared.topics import Topic

SCHOOL = "ilinskaya"
MOSCOW = ZoneInfo("Europe/Moscow")
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
"""Tuesday noon in Moscow."""
TODAY = date(2026, 11, 24)
ALL_ITEMS = frozenset(ITEMS)
LONG_AGO = datetime(2026, 9, 1, tzinfo=UTC)
NAMESPACE = UUID("5f0f2a3c-6f0e-4a55-9f43-0d6b1d1c2b3a")


def sheet(items: Iterable[str] = ALL_ITEMS, number: str = "С-1", **more: Any) -> Sheet:
    return Sheet(number, more.pop("signed_on", date(2026, 9, 1)), frozenset(items), **more)


def application(form: Form, scope: Iterable[Category] = (), **more: Any) -> Application:
    return Application("З-1", more.pop("signed_on", date(2026, 9, 1)), form, frozenset(scope))


def contact(channel: Channel, address: str | None = None, *, confirmed: bool = True) -> Contact:
    return Contact(channel, address or f"{channel}-address", LONG_AGO if confirmed else None)


EVERYWHERE = tuple(contact(channel) for channel in (Channel.EMAIL, Channel.SMS, Channel.PUSH))


def guardian(
    name: str = "g1",
    contacts: Iterable[Contact] = EVERYWHERE,
    preferences: dict[str, Preference] | None = None,
) -> Guardian:
    return Guardian(
        SCHOOL,
        name,
        Name("Петрова", "Анна", "Ивановна"),
        contacts=tuple(contacts),
        preferences=preferences or {},
    )


def tie(
    who: Guardian | str = "g1",
    sheets: Iterable[Sheet] | None = None,
    applications: Iterable[Application] = (),
    relation: str = "mother",
    **more: Any,
) -> Guardianship:
    return Guardianship(
        who if isinstance(who, Guardian) else guardian(who),
        relation,
        sheets=(sheet(),) if sheets is None else tuple(sheets),
        applications=tuple(applications),
        **more,
    )


def pupil(
    name: str = "p1", ties: Iterable[Guardianship] | None = None, class_name: str = "5А", **more: Any
) -> Pupil:
    return Pupil(
        SCHOOL,
        name,
        class_name,
        Name("Петров", "Иван"),
        guardianships=(tie(),) if ties is None else tuple(ties),
        **more,
    )


@dataclass
class Registry:
    """One school with its classes and pupils."""

    pupils: list[Pupil]
    classes: list[SchoolClass] = field(default_factory=lambda: [SchoolClass("5А", "5")])
    school: School = field(default_factory=lambda: School(SCHOOL, "Ильинская школа", MOSCOW, Calendar()))

    async def write(self, connection: asyncpg.Connection) -> None:
        """Put it into a fresh database (as the login, which may write every schema)."""
        school = self.school.school
        await connection.execute(
            "INSERT INTO roster.school VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            school,
            self.school.name,
            self.school.timezone.key,
        )
        await connection.executemany(
            """INSERT INTO roster.class (school, class, grade, days, shift, unmarked)
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING""",
            [(school, c.name, c.grade, c.days, c.shift, c.unmarked) for c in self.classes],
        )
        await connection.executemany(
            """INSERT INTO roster.pupil (school, pupil, class, family_name, given_name, birth_date,
                                         enrolled_on, left_on)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
            [
                (
                    school,
                    p.pupil,
                    p.class_name,
                    p.name.family,
                    p.name.given,
                    p.birth_date,
                    p.enrolled_on,
                    p.left_on,
                )
                for p in self.pupils
            ],
        )
        for table, columns, rows in self._papers():
            marks = ", ".join(f"${n + 1}" for n in range(len(columns)))
            await connection.executemany(
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) ON CONFLICT DO NOTHING", rows
            )
        await connection.execute(
            """INSERT INTO consent.epoch VALUES ($1, 1)
               ON CONFLICT (school) DO UPDATE SET value = consent.epoch.value + 1""",
            school,
        )

    def _papers(self) -> Iterable[tuple[str, tuple[str, ...], list[tuple[Any, ...]]]]:
        school = self.school.school
        ties = [(p.pupil, t.guardian.guardian, t) for p in self.pupils for t in p.guardianships]
        people = {t.guardian.guardian: t.guardian for _, _, t in ties}
        yield (
            "roster.guardian",
            ("school", "guardian", "family_name", "given_name", "patronymic"),
            [(school, g.guardian, g.name.family, g.name.given, g.name.patronymic) for g in people.values()],
        )
        yield (
            "roster.guardianship",
            ("school", "pupil", "guardian", "relation", "restricted_from", "restricted_until"),
            [(school, p, g, t.relation, t.restricted_from, t.restricted_until) for p, g, t in ties],
        )
        yield (
            "consent.sheet",
            ("school", "pupil", "guardian", "number", "signed_on", "items", "valid_until", "withdrawn_on"),
            [
                (school, p, g, s.number, s.signed_on, sorted(s.items), s.valid_until, s.withdrawn_on)
                for p, g, t in ties
                for s in t.sheets
            ],
        )
        yield (
            "consent.application",
            ("school", "pupil", "guardian", "number", "signed_on", "form", "scope"),
            [
                (school, p, g, a.number, a.signed_on, a.form.value, sorted(a.scope))
                for p, g, t in ties
                for a in t.applications
            ],
        )
        yield (
            "consent.contact",
            ("school", "guardian", "channel", "address", "confirmed_at", "stopped_at"),
            [
                (
                    school,
                    g.guardian,
                    c.channel.value,
                    c.address,
                    c.confirmed_at,
                    LONG_AGO if c.stopped else None,
                )
                for g in people.values()
                for c in g.contacts
            ],
        )
        yield (
            "consent.preference",
            ("school", "guardian", "category", "channel", "mode"),
            [
                (school, g.guardian, category, wish.channel.value, wish.mode.value)
                for g in people.values()
                for category, wish in g.preferences.items()
            ],
        )


def change_id(seed: str) -> UUID:
    return uuid5(NAMESPACE, seed)


_DATA: dict[Category, dict[str, Any]] = {
    Category.MARK: {
        "course": {"name": "Алгебра"},
        "lesson": {"date": "2026-11-24", "number": 2, "topic": "Дроби"},
        "work": {"kind": "Контрольная работа", "weight": 2},
        "mark": {"value": "5"},
    },
    Category.FINAL_MARK: {
        "course": {"name": "Алгебра"},
        "period": {"kind": "quarter", "name": "1 четверть", "ends_on": "2026-10-25"},
        "mark": {"value": "4"},
    },
    Category.FORECAST: {"course": {"name": "Алгебра"}, "period": {"kind": "quarter"}, "mark": {"value": "4"}},
    Category.ATTENDANCE: {
        "course": {"name": "Алгебра"},
        "lesson": {"date": "2026-11-24", "number": 2},
        "attendance": "absent",
    },
    Category.HOMEWORK: {
        "course": {"name": "Алгебра"},
        "lesson": {"date": "2026-11-24", "number": 2},
        "due_on": "2026-11-26",
        "text": "№ 5",
    },
    Category.LESSON: {
        "course": {"name": "Алгебра"},
        "lesson": {"date": "2026-11-27", "number": 2},
        "change": "cancelled",
    },
    Category.ASSESSMENT: {"course": {"name": "Алгебра"}, "date": "2026-11-30", "kind": "Контрольная работа"},
    Category.REMARK: {"author": "Учитель", "text": "Молодец", "kind": "praise"},
    Category.ANNOUNCEMENT: {"author": "Директор", "title": "Собрание", "text": "В пятницу"},
}
SET = {category: kind for kind, (category, removed) in reversed(TYPES.items()) if not removed}
REMOVED = {category: kind for kind, (category, removed) in TYPES.items() if removed}


def event(
    category: Category = Category.MARK,
    *,
    entity: str = "mark/1",
    revision: int = 1,
    removed: bool = False,
    pupil: str | None = "p1",
    time: datetime = NOW,
    data: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A judged CloudEvent; `data` goes over a plausible default, None takes a key away."""
    merged = {**_DATA[category], "entity": entity, "revision": revision, **(data or {})}
    found: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"{entity}/{revision}",
        "source": source_of(SCHOOL, "main"),
        "type": REMOVED[category] if removed else SET[category],
        "time": time.isoformat(),
        "data": {key: value for key, value in merged.items() if value is not None},
    }
    if pupil is not None:
        found["subject"] = pupil
    return found


def change(
    category: Category = Category.MARK, *, accepted_at: datetime = NOW, seed: str | None = None, **more: Any
) -> Change:
    """A change as it comes off the bus; `more` as for `event`."""
    made = event(category, **more)
    return from_event(made, change=change_id(seed or made["id"]), accepted_at=accepted_at)


def record(
    category: Category = Category.MARK, *, accepted_at: datetime = NOW, seed: str | None = None, **more: Any
) -> Record:
    """The same on the bus."""
    made = event(category, **more)
    key = bus_key(SCHOOL, made["data"].get("class"))
    value = encode(made, change=change_id(seed or made["id"]), accepted_at=accepted_at, key=key)
    return Record(Topic.JOURNAL_CHANGES, key, value, made["id"])


def as_record(found: Change) -> Record:
    """A change put back on the bus."""
    made = {
        "source": found.source,
        "type": found.type,
        "time": found.version.time.isoformat(),
        "data": orjson.loads(orjson.dumps(found.data)),
        **({"subject": found.pupil} if found.pupil is not None else {}),
    }
    key = bus_key(found.school, found.class_name)
    return Record(
        Topic.JOURNAL_CHANGES,
        key,
        encode(made, change=found.change, accepted_at=found.accepted_at, key=key),
        str(found.change),
    )


# What the rules look at, drawn so that every one of them is met often.

_DAYS = [date(2026, 11, day) for day in range(22, 28)]
_NEAR = st.sampled_from(_DAYS)
_RARELY = st.sampled_from([None] * 60 + _DAYS)
"""Mostly nothing; else around today, both sides of every boundary."""
_SIGNED = st.sampled_from([date(2026, 9, 1)] * 12 + _DAYS)
_ITEMS_THAT_COUNT = ("1.3", "4.3", "4.6", "6.8", "6.9", "6.10", "6.12")

items = st.sets(st.sampled_from([*_ITEMS_THAT_COUNT, "4.1"])) | st.builds(
    lambda *without: set(_ITEMS_THAT_COUNT) - set(without),
    st.sampled_from([*_ITEMS_THAT_COUNT, "", ""]),
    st.sampled_from([*_ITEMS_THAT_COUNT, "", ""]),
)
sheets = st.builds(
    Sheet,
    number=st.sampled_from(["С-1", "С-2"]),
    signed_on=_SIGNED,
    items=items.map(frozenset),
    valid_until=_RARELY,
    withdrawn_on=_RARELY,
)
applications = st.builds(
    Application,
    number=st.just("З-1"),
    signed_on=_SIGNED,
    form=st.sampled_from(Form),
    scope=st.just(frozenset()) | st.frozensets(st.sampled_from(Category), max_size=8),
)
preferences = st.dictionaries(
    st.sampled_from([*(str(category) for category in Category), "*", "*", "*"]),
    st.builds(Preference, channel=st.sampled_from(Channel), mode=st.sampled_from(Mode)),
    max_size=4,
)
contacts = st.lists(
    st.builds(
        Contact,
        channel=st.sampled_from([Channel.EMAIL, Channel.SMS, Channel.PUSH]),
        address=st.sampled_from(["a", "b"]),
        confirmed_at=st.sampled_from([LONG_AGO, LONG_AGO, NOW, datetime(2027, 1, 1, tzinfo=UTC), None]),
        stopped=st.sampled_from([False, False, True]),
    ),
    max_size=4,
    unique_by=lambda one: (one.channel, one.address),
).map(tuple)


def guardians(name: str) -> st.SearchStrategy[Guardian]:
    return st.builds(
        guardian, st.just(name), contacts=contacts | st.just(EVERYWHERE), preferences=preferences
    )


def _in_order(papers: list[Any]) -> tuple[Any, ...]:
    return tuple(sorted(papers, key=lambda paper: paper.signed_on))


def ties(who: st.SearchStrategy[Guardian]) -> st.SearchStrategy[Guardianship]:
    return st.builds(
        Guardianship,
        guardian=who,
        relation=st.sampled_from(["mother", "father", "self"]),
        restricted_from=_RARELY,
        restricted_until=_RARELY,
        sheets=st.lists(sheets, min_size=1, max_size=2, unique_by=lambda one: one.number).map(_in_order)
        | st.just(()),
        applications=st.lists(applications, max_size=1).map(_in_order),
    )


_BORN = st.sampled_from(
    [None, date(2014, 5, 5), date(2014, 5, 5), *(date(2008, 11, day) for day in (23, 24, 25))]
)


@st.composite
def registries(draw: st.DrawFn) -> Registry:
    """One to three children in two classes, with guardians they share or do not."""
    people = [draw(guardians(f"g{n}")) for n in range(draw(st.integers(1, 2)))]
    classes = [
        SchoolClass("1А", "1", shift=draw(st.sampled_from([1, 2])), unmarked=draw(st.booleans())),
        SchoolClass("5А", "5", days=draw(st.sampled_from([5, 6]))),
    ]
    children = [
        Pupil(
            SCHOOL,
            f"p{n}",
            draw(st.sampled_from(["1А", "5А", "5А"])),
            Name("Петров", f"Иван{n}"),
            birth_date=draw(_BORN),
            enrolled_on=draw(_RARELY),
            left_on=draw(_RARELY),
            guardianships=tuple(
                draw(ties(st.just(person)))
                for person in draw(
                    st.lists(st.sampled_from(people), min_size=1, max_size=2, unique_by=lambda g: g.guardian)
                    | st.just([])
                )
            ),
        )
        for n in range(draw(st.integers(1, 3)))
    ]
    return Registry(children, classes)
