"""Consents, staff accounts, and the bus of the dispatcher."""

from shared.migrations import run

revision = "dispatch_0001"
down_revision = None

STATEMENTS = """
CREATE TABLE consent.epoch (school text PRIMARY KEY, value bigint NOT NULL);
CREATE TABLE consent.contact (
    school text NOT NULL,
    guardian text NOT NULL,
    channel text NOT NULL CHECK (channel IN ('email', 'sms', 'push')),
    address text NOT NULL,
    confirmed_at timestamptz,
    stopped_at timestamptz,
    stopped_because text,
    registered_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (school, guardian, channel, address)
);
CREATE TABLE consent.sheet (
    school text NOT NULL,
    pupil text NOT NULL,
    guardian text NOT NULL,
    number text NOT NULL,
    signed_on date NOT NULL,
    items text[] NOT NULL,
    valid_until date,
    withdrawn_on date,
    registered_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (school, pupil, guardian, number)
);
CREATE TABLE consent.application (
    school text NOT NULL,
    pupil text NOT NULL,
    guardian text NOT NULL,
    number text NOT NULL,
    signed_on date NOT NULL,
    form text NOT NULL CHECK (form IN ('electronic', 'weekly_email', 'paper')),
    scope text[] NOT NULL DEFAULT '{}',
    registered_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (school, pupil, guardian, number)
);
CREATE TABLE consent.preference (
    school text NOT NULL,
    guardian text NOT NULL,
    category text NOT NULL,
    channel text NOT NULL CHECK (channel IN ('email', 'sms', 'push', 'paper')),
    mode text NOT NULL CHECK (mode IN ('immediate', 'daily', 'weekly', 'never')),
    set_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (school, guardian, category)
);
CREATE TABLE people.account (
    school text NOT NULL,
    login text NOT NULL,
    role text NOT NULL CHECK (role IN ('operator', 'it', 'secretary', 'teacher', 'admin')),
    name text NOT NULL,
    email text NOT NULL DEFAULT '',
    PRIMARY KEY (school, login)
);
CREATE TABLE dispatch.outbox (
    topic text NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    id bigint GENERATED ALWAYS AS IDENTITY,
    key text NOT NULL,
    value bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, xid, id)
);
CREATE TABLE dispatch.bus_cursor (
    bus_group text NOT NULL,
    topic text NOT NULL,
    writer text NOT NULL,
    xid xid8 NOT NULL,
    id bigint NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bus_group, topic, writer)
);
CREATE TABLE dispatch.dead_letter (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    bus_group text NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    value bytea NOT NULL,
    position text NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    replayed_at timestamptz
);
CREATE TABLE dispatch.audit (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    action text NOT NULL,
    school text,
    about text,
    details jsonb NOT NULL DEFAULT '{}'
);
REVOKE UPDATE, DELETE ON dispatch.audit FROM vestnik_dispatcher;
GRANT SELECT ON dispatch.outbox, dispatch.bus_cursor
    TO vestnik_ingest, vestnik_dispatcher, vestnik_print_queue;
"""


def upgrade() -> None:
    run(STATEMENTS)
