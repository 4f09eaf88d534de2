"""The typed picture of the dispatcher's tables, schemas `consent`, `people` and `dispatch`
(see `shared.tables`). For pages and commands; planning and sending have statements of their own.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar
from uuid import UUID

from sqlalchemy import Numeric, SmallInteger
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from shared.tables import (
    AuditRow,
    Big,
    BigKey,
    Bytes,
    CursorRow,
    DateKey,
    DeadLetterRow,
    ErasedRow,
    GivenUuidKey,
    Integers,
    Json,
    Key,
    MaybeMoment,
    MaybeText,
    Moment,
    Noted,
    OutboxRow,
    Reals,
    Text,
    Texts,
    Uuid,
    UuidKey,
    class_column,
)


class Tables(SQLModel, registry=registry()):
    """Every table of the service; `Tables.metadata` is its whole picture."""


class _Consent(Tables):
    __table_args__: ClassVar[Any] = {"schema": "consent"}


class Epoch(_Consent, table=True):
    __tablename__ = "epoch"
    school: Key
    value: Big


class Contact(_Consent, table=True):
    __tablename__ = "contact"
    school: Key
    guardian: Key
    channel: Key
    address: Key
    confirmed_at: MaybeMoment
    stopped_at: MaybeMoment
    stopped_because: MaybeText
    registered_at: Noted
    confirmed_how: MaybeText
    disputed_at: MaybeMoment


class Sheet(_Consent, table=True):
    """A consent sheet (R-C3)."""

    __tablename__ = "sheet"
    school: Key
    pupil: Key
    guardian: Key
    number: Key
    signed_on: date
    items: Texts
    valid_until: date | None
    withdrawn_on: date | None
    registered_at: Noted
    signed_items: Texts
    refused: bool
    signed_by: Text
    accepted_by: Text
    registered_by: Text
    erased_at: MaybeMoment


class Application(_Consent, table=True):
    """An application of a family (R-C1)."""

    __tablename__ = "application"
    school: Key
    pupil: Key
    guardian: Key
    number: Key
    signed_on: date
    form: Text
    scope: Texts
    registered_at: Noted
    pupil_access: bool
    accepted_by: Text
    registered_by: Text
    erased_at: MaybeMoment


class Withdrawal(_Consent, table=True):
    """A withdrawn sheet and the clock of its destruction (R-B8)."""

    __tablename__ = "withdrawal"
    school: Key
    pupil: Key
    guardian: Key
    number: Key
    received_on: date
    destroy_by: date
    registered_by: Text
    registered_at: Noted
    destroyed_at: MaybeMoment
    voided_at: MaybeMoment


class Erasure(_Consent, table=True):
    """An order of destruction: whom it concerns, by internal ids (R-B8)."""

    __tablename__ = "erasure"
    id: GivenUuidKey
    school: Text
    cause: Text
    pupils: Texts
    guardians: Texts
    tie_pupils: Texts
    tie_guardians: Texts
    received_on: date
    destroy_by: date
    ordered_by: Text
    ordered_at: Noted
    completed_at: MaybeMoment
    act: MaybeText


class Restriction(_Consent, table=True):
    """Restricted rights of a guardian, as the desk registered them (R-D4)."""

    __tablename__ = "restriction"
    id: GivenUuidKey
    school: Text
    pupil: Text
    guardian: Text
    from_on: date
    until_on: date | None
    basis: Text
    registered_by: Text
    registered_at: Noted
    lifted_at: MaybeMoment
    lifted_by: MaybeText


class Departure(_Consent, table=True):
    """A pupil who left, as the desk registered it (R-B7)."""

    __tablename__ = "departure"
    school: Key
    pupil: Key
    left_on: date
    reason: Text
    registered_by: Text
    registered_at: Noted


class Refusal(_Consent, table=True):
    """An application that was not registered, and on which ground (R-C2)."""

    __tablename__ = "refusal"
    school: Key
    number: Key
    issued_on: date
    applicant: Text
    about: Text
    guardian: MaybeText
    pupil: MaybeText
    ground: Text
    details: Text
    officer: Text
    registered_by: Text
    registered_at: Noted
    letter: Json


class Preference(_Consent, table=True):
    __tablename__ = "preference"
    school: Key
    guardian: Key
    category: Key
    channel: Text
    mode: Text
    set_at: Noted


class PreferenceChange(_Consent, table=True):
    """One saving of a guardian: preferences by category before and after it."""

    __tablename__ = "preference_change"
    id: GivenUuidKey
    school: Text
    guardian: Text
    at: Noted
    before: Json
    after: Json


class _People(Tables):
    __table_args__: ClassVar[Any] = {"schema": "people"}


class Account(_People, table=True):
    """A member of staff; `school` is `*` for an account of the whole installation."""

    __tablename__ = "account"
    school: Key
    login: Key
    role: Text
    name: Text
    email: Text
    disabled_at: MaybeMoment


class Password(_People, table=True):
    """An argon2id hash; the dispatcher's alone."""

    __tablename__ = "password"
    school: Key
    login: Key
    hash: Text
    set_at: Noted


