"""What gateways say later, and who cannot be reached any more."""

from shared.migrations import run

revision = "dispatch_0007"
down_revision = "dispatch_0006"

STATEMENTS = """
ALTER TABLE dispatch.sms_attempt
    ADD COLUMN poll_at timestamptz,
    ADD COLUMN said smallint,
    ADD COLUMN said_at timestamptz,
    ADD CHECK ((said IS NULL) = (said_at IS NULL));
CREATE INDEX sms_attempt_poll ON dispatch.sms_attempt (poll_at) WHERE poll_at IS NOT NULL;
CREATE INDEX sms_attempt_ended ON dispatch.sms_attempt (number, said_at) WHERE said IN (1, 2, 6);

-- Guardians whom no channel reaches though their papers open one; since: school time.
CREATE TABLE dispatch.unreachable (
    school text NOT NULL,
    pupil text NOT NULL,
    guardian text NOT NULL,
    class text NOT NULL,
    why text[] NOT NULL,
    instead text NOT NULL CHECK (instead IN ('paper', 'nothing')),
    since timestamptz NOT NULL,
    PRIMARY KEY (school, pupil, guardian)
);

UPDATE dispatch.sms_attempt a SET poll_at = clock_timestamp()
FROM dispatch.message m
WHERE a.provider_id = m.provider_id AND m.status = 'accepted' AND m.channel = 'sms';
"""


def upgrade() -> None:
    run(STATEMENTS)
