"""The typed picture of ingest's tables, schemas `roster` and `ingest` (see `shared.tables`).

For pages and commands. Accepting changes and importing lists have statements of their own.
"""

from datetime import date
from typing import Any, ClassVar

from sqlalchemy.orm import registry
from sqlmodel import SQLModel

from shared.tables import (
    AuditRow,
    Big,
    Bytes,
    CursorRow,
    DateKey,
    DeadLetterRow,
    ErasedRow,
    GivenUuidKey,
    Json,
    Key,
    MaybeMoment,
    MaybeText,
    Moment,
    Noted,
    OutboxRow,
    Small,
    Text,
    Texts,
    Uuid,
    class_column,
)


class Tables(SQLModel, registry=registry()):
    """Every table of the service; `Tables.metadata` is its whole picture."""


class _Roster(Tables):
    __table_args__: ClassVar[Any] = {"schema": "roster"}


class Epoch(_Roster, table=True):
    __tablename__ = "epoch"
    school: Key
    value: Big


class School(_Roster, table=True):
    __tablename__ = "school"
    school: Key
    name: Text
    timezone: Text


class CalendarSpan(_Roster, table=True):
    __tablename__ = "calendar"
    school: Key
    from_on: DateKey
    to_on: DateKey
    kind: Key
    name: Text


class SchoolClass(_Roster, table=True):
    __tablename__ = "class"
    school: Key
    class_name: str = class_column(primary_key=True)
    grade: Text
    teachers: Texts
    days: Small
    shift: Small
    unmarked: bool


class Pupil(_Roster, table=True):
    __tablename__ = "pupil"
    school: Key
    pupil: Key
    class_name: str = class_column()
    family_name: Text
    given_name: Text
    patronymic: Text
    birth_date: date | None
    enrolled_on: date | None
    left_on: date | None
    left_reason: Text


class Guardian(_Roster, table=True):
    __tablename__ = "guardian"
    school: Key
    guardian: Key
    family_name: Text
    given_name: Text
    patronymic: Text
    language: Text


class Guardianship(_Roster, table=True):
    __tablename__ = "guardianship"
    school: Key
    pupil: Key
    guardian: Key
    relation: Text
    restricted_from: date | None
    restricted_until: date | None


class _Ingest(Tables):
    __table_args__: ClassVar[Any] = {"schema": "ingest"}


class Token(_Ingest, table=True):
    """A journal's access (`ingest.tokens`); the token itself is nowhere."""

    __tablename__ = "token"
    id: GivenUuidKey
    school: Text
    journal: Text
    hash: Bytes
    created_at: Noted
    used_at: MaybeMoment
    revoked_at: MaybeMoment


class Inbox(_Ingest, table=True):
    """An event that was accepted or came too late."""

    __tablename__ = "inbox"
    source: Key
    id: Key
    change: Uuid
    stale: bool
    event: Json
    hash: Bytes
    accepted_at: Moment
    received_at: Noted


class Entity(_Ingest, table=True):
    """The newest version of each entity."""

    __tablename__ = "entity"
    source: Key
    entity: Key
    revision: Big
    time: Moment
    concerns: MaybeText
    removed: bool


class Refused(_Ingest, table=True):
    """An event that was refused, kept for a replay."""

    __tablename__ = "refused"
    source: Key
    id: Key
    event: Json
    reason: Text
    whole: bool
    times: int
    arrival: Big
    first_at: Noted
    last_at: Noted


class Erased(ErasedRow, _Ingest, table=True):
    __tablename__ = "erased"


class Outbox(OutboxRow, _Ingest, table=True):
    __tablename__ = "outbox"


class BusCursor(CursorRow, _Ingest, table=True):
    __tablename__ = "bus_cursor"


class DeadLetter(DeadLetterRow, _Ingest, table=True):
    __tablename__ = "dead_letter"


class Audit(AuditRow, _Ingest, table=True):
    __tablename__ = "audit"
