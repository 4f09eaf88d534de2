"""What gateways say later, and who cannot be reached any more."""

from shared.migrations import run

revision = "dispatch_0007"
down_revision = "dispatch_0006"

STATEMENTS = """
SELECT 1;
"""


def upgrade() -> None:
    run(STATEMENTS)