class Session(_People, table=True):
    """Somebody logged in; the cookie's token as SHA-256."""

    __tablename__ = "session"
    id: GivenUuidKey
    hash: Bytes
    school: Text
    login: Text
    began_at: Noted
    expires_at: Moment
    ended_at: MaybeMoment


class Invitation(_People, table=True):
    """The one open one-time link of an account; its code as SHA-256."""

    __tablename__ = "invitation"
    school: Key
    login: Key
    hash: Bytes
    made_at: Noted
    expires_at: Moment


class FamilyLink(_People, table=True):
    """The one open one-time link of a guardian, and where it was sent; its token as SHA-256."""

    __tablename__ = "family_link"
    school: Key
    guardian: Key
    hash: Bytes
    channel: Text
    address: Text
    made_at: Noted
    expires_at: Moment


class FamilySession(_People, table=True):
    """A guardian logged in; the cookie's token as SHA-256."""

    __tablename__ = "family_session"
    id: GivenUuidKey
    hash: Bytes
    school: Text
    guardian: Text
    began_at: Noted
    expires_at: Moment
    ended_at: MaybeMoment


class Throttle(_People, table=True):
    """Failed tries of a login or an address, by a keyed digest."""

    __tablename__ = "throttle"
    key: Annotated[bytes, Field(sa_type=BYTEA, primary_key=True)]
    failures: int
    began_at: Noted


class _Dispatch(Tables):
    __table_args__: ClassVar[Any] = {"schema": "dispatch"}


class Change(_Dispatch, table=True):
    """A change as it was planned."""

    __tablename__ = "change"
    change: UuidKey
    source: Text
    school: Text
    type: Text
    category: Text
    entity: Text
    revision: Big
    time: Moment
    accepted_at: Moment
    pupil: MaybeText
    class_name: str | None = class_column(nullable=True)
    data: Json
    planned_at: Noted
    guardians: int | None


class Entity(_Dispatch, table=True):
    """The newest version of each entity."""

    __tablename__ = "entity"
    source: Key
    entity: Key
    revision: Big
    time: Moment
    change: Uuid
    removed: bool


class Decision(_Dispatch, table=True):
    """What was decided about a change for a guardian (DESIGN §6)."""

    __tablename__ = "decision"
    change: UuidKey
    school: Text
    guardian: Key
    pupils: Texts
    category: Text
    verdict: Text
    reason: MaybeText
    missing: Texts
    sheets: Texts
    channel: MaybeText
    mode: MaybeText
    chosen: bool
    due_at: MaybeMoment
    deadline: MaybeMoment
    expires_at: MaybeMoment
    corrects: UUID | None
    message: UUID | None
    cancelled_by: UUID | None
    decided_at: Noted
    tried: Texts


class AbsenceAlert(_Dispatch, table=True):
    """One alert per guardian, child and day (R-B2)."""

    __tablename__ = "absence_alert"
    school: Key
    guardian: Key
    pupil: Key
    day: DateKey
    kind: Key
    change: Uuid


class Message(_Dispatch, table=True):
    """What was composed of decisions, and where it stands (DESIGN §7)."""

    __tablename__ = "message"
    id: GivenUuidKey
    school: Text
    guardian: Text
    channel: Text
    kind: Text
    status: Text
    due_at: Moment
    deadline: MaybeMoment
    expires_at: MaybeMoment
    period_from: date | None
    period_to: date | None
    composed_at: Noted
    next_attempt_at: Noted
    attempts: int
    lease: UUID | None
    lease_until: MaybeMoment
    provider_id: MaybeText
    reason: MaybeText
    cost: Annotated[Decimal | None, Field(default=None, sa_type=Numeric(10, 2))]
    told_at: MaybeMoment
    settled_at: MaybeMoment


class MessageHistory(_Dispatch, table=True):
    __tablename__ = "message_history"
    message: UuidKey
    id: BigKey
    at: Noted
    from_status: Text
    to_status: Text
    reason: MaybeText
    actor: Text


class Provider(_Dispatch, table=True):
    """How a channel's provider stands, for all replicas; `told_at`: when staff were told it is away."""

    __tablename__ = "provider"
    channel: Key
    state: Text
    since: Noted
    reason: MaybeText
    until: MaybeMoment
    openings: int
    streak: int
    seen: int
    failed: int
    seen_from: MaybeMoment
    held_until: MaybeMoment
    strikes: int
    second_at: Big
    second_counts: Integers
    hour_at: Big
    hour_counts: Integers
    latencies: Reals
    called_at: MaybeMoment
    told_at: MaybeMoment


