"""The papers as legal objects: who signed, what was refused, restricted or left, withdrawals with
their clock, contacts confirmed by code (R-C1–R-C3, R-C6, R-B7, R-B8, R-D4).

The roster is the lists' (ingest writes it); what the desk knows better lies beside it in `consent`
and is read together with it (`shared.registry`).
"""

from shared.migrations import run

revision = "dispatch_0011"
down_revision = "dispatch_0010"

STATEMENTS = """
ALTER TABLE consent.sheet
    ADD COLUMN signed_items text[] NOT NULL DEFAULT '{}',
    ADD COLUMN refused boolean NOT NULL DEFAULT false,
    ADD COLUMN signed_by text NOT NULL DEFAULT '',
    ADD COLUMN accepted_by text NOT NULL DEFAULT '',
    ADD COLUMN registered_by text NOT NULL DEFAULT '',
    ADD CONSTRAINT sheet_refused CHECK (NOT refused OR items = '{}');
ALTER TABLE consent.application
    ADD COLUMN pupil_access boolean NOT NULL DEFAULT false,
    ADD COLUMN accepted_by text NOT NULL DEFAULT '',
    ADD COLUMN registered_by text NOT NULL DEFAULT '';
CREATE TABLE consent.withdrawal (
    school text NOT NULL,
    pupil text NOT NULL,
    guardian text NOT NULL,
    number text NOT NULL,
    received_on date NOT NULL,
    destroy_by date NOT NULL,
    registered_by text NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT now(),
    destroyed_at timestamptz,
    PRIMARY KEY (school, pupil, guardian, number)
);
CREATE INDEX withdrawal_due ON consent.withdrawal (destroy_by) WHERE destroyed_at IS NULL;
CREATE TABLE consent.restriction (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    school text NOT NULL,
    pupil text NOT NULL,
    guardian text NOT NULL,
    from_on date NOT NULL,
    until_on date,
    basis text NOT NULL,
    registered_by text NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT now(),
    lifted_at timestamptz,
    lifted_by text,
    CHECK (until_on IS NULL OR until_on >= from_on),
    CHECK ((lifted_at IS NULL) = (lifted_by IS NULL))
);
CREATE INDEX restriction_pupil ON consent.restriction (school, pupil);
CREATE TABLE consent.departure (
    school text NOT NULL,
    pupil text NOT NULL,
    left_on date NOT NULL,
    reason text NOT NULL,
    registered_by text NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (school, pupil)
);
CREATE TABLE consent.refusal (
    school text NOT NULL,
    number text NOT NULL,
    issued_on date NOT NULL,
    applicant text NOT NULL,
    about text NOT NULL,
    guardian text,
    pupil text,
    ground text NOT NULL,
    details text NOT NULL DEFAULT '',
    officer text NOT NULL,
    registered_by text NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (school, number)
);
ALTER TABLE consent.contact
    ADD COLUMN confirmed_how text CHECK (confirmed_how IN ('application', 'code')),
    ADD COLUMN disputed_at timestamptz;
CREATE TABLE dispatch.contact_code (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    school text NOT NULL,
    guardian text NOT NULL,
    channel text NOT NULL,
    address text NOT NULL,
    code_hash bytea NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    sent_at timestamptz,
    failed_because text,
    used_at timestamptz
);
CREATE INDEX contact_code_address ON dispatch.contact_code (school, channel, address, asked_at);
"""


def upgrade() -> None:
    run(STATEMENTS)
