"""Messages: what was composed of decisions, how each ended, and what must not be sent (DESIGN §7).

School time: `due_at`, `deadline`, `expires_at`, `told_at`. Everything else is real time by the
database's clock.
"""

from shared.migrations import run

revision = "dispatch_0003"
down_revision = "dispatch_0002"

STATEMENTS = """
CREATE TABLE dispatch.message (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    school text NOT NULL,
    guardian text NOT NULL,
    channel text NOT NULL CHECK (channel IN ('email', 'sms', 'push')),
    kind text NOT NULL CHECK (kind IN ('immediate', 'daily', 'weekly')),
    status text NOT NULL DEFAULT 'composed' CHECK (
        status IN (
            'composed', 'sending', 'unknown', 'accepted', 'delivered', 'failed', 'cancelled', 'expired'
        )
    ),
    due_at timestamptz NOT NULL,
    deadline timestamptz,
    expires_at timestamptz,
    period_from date,
    period_to date,
    composed_at timestamptz NOT NULL DEFAULT now(),
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    lease uuid,
    lease_until timestamptz,
    provider_id text,
    reason text,
    cost numeric(10, 2),
    told_at timestamptz,
    settled_at timestamptz,
    CHECK ((status = 'sending') = (lease IS NOT NULL)),
    CHECK ((lease IS NULL) = (lease_until IS NULL)),
    CHECK ((period_from IS NULL) = (period_to IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX message_composed ON dispatch.message (channel, (kind <> 'immediate'), next_attempt_at)
    WHERE status = 'composed';
CREATE INDEX message_sending ON dispatch.message (lease_until) WHERE status = 'sending';
CREATE INDEX message_unknown ON dispatch.message (next_attempt_at) WHERE status = 'unknown';
CREATE INDEX message_guardian ON dispatch.message (school, guardian);
CREATE INDEX message_provider ON dispatch.message (provider_id) WHERE provider_id IS NOT NULL;

CREATE TABLE dispatch.message_history (
    message uuid NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    from_status text NOT NULL,
    to_status text NOT NULL,
    reason text,
    actor text NOT NULL,
    PRIMARY KEY (message, id),
    CONSTRAINT allowed_transition CHECK ((from_status, to_status) IN (
        ('composed', 'sending'), ('composed', 'cancelled'), ('composed', 'expired'),
        ('sending', 'accepted'), ('sending', 'composed'), ('sending', 'unknown'), ('sending', 'failed'),
        ('sending', 'cancelled'), ('sending', 'expired'),
        ('unknown', 'accepted'), ('unknown', 'composed'),
        ('accepted', 'delivered'), ('accepted', 'failed'),
        ('failed', 'composed')
    ))
);

CREATE TABLE dispatch.sms_attempt (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    message uuid NOT NULL,
    number text NOT NULL,
    text text NOT NULL,
    text_hash bytea NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    provider_id text UNIQUE,
    asked integer NOT NULL DEFAULT 0,
    settled_at timestamptz,
    outcome text CHECK (outcome IN ('accepted', 'refused', 'lost')),
    CHECK ((settled_at IS NULL) = (outcome IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX sms_attempt_message ON dispatch.sms_attempt (message);
CREATE UNIQUE INDEX sms_attempt_open ON dispatch.sms_attempt (number, text_hash) WHERE settled_at IS NULL;

CREATE TABLE dispatch.suppression (
    school text NOT NULL,
    channel text NOT NULL CHECK (channel IN ('email', 'sms', 'push')),
    address text NOT NULL,
    reason text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    lifted_at timestamptz,
    PRIMARY KEY (school, channel, address)
);
CREATE TABLE dispatch.channel_pause (
    channel text PRIMARY KEY CHECK (channel IN ('email', 'sms', 'push')),
    reason text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    by text NOT NULL
);
CREATE TABLE dispatch.sms_budget (
    school text NOT NULL,
    month date NOT NULL CHECK (extract(day FROM month) = 1),
    segments integer NOT NULL DEFAULT 0,
    cost numeric(12, 2) NOT NULL DEFAULT 0,
    PRIMARY KEY (school, month)
);
"""


def upgrade() -> None:
    run(STATEMENTS)
