"""Families before their own pages: a mother and a father with two children in school `a`, the mother's
other family in school `b`, and what the mother was told. `CANARY` stands in everything of the father's
alone, and in what was said of marks."""

import asyncpg

from shared.web.sessions import Cookies, digest, new_token

MAMA, PHONE, PAPA = "mama@example.org", "+79001234567", "papa.kanareykin@example.org"
CANARY = "анарейк"

FAMILIES = """
INSERT INTO roster.class (school, class, grade) VALUES ('a', '7Б', '7'), ('a', '2А', '2'), ('b', '5В', '5');
INSERT INTO roster.pupil (school, pupil, class, family_name, given_name, birth_date) VALUES
    ('a', 'ivan', '7Б', 'Петров', 'Иван', '2013-05-01'),
    ('a', 'masha', '2А', 'Петрова', 'Мария', '2018-03-02'),
    ('b', 'lev', '5В', 'Петров', 'Лев', '2015-07-07');
INSERT INTO roster.guardian (school, guardian, family_name, given_name, patronymic) VALUES
    ('a', 'mama', 'Петрова', 'Анна', 'Ивановна'), ('a', 'papa', 'Канарейкин', 'Олег', 'Львович'),
    ('b', 'mama', 'Петрова', 'Анна', 'Ивановна');
INSERT INTO roster.guardianship (school, pupil, guardian, relation) VALUES
    ('a', 'ivan', 'mama', 'mother'), ('a', 'masha', 'mama', 'mother'), ('a', 'ivan', 'papa', 'father'),
    ('b', 'lev', 'mama', 'mother');
INSERT INTO consent.contact (school, guardian, channel, address, confirmed_at) VALUES
    ('a', 'mama', 'email', 'mama@example.org', '2026-09-01'),
    ('a', 'mama', 'sms', '+79001234567', '2026-09-01'),
    ('a', 'papa', 'email', 'papa.kanareykin@example.org', '2026-09-01'),
    ('b', 'mama', 'email', 'mama@example.org', '2026-09-01');
INSERT INTO consent.sheet (school, pupil, guardian, number, signed_on, items)
SELECT t.school, t.pupil, t.guardian,
       CASE t.guardian WHEN 'papa' THEN 'Канарейка-1' ELSE '7-' || t.pupil END, '2026-09-01',
       '{1.3,4.3,6.1,6.2,6.3,6.4,6.5,6.6,6.8,6.9,6.10,6.12}'
FROM roster.guardianship t;
"""

# Ivan's mark by e-mail, corrected; an announcement for both children on its way; homework silenced.
TOLD = """
INSERT INTO dispatch.change
    (change, source, school, type, category, entity, revision, time, accepted_at, pupil, class, data,
     guardians)
VALUES
    ('01990000-0000-7000-8000-000000000001', '/schools/a/journals/j', 'a', 'journal.mark.set', 'mark', 'm/1',
     1, '2026-11-20T09:00Z', '2026-11-20T09:00Z', 'ivan', NULL, '{"entity": "m/1",
     "course": {"name": "Алгебра"},
     "lesson": {"date": "2026-11-20", "number": "2", "topic": "Канарейкины дроби"},
     "work": {"kind": "контрольная работа"}, "mark": {"value": "4"}}', 2),
    ('01990000-0000-7000-8000-000000000002', '/schools/a/journals/j', 'a', 'journal.mark.set', 'mark', 'm/1',
     2, '2026-11-21T09:00Z', '2026-11-21T09:00Z', 'ivan', NULL, '{"entity": "m/1",
     "course": {"name": "Алгебра"},
     "lesson": {"date": "2026-11-20", "number": "2", "topic": "Канарейкины дроби"},
     "work": {"kind": "контрольная работа"}, "mark": {"value": "5"}}', 2),
    ('01990000-0000-7000-8000-000000000003', '/schools/a/journals/j', 'a', 'journal.announcement.posted',
     'announcement', 'n/1', 1, '2026-11-21T10:00Z', '2026-11-21T10:00Z', NULL, NULL,
     '{"entity": "n/1", "author": "Завуч", "title": "Сбор в актовом зале", "text": "В пятницу в 14:00."}', 2),
    ('01990000-0000-7000-8000-000000000004', '/schools/a/journals/j', 'a', 'journal.homework.set', 'homework',
     'h/1', 1, '2026-11-21T11:00Z', '2026-11-21T11:00Z', NULL, '2А',
     '{"entity": "h/1", "class": "2А", "course": {"name": "Математика"}, "due_on": "2026-11-24",
     "text": "Выучить таблицу умножения"}', 1);
WITH made AS (
    INSERT INTO dispatch.message (school, guardian, channel, kind, due_at, status, told_at)
    SELECT 'a', g, 'email', 'daily', '2026-11-20T15:30Z', 'delivered', '2026-11-20T15:31Z'
    FROM unnest(ARRAY['mama', 'papa']) AS g RETURNING id, guardian
)
INSERT INTO dispatch.decision (change, school, guardian, pupils, category, verdict, channel, mode, due_at,
                               sheets, message, corrects, chosen)
SELECT ('01990000-0000-7000-8000-00000000000' || n)::uuid, 'a', guardian, '{ivan}', 'mark', 'tell', 'email',
       'daily', '2026-11-20T15:30Z',
       ARRAY[CASE guardian WHEN 'papa' THEN 'Канарейка-1' ELSE '7-ivan' END], made.id,
       CASE n WHEN 2 THEN '01990000-0000-7000-8000-000000000001'::uuid END, false
FROM made, generate_series(1, 2) AS n;
INSERT INTO dispatch.decision (change, school, guardian, pupils, category, verdict, reason, sheets)
VALUES ('01990000-0000-7000-8000-000000000003', 'a', 'mama', '{ivan,masha}', 'announcement', 'paper',
        'preference', '{7-ivan,7-masha}');
INSERT INTO dispatch.decision (change, school, guardian, pupils, category, verdict, reason, missing, sheets)
VALUES ('01990000-0000-7000-8000-000000000004', 'a', 'mama', '{masha}', 'homework', 'suppress', 'no_consent',
        '{6.9}', '{7-masha}');
"""


async def family_session(
    connection: asyncpg.Connection, cookies: Cookies, school: str, guardian: str
) -> dict[str, str]:
    """Headers of a guardian who came in just now: cookie and CSRF token."""
    token = new_token()
    await connection.execute(
        """INSERT INTO people.family_session (hash, school, guardian, expires_at)
           VALUES ($1, $2, $3, now() + interval '1 hour')""",
        *(digest(token), school, guardian),
    )
    return {"Cookie": f"{cookies.family}={cookies.seal(token)}", "X-CSRF-Token": cookies.csrf(token)}
