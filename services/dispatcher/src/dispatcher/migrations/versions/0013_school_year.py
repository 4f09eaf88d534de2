"""The words of a refusal as issued, and since when each pupil is in their class (R-C2, R-B11)."""

from shared.migrations import run

revision = "dispatch_0013"
down_revision = "dispatch_0012"

STATEMENTS = """
ALTER TABLE consent.refusal ADD COLUMN letter jsonb NOT NULL;
CREATE TABLE dispatch.class_since (
    school text NOT NULL,
    pupil text NOT NULL,
    class text NOT NULL,
    grade text NOT NULL,
    since date NOT NULL,
    PRIMARY KEY (school, pupil)
);
"""


def upgrade() -> None:
    run(STATEMENTS)
