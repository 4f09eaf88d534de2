"""Passwords, sessions, one-time links and throttling of staff; the audit is append-only (R-D2, R-F3, R-F4).

Everybody reads accounts and sessions, to know who is logged in; what opens a door is the dispatcher's
alone. Real time by the database's clock throughout.
"""

from shared.migrations import run

revision = "dispatch_0009"
down_revision = "dispatch_0008"

STATEMENTS = """
ALTER TABLE people.account ADD COLUMN disabled_at timestamptz;
CREATE INDEX account_login ON people.account (login);

CREATE TABLE people.password (
    school text NOT NULL,
    login text NOT NULL,
    hash text NOT NULL,
    set_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (school, login),
    FOREIGN KEY (school, login) REFERENCES people.account
);
CREATE TABLE people.session (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    hash bytea NOT NULL UNIQUE,
    school text NOT NULL,
    login text NOT NULL,
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    FOREIGN KEY (school, login) REFERENCES people.account
);
CREATE INDEX session_open ON people.session (school, login) WHERE ended_at IS NULL;
CREATE INDEX session_expires ON people.session (expires_at);

-- One-time links: the newest of an account is the only one that opens.
CREATE TABLE people.invitation (
    school text NOT NULL,
    login text NOT NULL,
    hash bytea NOT NULL UNIQUE,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (school, login),
    FOREIGN KEY (school, login) REFERENCES people.account
);

-- Failed attempts within a window, by a keyed digest of the login or of the client's address.
CREATE TABLE people.throttle (
    key bytea PRIMARY KEY,
    failures integer NOT NULL,
    began_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX throttle_began ON people.throttle (began_at);

REVOKE SELECT ON people.password, people.invitation, people.throttle FROM vestnik_ingest, vestnik_print_queue;

CREATE FUNCTION dispatch.append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit only grows' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON dispatch.audit
    FOR EACH STATEMENT EXECUTE FUNCTION dispatch.append_only();
REVOKE TRUNCATE ON dispatch.audit FROM vestnik_dispatcher;
CREATE INDEX audit_at ON dispatch.audit USING brin (at) WITH (autosummarize = on);
"""


def upgrade() -> None:
    run(STATEMENTS)
