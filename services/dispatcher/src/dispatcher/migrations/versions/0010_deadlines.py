"""Deadlines at risk, and wake-ups between replicas (R-B10)."""

from shared.migrations import run

revision = "dispatch_0010"
down_revision = "dispatch_0009"

STATEMENTS = """
SELECT 1;
"""


def upgrade() -> None:
    run(STATEMENTS)
