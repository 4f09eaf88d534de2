"""What the ledger is checked against, and what operators do with their reasons.

`change.guardians` is how many guardians the registry tied to the pupils concerned when the change was
planned, counted before anything was decided; NULL for changes planned before this revision.
"""

from shared.migrations import run

revision = "dispatch_0008"
down_revision = "dispatch_0007"

STATEMENTS = """
ALTER TABLE dispatch.change ADD COLUMN guardians integer CHECK (guardians >= 0);

-- Where the ledger disagrees with itself; `gone_at` once it does no more.
CREATE TABLE dispatch.discrepancy (
    fault text NOT NULL,
    subject uuid NOT NULL,
    guardian text NOT NULL DEFAULT '',
    school text NOT NULL,
    expected text NOT NULL,
    found text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    gone_at timestamptz,
    PRIMARY KEY (fault, subject, guardian)
);
CREATE INDEX discrepancy_open ON dispatch.discrepancy (seen_at) WHERE gone_at IS NULL;

ALTER TABLE dispatch.dead_letter ADD COLUMN discarded_at timestamptz,
    ADD CHECK (replayed_at IS NULL OR discarded_at IS NULL);
CREATE INDEX dead_letter_open ON dispatch.dead_letter (at)
    WHERE replayed_at IS NULL AND discarded_at IS NULL;

-- Both only grow, and nearly in the order of school time: a few kilobytes find a period.
CREATE INDEX change_accepted ON dispatch.change USING brin (accepted_at) WITH (autosummarize = on);
CREATE INDEX message_due ON dispatch.message USING brin (due_at) WITH (autosummarize = on);
CREATE INDEX audit_about ON dispatch.audit (about) WHERE about IS NOT NULL;
"""


def upgrade() -> None:
    run(STATEMENTS)
