"""What the print queue destroyed of whom; a batch whose PDF is made anew without them (R-B8)."""

from shared.migrations import run

revision = "paper_0005"
down_revision = "paper_0004"

STATEMENTS = """
CREATE TABLE paper.erased (
    erasure uuid NOT NULL,
    step text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    counts jsonb NOT NULL,
    PRIMARY KEY (erasure, step)
);
GRANT SELECT ON paper.erased TO vestnik_ingest, vestnik_dispatcher;

-- A batch loses its PDF when a family is taken out of it, whatever state it has reached.
ALTER TABLE paper.batch DROP CONSTRAINT batch_check,
    ADD CONSTRAINT frozen_has_no_pdf CHECK (state <> 'frozen' OR sha256 IS NULL);
DROP INDEX paper.batch_frozen;
CREATE INDEX batch_without_pdf ON paper.batch (id) WHERE sha256 IS NULL;
"""


def upgrade() -> None:
    run(STATEMENTS)
