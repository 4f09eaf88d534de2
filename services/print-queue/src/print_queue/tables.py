"""The typed picture of the print queue's tables, schema `paper` (see `shared.tables`).

For pages and commands; the ledger and the freezing have statements of their own.
"""

from typing import Annotated, Any, ClassVar

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from shared.tables import (
    AuditRow,
    Big,
    BigKey,
    CursorRow,
    DeadLetterRow,
    ErasedRow,
    Json,
    Key,
    MaybeBig,
    MaybeMoment,
    MaybeText,
    Moment,
    Noted,
    OutboxRow,
    Text,
    Texts,
    Uuid,
    UuidKey,
    class_column,
)


class Tables(SQLModel, registry=registry()):
    """Every table of the service; `Tables.metadata` is its whole picture."""

    __table_args__: ClassVar[Any] = {"schema": "paper"}


class Ledger(Tables, table=True):
    """The newest revision of every entity."""

    __tablename__ = "ledger"
    source: Key
    entity: Key
    school: Text
    category: Text
    change: Uuid
    revision: Big
    time: Moment
    removed: bool
    pupil: MaybeText
    class_name: str | None = class_column(nullable=True)
    grade: MaybeText
    group_name: MaybeText
    pupils: Texts
    data: Json
    accepted_at: Moment
    first_accepted_at: Moment
    arrival: Big


class ToPaper(Tables, table=True):
    """A family whose electronic addresses failed (R-E5)."""

    __tablename__ = "to_paper"
    school: Key
    pupil: Key
    guardian: Key
    change: UuidKey
    reason: Text
    at: Moment
    arrival: Big


class Week(Tables, table=True):
    """A class's paper week."""

    __tablename__ = "week"
    school: Key
    class_name: str = class_column(primary_key=True)
    week: Key
    opened_at: Moment
    closes_at: Moment
    closed_at: MaybeMoment
    last_arrival: MaybeBig


class Batch(Tables, table=True):
    """What a class teacher carries; `input` is frozen."""

    __tablename__ = "batch"
    id: UuidKey
    school: Text
    class_name: str = class_column()
    kind: Text
    name: Text
    state: Text
    input: Json
    frozen_at: Moment
    hand_out_by: MaybeMoment
    pdf: MaybeText
    sha256: MaybeText
    pages: Annotated[dict[str, Any] | None, Field(default=None, sa_type=JSONB)]
    escalated_at: MaybeMoment


class Sheet(Tables, table=True):
    """One pupil's sheet for one guardian."""

    __tablename__ = "sheet"
    id: UuidKey
    batch: Uuid
    school: Text
    pupil: Text
    guardian: Text
    state: Text


class BatchHistory(Tables, table=True):
    __tablename__ = "batch_history"
    batch: UuidKey
    id: BigKey
    at: Noted
    from_state: Text
    to_state: Text
    actor: Text


class SheetHistory(Tables, table=True):
    __tablename__ = "sheet_history"
    sheet: UuidKey
    id: BigKey
    at: Noted
    from_state: Text
    to_state: Text
    actor: Text


class Printed(Tables, table=True):
    """Which revision of an entity a sheet said, in which words."""

    __tablename__ = "printed"
    sheet: UuidKey
    school: Text
    pupil: Text
    guardian: Text
    source: Key
    entity: Key
    revision: Big
    time: Moment
    removed: bool
    weekly: bool
    what: Text
    said: Text
    latest: bool


class Erased(ErasedRow, Tables, table=True):
    __tablename__ = "erased"


class Outbox(OutboxRow, Tables, table=True):
    __tablename__ = "outbox"


class BusCursor(CursorRow, Tables, table=True):
    __tablename__ = "bus_cursor"


class DeadLetter(DeadLetterRow, Tables, table=True):
    __tablename__ = "dead_letter"


class Audit(AuditRow, Tables, table=True):
    __tablename__ = "audit"
