"""What ingest has destroyed of whom, by order (R-B7, R-B8)."""

from shared.migrations import run

revision = "ingest_0004"
down_revision = "ingest_0003"

STATEMENTS = """
CREATE TABLE ingest.erased (
    erasure uuid NOT NULL,
    step text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    counts jsonb NOT NULL,
    PRIMARY KEY (erasure, step)
);
GRANT SELECT ON ingest.erased TO vestnik_dispatcher, vestnik_print_queue;
"""


def upgrade() -> None:
    run(STATEMENTS)
