"""The week of every pupil, what was printed of it, and the batches teachers carry (DESIGN §8).

School time: `accepted_at`, `opened_at`, `closes_at`, `closed_at`, `hand_out_by`, `at` of `to_paper`.
Everything else is real time by the database's clock.
"""

from shared.migrations import run

revision = "paper_0002"
down_revision = "paper_0001"

STATEMENTS = """
CREATE SEQUENCE paper.arrival;
GRANT USAGE, SELECT ON SEQUENCE paper.arrival TO vestnik_print_queue;

-- The newest revision of every entity. `arrival` grows with each write: what arrived after a week was
-- frozen, though accepted before, is told by it from what the frozen week already held.
CREATE TABLE paper.ledger (
    source text NOT NULL,
    entity text NOT NULL,
    school text NOT NULL,
    category text NOT NULL,
    change uuid NOT NULL,
    revision bigint NOT NULL,
    time timestamptz NOT NULL,
    removed boolean NOT NULL,
    pupil text,
    class text,
    grade text,
    group_name text,
    pupils text[] NOT NULL DEFAULT '{}',
    data jsonb NOT NULL,
    accepted_at timestamptz NOT NULL,
    first_accepted_at timestamptz NOT NULL,
    arrival bigint NOT NULL DEFAULT nextval('paper.arrival'),
    PRIMARY KEY (source, entity)
);
CREATE INDEX ledger_pupil ON paper.ledger (school, pupil, accepted_at) WHERE pupil IS NOT NULL;
CREATE INDEX ledger_common ON paper.ledger (school, accepted_at) WHERE pupil IS NULL;
CREATE INDEX ledger_change ON paper.ledger (change);

-- (pupil, guardian) whose electronic addresses failed: a sheet for the week of `at` (R-E5).
CREATE TABLE paper.to_paper (
    school text NOT NULL,
    pupil text NOT NULL,
    guardian text NOT NULL,
    change uuid NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL,
    arrival bigint NOT NULL DEFAULT nextval('paper.arrival'),
    PRIMARY KEY (school, pupil, guardian, change)
);

CREATE TABLE paper.week (
    school text NOT NULL,
    class text NOT NULL,
    week text NOT NULL CHECK (week ~ '^[0-9]{4}-W[0-9]{2}$'),
    opened_at timestamptz NOT NULL,
    closes_at timestamptz NOT NULL,
    closed_at timestamptz,
    last_arrival bigint,
    PRIMARY KEY (school, class, week),
    CHECK (opened_at < closes_at),
    CHECK (closed_at BETWEEN opened_at AND closes_at),
    CHECK ((closed_at IS NULL) = (last_arrival IS NULL))
);
CREATE UNIQUE INDEX week_open ON paper.week (school, class) WHERE closed_at IS NULL;

-- `input` is frozen: what is typeset, now or ever again, is this document and nothing else.
CREATE TABLE paper.batch (
    id uuid PRIMARY KEY,
    school text NOT NULL,
    class text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('week', 'extra')),
    name text NOT NULL,
    state text NOT NULL DEFAULT 'frozen' CHECK (
        state IN ('frozen', 'typeset', 'collected', 'printed', 'handed_out', 'closed')
    ),
    input jsonb NOT NULL,
    frozen_at timestamptz NOT NULL,
    hand_out_by timestamptz,
    pdf text,
    sha256 text,
    pages jsonb,
    escalated_at timestamptz,
    UNIQUE (school, class, kind, name),
    CHECK ((state = 'frozen') = (sha256 IS NULL)),
    CHECK ((pdf IS NULL) = (sha256 IS NULL) AND (pages IS NULL) = (sha256 IS NULL))
);
CREATE INDEX batch_frozen ON paper.batch (id) WHERE state = 'frozen';
CREATE INDEX batch_unhanded ON paper.batch (hand_out_by)
    WHERE escalated_at IS NULL AND state NOT IN ('handed_out', 'closed');

CREATE TABLE paper.sheet (
    id uuid PRIMARY KEY,
    batch uuid NOT NULL REFERENCES paper.batch,
    school text NOT NULL,
    pupil text NOT NULL,
    guardian text NOT NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (
        state IN ('queued', 'printed', 'handed', 'returned', 'undelivered')
    ),
    UNIQUE (batch, pupil, guardian)
);
CREATE INDEX sheet_guardian ON paper.sheet (school, guardian);

CREATE TABLE paper.batch_history (
    batch uuid NOT NULL REFERENCES paper.batch,
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    from_state text NOT NULL,
    to_state text NOT NULL,
    actor text NOT NULL,
    PRIMARY KEY (batch, id),
    CONSTRAINT allowed_transition CHECK ((from_state, to_state) IN (
        ('frozen', 'typeset'), ('typeset', 'collected'), ('collected', 'printed'),
        ('printed', 'handed_out'), ('handed_out', 'closed')
    ))
);
CREATE TABLE paper.sheet_history (
    sheet uuid NOT NULL REFERENCES paper.sheet,
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    from_state text NOT NULL,
    to_state text NOT NULL,
    actor text NOT NULL,
    PRIMARY KEY (sheet, id),
    CONSTRAINT allowed_transition CHECK ((from_state, to_state) IN (
        ('queued', 'printed'), ('printed', 'handed'), ('printed', 'undelivered'),
        ('handed', 'returned'), ('handed', 'undelivered'), ('undelivered', 'handed')
    ))
);

-- Which revision of an entity a sheet said, in which words. `latest`: no later sheet of this pupil and
-- guardian said it anew; a correction is a ledger newer than the latest.
CREATE TABLE paper.printed (
    sheet uuid NOT NULL REFERENCES paper.sheet,
    school text NOT NULL,
    pupil text NOT NULL,
    guardian text NOT NULL,
    source text NOT NULL,
    entity text NOT NULL,
    revision bigint NOT NULL,
    time timestamptz NOT NULL,
    removed boolean NOT NULL,
    weekly boolean NOT NULL,
    what text NOT NULL,
    said text NOT NULL,
    latest boolean NOT NULL DEFAULT true,
    PRIMARY KEY (sheet, source, entity)
);
CREATE UNIQUE INDEX printed_latest ON paper.printed (school, pupil, guardian, source, entity) WHERE latest;
"""


def upgrade() -> None:
    run(STATEMENTS)
