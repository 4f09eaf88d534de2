"""Deadlines at risk, and wake-ups between replicas (R-B10)."""

from shared.migrations import run

revision = "dispatch_0010"
down_revision = "dispatch_0009"

# Only what is still open, or ended untold, has an entry in these: what was told leaves them.
DEADLINES = """
CREATE INDEX decision_deadline ON dispatch.decision (deadline)
    WHERE verdict = 'tell' AND message IS NULL AND cancelled_by IS NULL;
CREATE INDEX decision_too_late ON dispatch.decision (deadline)
    WHERE verdict = 'tell' AND message IS NULL AND cancelled_by IS NULL AND due_at > deadline;
CREATE INDEX message_deadline ON dispatch.message (deadline)
    WHERE status IN ('composed', 'sending', 'unknown');
CREATE INDEX message_untold ON dispatch.message (settled_at) WHERE status IN ('expired', 'failed');

-- Which schools have been late lately and whether their operators know: real time.
CREATE TABLE dispatch.late_school (
    school text PRIMARY KEY,
    seen_at timestamptz NOT NULL DEFAULT now(),
    noticed_at timestamptz NOT NULL DEFAULT now()
);
"""


def upgrade() -> None:
    run(DEADLINES)
