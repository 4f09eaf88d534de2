"""A dead letter may be discarded, as everywhere (`shared.bus.dead`)."""

from shared.migrations import run

revision = "ingest_0002"
down_revision = "ingest_0001"

STATEMENTS = """
ALTER TABLE ingest.dead_letter ADD COLUMN discarded_at timestamptz,
    ADD CHECK (replayed_at IS NULL OR discarded_at IS NULL);
"""


def upgrade() -> None:
    run(STATEMENTS)
