"""How families come in and what they choose there: one-time links, sessions, the history of preferences
(R-C7, R-D1).

A link opens a door and is the dispatcher's alone; real time by the database's clock throughout.
"""

from shared.migrations import run

revision = "dispatch_0014"
down_revision = "dispatch_0013"

STATEMENTS = """
-- The newest link of a guardian is the only one that opens.
CREATE TABLE people.family_link (
    school text NOT NULL,
    guardian text NOT NULL,
    hash bytea NOT NULL UNIQUE,
    channel text NOT NULL,
    address text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (school, guardian)
);
REVOKE SELECT ON people.family_link FROM vestnik_ingest, vestnik_print_queue;

CREATE TABLE people.family_session (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    hash bytea NOT NULL UNIQUE,
    school text NOT NULL,
    guardian text NOT NULL,
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX family_session_open ON people.family_session (school, guardian) WHERE ended_at IS NULL;
CREATE INDEX family_session_expires ON people.family_session (expires_at);

-- Each saving of a guardian: preferences by category before and after it.
CREATE TABLE consent.preference_change (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    school text NOT NULL,
    guardian text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    before jsonb NOT NULL,
    after jsonb NOT NULL
);
CREATE INDEX preference_change_guardian ON consent.preference_change (school, guardian, id);

CREATE INDEX contact_address ON consent.contact (channel, lower(address));
"""


def upgrade() -> None:
    run(STATEMENTS)
