"""The bus of the print queue."""

from shared.migrations import run

revision = "paper_0001"
down_revision = None

STATEMENTS = """
CREATE TABLE paper.outbox (
    topic text NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    id bigint GENERATED ALWAYS AS IDENTITY,
    key text NOT NULL,
    value bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, xid, id)
);
CREATE TABLE paper.bus_cursor (
    bus_group text NOT NULL,
    topic text NOT NULL,
    writer text NOT NULL,
    xid xid8 NOT NULL,
    id bigint NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bus_group, topic, writer)
);
CREATE TABLE paper.dead_letter (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    bus_group text NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    value bytea NOT NULL,
    position text NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    replayed_at timestamptz
);
CREATE TABLE paper.audit (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    action text NOT NULL,
    school text,
    about text,
    details jsonb NOT NULL DEFAULT '{}'
);
REVOKE UPDATE, DELETE ON paper.audit FROM vestnik_print_queue;
GRANT SELECT ON paper.outbox, paper.bus_cursor
    TO vestnik_ingest, vestnik_dispatcher, vestnik_print_queue;
"""


def upgrade() -> None:
    run(STATEMENTS)
