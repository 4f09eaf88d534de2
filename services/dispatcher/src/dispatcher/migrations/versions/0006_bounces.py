"""What comes back to the envelope sender: bounces and complaints (RFC 3464, RFC 5965)."""

from shared.migrations import run

revision = "dispatch_0006"
down_revision = "dispatch_0005"

STATEMENTS = """
SELECT 1;
"""


def upgrade() -> None:
    run(STATEMENTS)
