"""Notices to members of staff and the letters that carry them, and an index for rates (DESIGN §1, §8).

School time: `notice.at`. Everything else is real time by the database's clock.
"""

from shared.migrations import run

revision = "dispatch_0004"
down_revision = "dispatch_0003"

STATEMENTS = """
CREATE TABLE dispatch.notice (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    school text,
    class text,
    details jsonb NOT NULL,
    at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    addressed_at timestamptz,
    told_at timestamptz,
    untold_because text CHECK (untold_because IN ('no_staff', 'no_address', 'refused', 'gave_up')),
    CHECK (told_at IS NULL OR (addressed_at IS NOT NULL AND untold_because IS NULL))
);
CREATE INDEX notice_new ON dispatch.notice (received_at) WHERE addressed_at IS NULL;
CREATE INDEX notice_untold ON dispatch.notice (received_at) WHERE told_at IS NULL;

-- A letter keeps its notices over all its attempts, so its id can be its Message-ID.
CREATE TABLE dispatch.notice_letter (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    address text NOT NULL,
    composed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts integer NOT NULL DEFAULT 0,
    ended_at timestamptz,
    outcome text CHECK (outcome IN ('accepted', 'refused', 'gave_up')),
    reason text,
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
);
CREATE UNIQUE INDEX notice_letter_open ON dispatch.notice_letter (address) WHERE ended_at IS NULL;
CREATE INDEX notice_letter_ended ON dispatch.notice_letter (address, ended_at);

CREATE TABLE dispatch.notice_addressee (
    notice uuid NOT NULL,
    address text NOT NULL,
    letter uuid,
    PRIMARY KEY (notice, address)
);
CREATE INDEX notice_addressee_waiting ON dispatch.notice_addressee (address) WHERE letter IS NULL;
CREATE INDEX notice_addressee_letter ON dispatch.notice_addressee (letter) WHERE letter IS NOT NULL;

-- The history only grows, so its blocks lie in the order of time: a few kilobytes find the last minutes.
CREATE INDEX message_history_at ON dispatch.message_history USING brin (at) WITH (autosummarize = on);
"""


def upgrade() -> None:
    run(STATEMENTS)
