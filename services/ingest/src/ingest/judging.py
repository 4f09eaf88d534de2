"""Is a CloudEvent one of ours, and is it about this school's pupils (DESIGN §3). Pure.

A refusal is one sentence for the school's IT: what is wrong, by its path in the contract,
and what to do.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ingest.envelope import LONGEST_ID, Envelope, has_control
from ingest.shapes import misshapen
from shared.categories import Category
from shared.changes import TYPES, Version, school_of

INDIVIDUAL = frozenset(
    {Category.MARK, Category.FINAL_MARK, Category.FORECAST, Category.ATTENDANCE, Category.REMARK}
)
"""What is always about one pupil: `subject` must name the pupil."""

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class Refused:
    """Why an event is not taken, for a person. `withheld`: its content is not kept either."""

    reason: str
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """A change as far as it can be told from the event alone."""

    school: str
    entity: str
    version: Version
    removed: bool
    pupil: str | None
    class_name: str | None
    grade: str | None
    pupils: tuple[str, ...]

    @property
    def concerns(self) -> str | None:
        """Whom it is about, as an entity remembers it; None for a removal that does not say."""
        if self.pupil is not None:
            return f"pupil/{self.pupil}"
        if self.class_name is not None:
            return f"class/{self.class_name}"
        if self.grade is not None:
            return f"grade/{self.grade}"
        return None if self.removed else "school"


@dataclass(frozen=True, slots=True)
class Roster:
    """What the school's lists say of those a request names: pupils with their class, classes, grades."""

    known: bool
    pupils: dict[str, str]
    classes: frozenset[str]
    grades: frozenset[str]
    closed: frozenset[str] = frozenset()
    """Pupils whose data are destroyed or about to be: nothing about them is taken in (R-B7, R-B8)."""


def judge(envelope: Envelope) -> Judged | Refused:
    """The event by itself, its `source` being a journal's; whether its pupils exist is `strangers`."""
    if envelope.damage is not None:
        return Refused(f"{envelope.damage}: исправьте его и пришлите событие снова")
    if len(envelope.id) > LONGEST_ID:
        return Refused(f"поле id длиннее {LONGEST_ID} знаков: дайте событию короткий номер и пришлите снова")
    if envelope.type not in TYPES:
        return Refused(
            f"неизвестный тип {envelope.type[:100]}: возможны {', '.join(TYPES)}; исправьте и пришлите снова"
        )
    event, (category, removed) = envelope.event, TYPES[envelope.type]
    time = _instant(event.get("time"))
    if isinstance(time, Refused):
        return time
    subject = event.get("subject")
    if (wrong := _wrong_subject(subject, needed=category in INDIVIDUAL)) is not None:
        return Refused(wrong)
    data = event.get("data")
    if not isinstance(data, dict):
        return Refused("нет поля data (объекта JSON): добавьте его и пришлите событие снова")
    if (wrong := misshapen(envelope.type, data)) is not None:
        return Refused(wrong)
    if (wrong := _unclear_group(data, removed=removed, individual=subject is not None)) is not None:
        return Refused(wrong)
    grade = data.get("grade")
    return Judged(
        school=school_of(envelope.source)[0],
        entity=data["entity"],
        version=Version(data.get("revision") or 0, time),
        removed=removed,
        pupil=subject,
        class_name=data.get("class"),
        grade=str(grade) if grade is not None else None,
        pupils=tuple(data.get("pupils") or ()),
    )


def strangers(change: Judged, roster: Roster) -> Refused | None:
    """Whom the school's lists do not know."""
    if change.pupil in roster.closed:
        return Refused(
            f"данные ученика {change.pupil} уничтожены (отзыв согласия или выбытие): событие не принято, его "
            "содержание не сохранено; после нового согласия пришлите событие снова",
            withheld=True,
        )
    if not roster.known:
        return Refused(f"школы {change.school} нет в списках: загрузите списки школы и повторите")
    for pupil in (*((change.pupil,) if change.pupil is not None else ()), *change.pupils):
        if pupil not in roster.pupils:
            return Refused(
                f"ученик {pupil} не найден в списках школы {change.school}: загрузите списки и повторите"
            )
    if change.class_name is not None and change.class_name not in roster.classes:
        return Refused(
            f"класс {change.class_name} не найден в списках школы {change.school}: "
            "загрузите списки и повторите"
        )
    if change.grade is not None and change.grade not in roster.grades:
        return Refused(
            f"в параллели {change.grade} нет ни одного класса в списках школы {change.school}: "
            "загрузите списки и повторите"
        )
    return None


def _instant(value: Any) -> datetime | Refused:
    if value is None:
        return Refused("нет поля time: укажите, когда запись сделана в журнале, и пришлите событие снова")
    if isinstance(value, str) and _RFC_3339.fullmatch(value) and "1990" <= value[:4] <= "2100":
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    return Refused(
        "поле time должно быть временем со смещением вида 2026-11-23T14:05:00+03:00: "
        "исправьте его и пришлите событие снова"
    )


def _wrong_subject(subject: Any, *, needed: bool) -> str | None:
    if subject is None:
        return "нет поля subject: укажите номер ученика и пришлите событие снова" if needed else None
    if not isinstance(subject, str) or not subject.strip():
        return (
            "поле subject должно быть непустой строкой, номером ученика: исправьте и пришлите событие снова"
        )
    if len(subject) > LONGEST_ID or has_control(subject):
        return "поле subject не похоже на номер ученика: исправьте и пришлите событие снова"
    return None


def _unclear_group(data: dict[str, Any], *, removed: bool, individual: bool) -> str | None:
    """A subgroup without its pupils would be told to the whole class (R-A13)."""
    if removed or individual:
        return None
    if data.get("pupils") == []:
        return "поле data.pupils пустое: перечислите учеников подгруппы и пришлите событие снова"
    if data.get("group") is not None and not data.get("pupils"):
        return "нет поля data.pupils: перечислите учеников подгруппы и пришлите событие снова"
    return None
