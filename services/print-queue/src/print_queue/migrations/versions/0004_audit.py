"""The audit only grows, whoever tries, not only by grants (R-F3)."""

from shared.migrations import run

revision = "paper_0004"
down_revision = "paper_0003"

STATEMENTS = """
CREATE FUNCTION paper.append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit only grows' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON paper.audit
    FOR EACH STATEMENT EXECUTE FUNCTION paper.append_only();
REVOKE TRUNCATE ON paper.audit FROM vestnik_print_queue;
"""


def upgrade() -> None:
    run(STATEMENTS)
