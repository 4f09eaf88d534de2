"""What comes back: bounces, complaints, unsubscribing by mail; and one suppression list for all of them.

Real time by the database's clock throughout.
"""

from shared.migrations import run

revision = "dispatch_0006"
down_revision = "dispatch_0005"

STATEMENTS = """
-- Why and by whom an address is on the list; until when it rests, if not for good; the how-manieth rest.
ALTER TABLE dispatch.suppression
    ADD COLUMN source text NOT NULL DEFAULT 'reply' CHECK (source IN (
        'reply', 'bounce', 'complaint', 'unsubscribed', 'not_mine', 'receipt', 'stop'
    )),
    ADD COLUMN until timestamptz,
    ADD COLUMN times integer NOT NULL DEFAULT 1;

-- Channels that took a decision over and then failed it, though their addresses may be used for others.
ALTER TABLE dispatch.decision ADD COLUMN tried text[] NOT NULL DEFAULT '{}';

-- Mail that came back, kept before it is acknowledged; its id is a hash of it, so a repeat is the same row.
-- The content goes once it is understood, and stays for a while where it was not.
CREATE TABLE dispatch.returned_mail (
    id uuid PRIMARY KEY,
    recipient text NOT NULL,
    content bytea,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts integer NOT NULL DEFAULT 0,
    done_at timestamptz,
    verdict text,
    reason text,
    message uuid,
    CHECK ((done_at IS NULL) = (verdict IS NULL))
);
CREATE INDEX returned_mail_new ON dispatch.returned_mail (next_attempt_at) WHERE done_at IS NULL;
CREATE INDEX returned_mail_done ON dispatch.returned_mail (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX returned_mail_dead ON dispatch.returned_mail (received_at) WHERE verdict = 'dead';
"""


def upgrade() -> None:
    run(STATEMENTS)