class SmsAttempt(_Dispatch, table=True):
    """An SMS about to be sent or sent: what the provider's list is asked for. `said` is the provider's
    last status number."""

    __tablename__ = "sms_attempt"
    id: GivenUuidKey
    message: Uuid
    number: Text
    text: Text
    text_hash: Bytes
    started_at: Noted
    provider_id: MaybeText
    asked: int
    settled_at: MaybeMoment
    outcome: MaybeText
    poll_at: MaybeMoment
    said: Annotated[int | None, Field(default=None, sa_type=SmallInteger)]
    said_at: MaybeMoment
    school: MaybeText
    segments: int


class Suppression(_Dispatch, table=True):
    """An address nothing goes to, for good or until it has rested."""

    __tablename__ = "suppression"
    school: Key
    channel: Key
    address: Key
    reason: Text
    since: Noted
    lifted_at: MaybeMoment
    source: Text
    until: MaybeMoment
    times: int


class ReturnedMail(_Dispatch, table=True):
    """Mail that came back to the envelope sender: kept before it is acknowledged."""

    __tablename__ = "returned_mail"
    id: GivenUuidKey
    recipient: Text
    content: Annotated[bytes | None, Field(default=None, sa_type=BYTEA)]
    received_at: Noted
    next_attempt_at: Noted
    attempts: int
    done_at: MaybeMoment
    verdict: MaybeText
    reason: MaybeText
    message: UUID | None


class ContactCode(_Dispatch, table=True):
    """A code sent to a contact to confirm it (R-C6)."""

    __tablename__ = "contact_code"
    id: GivenUuidKey
    school: Text
    guardian: Text
    channel: Text
    address: Text
    code_hash: Bytes
    asked_by: Text
    asked_at: Noted
    expires_at: Moment
    tries: int
    sent_at: MaybeMoment
    failed_because: MaybeText
    used_at: MaybeMoment


class Unreachable(_Dispatch, table=True):
    """A guardian whom no channel reaches now though the papers open one (R-E5)."""

    __tablename__ = "unreachable"
    school: Key
    pupil: Key
    guardian: Key
    class_name: str = class_column()
    why: Texts
    instead: Text
    since: Moment


class ChannelPause(_Dispatch, table=True):
    __tablename__ = "channel_pause"
    channel: Key
    reason: Text
    since: Noted
    by: Text


class SmsBudget(_Dispatch, table=True):
    """What a school's month of SMS has cost (R-C9)."""

    __tablename__ = "sms_budget"
    school: Key
    month: DateKey
    segments: int
    cost: Annotated[Decimal, Field(sa_type=Numeric(12, 2))]
    warned_at: MaybeMoment
    spent_at: MaybeMoment


class Notice(_Dispatch, table=True):
    """What a member of staff is to be told."""

    __tablename__ = "notice"
    id: UuidKey
    kind: Text
    school: MaybeText
    class_name: str | None = class_column(nullable=True)
    details: Json
    at: Moment
    received_at: Noted
    addressed_at: MaybeMoment
    told_at: MaybeMoment
    untold_because: MaybeText


class NoticeLetter(_Dispatch, table=True):
    """A letter to a member of staff; its id is its Message-ID."""

    __tablename__ = "notice_letter"
    id: GivenUuidKey
    address: Text
    composed_at: Noted
    next_attempt_at: Noted
    attempts: int
    ended_at: MaybeMoment
    outcome: MaybeText
    reason: MaybeText


class NoticeAddressee(_Dispatch, table=True):
    """Whom a notice is for, and the letter that carries it there."""

    __tablename__ = "notice_addressee"
    notice: UuidKey
    address: Key
    letter: UUID | None


class LateSchool(_Dispatch, table=True):
    """A school with something late, and when its operators were told (R-B10)."""

    __tablename__ = "late_school"
    school: Key
    seen_at: Noted
    noticed_at: Noted


class DiscrepancyRow(_Dispatch, table=True):
    """Where the ledger disagrees with itself (`dispatcher.reconcile`)."""

    __tablename__ = "discrepancy"
    fault: Key
    subject: UuidKey
    guardian: Key
    school: Text
    expected: Text
    found: Text
    seen_at: Noted
    gone_at: MaybeMoment


class Erased(ErasedRow, _Dispatch, table=True):
    __tablename__ = "erased"


class ClassSince(_Dispatch, table=True):
    """Since which day the lists have a pupil in this class (`dispatcher.desk.rollover`)."""

    __tablename__ = "class_since"
    school: Key
    pupil: Key
    class_name: str = class_column()
    grade: Text
    since: date


class Outbox(OutboxRow, _Dispatch, table=True):
    __tablename__ = "outbox"


class BusCursor(CursorRow, _Dispatch, table=True):
    __tablename__ = "bus_cursor"


class DeadLetter(DeadLetterRow, _Dispatch, table=True):
    __tablename__ = "dead_letter"


class Audit(AuditRow, _Dispatch, table=True):
    __tablename__ = "audit"
