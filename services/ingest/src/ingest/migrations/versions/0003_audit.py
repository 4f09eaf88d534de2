"""The audit only grows, whoever tries, not only by grants (R-F3)."""

from shared.migrations import run

revision = "ingest_0003"
down_revision = "ingest_0002"

STATEMENTS = """
CREATE FUNCTION ingest.append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit only grows' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ingest.audit
    FOR EACH STATEMENT EXECUTE FUNCTION ingest.append_only();
REVOKE TRUNCATE ON ingest.audit FROM vestnik_ingest;
"""


def upgrade() -> None:
    run(STATEMENTS)
