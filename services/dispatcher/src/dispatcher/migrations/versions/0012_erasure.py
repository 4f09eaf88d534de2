"""Orders of destruction, what of the papers outlives it, and what the dispatcher carried out (R-B7, R-B8).

An order names people by the school's own ids alone, and everybody reads it: each service destroys in
its own schemas and notes so beside them. Real time by the database's clock throughout.
"""

from shared.migrations import run

revision = "dispatch_0012"
down_revision = "dispatch_0011"

STATEMENTS = """
-- A paper whose content is destroyed: number and dates stay, to prove that the processing was lawful.
ALTER TABLE consent.sheet ADD COLUMN erased_at timestamptz;
ALTER TABLE consent.application ADD COLUMN erased_at timestamptz;
CREATE INDEX sheet_withdrawn ON consent.sheet (school) WHERE withdrawn_on IS NOT NULL;
-- A withdrawal overtaken by a new consent.
ALTER TABLE consent.withdrawal ADD COLUMN voided_at timestamptz;

CREATE TABLE consent.erasure (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    school text NOT NULL,
    cause text NOT NULL CHECK (cause IN ('withdrawal', 'departure', 'request')),
    pupils text[] NOT NULL,
    guardians text[] NOT NULL,
    tie_pupils text[] NOT NULL,
    tie_guardians text[] NOT NULL,
    received_on date NOT NULL,
    destroy_by date NOT NULL,
    ordered_by text NOT NULL,
    ordered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    completed_at timestamptz,
    act text,
    CHECK (cardinality(tie_pupils) = cardinality(tie_guardians)),
    CHECK ((completed_at IS NULL) = (act IS NULL))
);
CREATE INDEX erasure_school ON consent.erasure (school, ordered_at);
CREATE INDEX erasure_open ON consent.erasure (ordered_at) WHERE completed_at IS NULL;

CREATE TABLE dispatch.erased (
    erasure uuid NOT NULL,
    step text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    counts jsonb NOT NULL,
    PRIMARY KEY (erasure, step)
);
GRANT SELECT ON dispatch.erased TO vestnik_ingest, vestnik_print_queue;
"""


def upgrade() -> None:
    run(STATEMENTS)
