"""What the ledger is checked against, and what operators do with their reasons."""

from shared.migrations import run

revision = "dispatch_0008"
down_revision = "dispatch_0007"

STATEMENTS = """
SELECT 1;
"""


def upgrade() -> None:
    run(STATEMENTS)
