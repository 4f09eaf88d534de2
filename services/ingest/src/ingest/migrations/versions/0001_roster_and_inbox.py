"""The roster, what journals sent, and the outbox of changes."""

from shared.migrations import run

revision = "ingest_0001"
down_revision = None

STATEMENTS = """
CREATE TABLE roster.epoch (school text PRIMARY KEY, value bigint NOT NULL);
CREATE TABLE roster.school (
    school text PRIMARY KEY,
    name text NOT NULL,
    timezone text NOT NULL
);
CREATE TABLE roster.calendar (
    school text NOT NULL REFERENCES roster.school,
    from_on date NOT NULL,
    to_on date NOT NULL CHECK (to_on >= from_on),
    kind text NOT NULL CHECK (kind IN ('term', 'holiday', 'day_off', 'working_day')),
    name text NOT NULL DEFAULT '',
    PRIMARY KEY (school, from_on, to_on, kind)
);
CREATE TABLE roster.class (
    school text NOT NULL REFERENCES roster.school,
    class text NOT NULL,
    grade text NOT NULL,
    teachers text[] NOT NULL DEFAULT '{}',
    days smallint NOT NULL DEFAULT 5 CHECK (days IN (5, 6)),
    shift smallint NOT NULL DEFAULT 1 CHECK (shift IN (1, 2)),
    unmarked boolean NOT NULL DEFAULT false,
    PRIMARY KEY (school, class)
);
CREATE TABLE roster.pupil (
    school text NOT NULL REFERENCES roster.school,
    pupil text NOT NULL,
    class text NOT NULL,
    family_name text NOT NULL,
    given_name text NOT NULL,
    patronymic text NOT NULL DEFAULT '',
    birth_date date,
    enrolled_on date,
    left_on date,
    left_reason text NOT NULL DEFAULT '',
    PRIMARY KEY (school, pupil),
    FOREIGN KEY (school, class) REFERENCES roster.class
);
CREATE INDEX pupil_class ON roster.pupil (school, class);
CREATE TABLE roster.guardian (
    school text NOT NULL REFERENCES roster.school,
    guardian text NOT NULL,
    family_name text NOT NULL,
    given_name text NOT NULL,
    patronymic text NOT NULL DEFAULT '',
    language text NOT NULL DEFAULT 'ru',
    PRIMARY KEY (school, guardian)
);
CREATE TABLE roster.guardianship (
    school text NOT NULL,
    pupil text NOT NULL,
    guardian text NOT NULL,
    relation text NOT NULL CHECK (
        relation IN ('mother', 'father', 'adoptive', 'guardian', 'trustee', 'institution', 'self')
    ),
    restricted_from date,
    restricted_until date,
    PRIMARY KEY (school, pupil, guardian),
    FOREIGN KEY (school, pupil) REFERENCES roster.pupil,
    FOREIGN KEY (school, guardian) REFERENCES roster.guardian
);
CREATE INDEX guardianship_guardian ON roster.guardianship (school, guardian);

CREATE TABLE ingest.token (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    school text NOT NULL,
    journal text NOT NULL,
    hash bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz,
    revoked_at timestamptz
);
CREATE TABLE ingest.inbox (
    source text NOT NULL,
    id text NOT NULL,
    change uuid NOT NULL UNIQUE DEFAULT uuidv7(),
    stale boolean NOT NULL,
    event jsonb NOT NULL,
    hash bytea NOT NULL,
    accepted_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, id)
);
CREATE TABLE ingest.entity (
    source text NOT NULL,
    entity text NOT NULL,
    revision bigint NOT NULL,
    time timestamptz NOT NULL,
    concerns text,
    removed boolean NOT NULL,
    PRIMARY KEY (source, entity)
);
CREATE TABLE ingest.refused (
    source text NOT NULL,
    id text NOT NULL,
    event jsonb NOT NULL,
    reason text NOT NULL,
    whole boolean NOT NULL,
    times integer NOT NULL,
    arrival bigint GENERATED ALWAYS AS IDENTITY,
    first_at timestamptz NOT NULL DEFAULT now(),
    last_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, id)
);
CREATE TABLE ingest.outbox (
    topic text NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    id bigint GENERATED ALWAYS AS IDENTITY,
    key text NOT NULL,
    value bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, xid, id)
);
CREATE TABLE ingest.bus_cursor (
    bus_group text NOT NULL,
    topic text NOT NULL,
    writer text NOT NULL,
    xid xid8 NOT NULL,
    id bigint NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bus_group, topic, writer)
);
CREATE TABLE ingest.dead_letter (
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
CREATE TABLE ingest.audit (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    action text NOT NULL,
    school text,
    about text,
    details jsonb NOT NULL DEFAULT '{}'
);
REVOKE UPDATE, DELETE ON ingest.audit FROM vestnik_ingest;
GRANT SELECT ON ingest.outbox, ingest.bus_cursor
    TO vestnik_ingest, vestnik_dispatcher, vestnik_print_queue;
"""


def upgrade() -> None:
    run(STATEMENTS)
