"""A morning for operators' pages: school `a`, one family, three announcements, one of them silenced for
want of consent, the others waiting in one late letter while e-mail is stopped."""

MORNING = """
INSERT INTO roster.class (school, class, grade) VALUES ('a', '7Б', '7');
INSERT INTO roster.pupil (school, pupil, class, family_name, given_name)
    VALUES ('a', 'p', '7Б', 'Зуев', 'Ян');
INSERT INTO roster.guardian (school, guardian, family_name, given_name, patronymic)
    VALUES ('a', 'g', 'Зуева', 'Инна', 'Павловна');
INSERT INTO roster.guardianship (school, pupil, guardian, relation) VALUES ('a', 'p', 'g', 'mother');
INSERT INTO dispatch.channel_pause (channel, reason, by)
    VALUES ('email', 'сервер не принимает пароль', 'test');
INSERT INTO dispatch.change
    (change, source, school, type, category, entity, revision, time, accepted_at, data, guardians)
SELECT uuidv7(), '/schools/a/journals/j', 'a', 'journal.announcement.posted', 'announcement', n::text, 1,
       now(), ('2026-11-2' || n || 'T09:00Z')::timestamptz, '{"title": "Сбор"}', 1
FROM generate_series(1, 3) AS n;
WITH made AS (
    INSERT INTO dispatch.message (school, guardian, channel, kind, due_at, deadline)
    VALUES ('a', 'g', 'email', 'daily', now(), now() - interval '1 hour') RETURNING id
)
INSERT INTO dispatch.decision (change, school, guardian, pupils, category, verdict, channel, mode, due_at,
                               deadline, sheets, message)
SELECT change, 'a', 'g', '{p}', 'announcement', 'tell', 'email', 'daily', now(),
       now() - interval '1 hour', '{С-1}', made.id
FROM dispatch.change, made WHERE entity <> '3';
INSERT INTO dispatch.decision (change, school, guardian, pupils, category, verdict, reason, missing)
SELECT change, 'a', 'g', '{p}', 'announcement', 'suppress', 'no_consent', '{6.9}'
FROM dispatch.change WHERE entity = '3';
INSERT INTO dispatch.dead_letter (bus_group, topic, key, value, position, reason)
    VALUES ('dispatcher', 'journal.changes', 'a/7Б', '{}', 'ingest:1.1', 'unknown pupil');
"""
