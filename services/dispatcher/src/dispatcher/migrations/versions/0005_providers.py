"""Limits, breakers and pauses of providers, shared by all replicas (DESIGN §7).

Real time by the database's clock throughout.
"""

from shared.migrations import run

revision = "dispatch_0005"
down_revision = "dispatch_0004"

STATEMENTS = """
-- One row a channel, changed many times a second: no index but its key, so every change is a short one.
CREATE TABLE dispatch.provider (
    channel text PRIMARY KEY CHECK (channel IN ('email', 'sms', 'push')),
    state text NOT NULL DEFAULT 'closed' CHECK (state IN ('closed', 'open', 'probing')),
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    reason text,
    until timestamptz,
    openings integer NOT NULL DEFAULT 0,
    streak integer NOT NULL DEFAULT 0,
    seen integer NOT NULL DEFAULT 0,
    failed integer NOT NULL DEFAULT 0,
    seen_from timestamptz,
    held_until timestamptz,
    strikes integer NOT NULL DEFAULT 0,
    second_at bigint NOT NULL DEFAULT 0,
    second_counts integer[] NOT NULL DEFAULT '{}',
    hour_at bigint NOT NULL DEFAULT 0,
    hour_counts integer[] NOT NULL DEFAULT '{}',
    latencies real[] NOT NULL DEFAULT '{}',
    called_at timestamptz,
    told_at timestamptz,
    CHECK ((state = 'closed') = (until IS NULL))
) WITH (fillfactor = 30);
INSERT INTO dispatch.provider (channel) VALUES ('email'), ('sms'), ('push');

-- What is sent to one number within an hour is limited.
CREATE INDEX sms_attempt_number ON dispatch.sms_attempt (number, started_at);

-- An open attempt holds its segments: what the month has left is counted without them.
ALTER TABLE dispatch.sms_attempt ADD COLUMN school text, ADD COLUMN segments integer NOT NULL DEFAULT 0;
CREATE INDEX sms_attempt_reserved ON dispatch.sms_attempt (school) WHERE settled_at IS NULL;

ALTER TABLE dispatch.sms_budget
    ADD COLUMN warned_at timestamptz,
    ADD COLUMN spent_at timestamptz;
"""


def upgrade() -> None:
    run(STATEMENTS)
