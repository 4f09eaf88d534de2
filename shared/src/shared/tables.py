"""What the typed pictures of all services' tables share: PostgreSQL's types, and the rows of the bus.

The migrations make the database; the picture (`tables.py` of each service) says in types what they
made, for CRUD off the hot path and for Alembic's autogenerate. A guard test holds the two equal.
Indexes, checks and foreign keys stand in the migrations alone, beside the reasons for them.
"""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.types import UserDefinedType
from sqlmodel import Field, SQLModel


class Xid8(UserDefinedType[str]):
    """A transaction's number over all epochs: 64 bits, only ever compared, so a text here."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"

    def column_expression(self, column: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
        return sa.cast(column, sa.Text)


ischema_names["xid8"] = Xid8  # reflection knows it from now on

_MOMENT = sa.TIMESTAMP(timezone=True)
_GIVEN = {"server_default": sa.FetchedValue()}

Text = Annotated[str, Field(sa_type=sa.Text)]
MaybeText = Annotated[str | None, Field(default=None, sa_type=sa.Text)]
Texts = Annotated[list[str], Field(sa_type=ARRAY(sa.Text))]
Integers = Annotated[list[int], Field(sa_type=ARRAY(sa.Integer))]
Reals = Annotated[list[float], Field(sa_type=ARRAY(sa.REAL))]
Json = Annotated[dict[str, Any], Field(sa_type=JSONB)]
Bytes = Annotated[bytes, Field(sa_type=BYTEA)]
Small = Annotated[int, Field(sa_type=sa.SmallInteger)]
Big = Annotated[int, Field(sa_type=sa.BigInteger)]
MaybeBig = Annotated[int | None, Field(default=None, sa_type=sa.BigInteger)]
Moment = Annotated[datetime, Field(sa_type=_MOMENT)]
MaybeMoment = Annotated[datetime | None, Field(default=None, sa_type=_MOMENT)]
Noted = Annotated[datetime, Field(default=None, sa_type=_MOMENT, sa_column_kwargs=_GIVEN)]
"""An instant that the database notes by its own clock."""
Uuid = Annotated[UUID, Field(sa_type=sa.Uuid)]

Key = Annotated[str, Field(sa_type=sa.Text, primary_key=True)]
DateKey = Annotated[date, Field(sa_type=sa.Date, primary_key=True)]
UuidKey = Annotated[UUID, Field(sa_type=sa.Uuid, primary_key=True)]
BigKey = Annotated[int, Field(default=None, sa_type=sa.BigInteger, primary_key=True, sa_column_kwargs=_GIVEN)]
"""A number the database gives."""
GivenUuidKey = Annotated[UUID, Field(default=None, primary_key=True, sa_column_kwargs=_GIVEN)]
"""A UUIDv7 the database gives."""
XidKey = Annotated[str, Field(default=None, sa_type=Xid8, primary_key=True, sa_column_kwargs=_GIVEN)]


def class_column(*, primary_key: bool = False, nullable: bool = False) -> Any:
    """The column `class`, a word that Python keeps for itself."""
    return Field(
        default=None,
        sa_type=sa.Text,
        primary_key=primary_key,
        nullable=nullable,
        sa_column_kwargs={"name": "class"},
    )


class OutboxRow(SQLModel):
    """`shared.outbox`."""

    topic: Key
    xid: XidKey
    id: BigKey
    key: Text
    value: Bytes
    at: Noted


class CursorRow(SQLModel):
    """Where a consumer stands in one writer's outbox."""

    bus_group: Key
    topic: Key
    writer: Key
    xid: Annotated[str, Field(sa_type=Xid8)]
    id: Big
    moved_at: Noted


class DeadLetterRow(SQLModel):
    """A record that a consumer set aside."""

    id: GivenUuidKey
    bus_group: Text
    topic: Text
    key: Text
    value: Bytes
    position: Text
    reason: Text
    at: Noted
    replayed_at: MaybeMoment
    discarded_at: MaybeMoment


class ErasedRow(SQLModel):
    """A step of an order of destruction that a service has carried out (`shared.erasure`)."""

    erasure: UuidKey
    step: Key
    at: Noted
    counts: Json


class AuditRow(SQLModel):
    """Who did what about whom (R-D2). No UPDATE, no DELETE."""

    id: GivenUuidKey
    at: Noted
    actor: Text
    action: Text
    school: MaybeText
    about: MaybeText
    details: Json
