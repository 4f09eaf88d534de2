"""What was decided about each change, guardian by guardian (DESIGN §6, §7)."""

from shared.migrations import run

revision = "dispatch_0002"
down_revision = "dispatch_0001"

STATEMENTS = """
CREATE TABLE dispatch.change (
    change uuid PRIMARY KEY,
    source text NOT NULL,
    school text NOT NULL,
    type text NOT NULL,
    category text NOT NULL,
    entity text NOT NULL,
    revision bigint NOT NULL,
    time timestamptz NOT NULL,
    accepted_at timestamptz NOT NULL,
    pupil text,
    class text,
    data jsonb NOT NULL,
    planned_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX change_entity ON dispatch.change (source, entity);
CREATE TABLE dispatch.entity (
    source text NOT NULL,
    entity text NOT NULL,
    revision bigint NOT NULL,
    time timestamptz NOT NULL,
    change uuid NOT NULL,
    removed boolean NOT NULL,
    PRIMARY KEY (source, entity)
);
CREATE TABLE dispatch.decision (
    change uuid NOT NULL,
    school text NOT NULL,
    guardian text NOT NULL,
    pupils text[] NOT NULL,
    category text NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('tell', 'paper', 'suppress')),
    reason text,
    missing text[] NOT NULL DEFAULT '{}',
    sheets text[] NOT NULL DEFAULT '{}',
    channel text,
    mode text,
    chosen boolean NOT NULL DEFAULT false,
    due_at timestamptz,
    deadline timestamptz,
    expires_at timestamptz,
    corrects uuid,
    message uuid,
    cancelled_by uuid,
    decided_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (change, guardian),
    CHECK ((verdict = 'tell') = (channel IS NOT NULL AND due_at IS NOT NULL AND mode IS NOT NULL)),
    CHECK (verdict = 'tell' OR reason IS NOT NULL)
) WITH (fillfactor = 85);
CREATE INDEX decision_due ON dispatch.decision (due_at)
    WHERE verdict = 'tell' AND message IS NULL AND cancelled_by IS NULL;
CREATE INDEX decision_message ON dispatch.decision (message) WHERE message IS NOT NULL;
CREATE TABLE dispatch.absence_alert (
    school text NOT NULL,
    guardian text NOT NULL,
    pupil text NOT NULL,
    day date NOT NULL,
    kind text NOT NULL CHECK (kind IN ('absence', 'lateness')),
    change uuid NOT NULL,
    PRIMARY KEY (school, guardian, pupil, day, kind)
);
"""


def upgrade() -> None:
    run(STATEMENTS)
