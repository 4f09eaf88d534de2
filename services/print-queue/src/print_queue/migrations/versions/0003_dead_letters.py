"""A dead letter may be discarded, as everywhere (`shared.bus.dead`)."""

from shared.migrations import run

revision = "paper_0003"
down_revision = "paper_0002"

STATEMENTS = """
ALTER TABLE paper.dead_letter ADD COLUMN discarded_at timestamptz,
    ADD CHECK (replayed_at IS NULL OR discarded_at IS NULL);
"""


def upgrade() -> None:
    run(STATEMENTS)
