"""What a staged OneRoster export says, as parts of DESIGN §4. The decisions: docs/adr/0029-oneroster.md.

In short: a pupil's class is a homeroom, a guardian is an agent with the role of parent or guardian, and
what Vestnik knows already stays where the export cannot tell.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.cells import Unfit
from shared.sheet import Row

_CURRENT = "({0}.endDate IS NULL OR {0}.endDate >= :today)"

PREPARE = (
    "CREATE INDEX roles_user ON roles (userSourcedId)",
    "CREATE INDEX enrollments_user ON enrollments (userSourcedId)",
    "CREATE INDEX enrollments_class ON enrollments (classSourcedId)",
    # Of a class whose terms are all over, nothing is taken: it is last year's.
    f"""CREATE TABLE homeroom AS
        SELECT c.id, c.line, c.schoolSourcedId AS school, c.title,
               coalesce((SELECT value FROM classes_grades g WHERE g.id = c.id ORDER BY place LIMIT 1),
                        (SELECT value FROM courses_grades g WHERE g.id = c.courseSourcedId
                         ORDER BY place LIMIT 1)) AS grade
        FROM classes c
        WHERE lower(c.classType) = 'homeroom' AND c.schoolSourcedId NOT IN (SELECT id FROM stranger)
          AND (NOT EXISTS (SELECT 1 FROM classes_termSourcedIds t WHERE t.id = c.id)
               OR EXISTS (SELECT 1 FROM classes_termSourcedIds t
                          LEFT JOIN academicSessions s ON s.id = t.value
                          WHERE t.id = c.id AND {_CURRENT.format("s")}))""",
    "CREATE INDEX homeroom_id ON homeroom (id)",
    f"""CREATE TABLE student AS
        SELECT u.id, u.line, r.orgSourcedId AS school
        FROM users u JOIN roles r ON r.userSourcedId = u.id AND lower(r.role) = 'student'
        WHERE {_CURRENT.format("r")} AND r.orgSourcedId NOT IN (SELECT id FROM stranger)
        UNION
        SELECT u.id, u.line, k.school FROM users u JOIN known_pupil k ON k.pupil = u.id
        WHERE :delta_roles AND NOT EXISTS (SELECT 1 FROM roles r WHERE r.userSourcedId = u.id)""",
    # Who is whose guardian is said in the pupil's row; who may be one, in the guardian's own roles.
    f"""CREATE TABLE tie AS
        SELECT s.school, s.id AS pupil, s.line, a.place, a.value AS guardian,
               (SELECT lower(r.role) FROM roles r
                WHERE r.userSourcedId = a.value AND lower(r.role) IN ('parent', 'guardian')
                  AND {_CURRENT.format("r")}
                ORDER BY lower(r.role) DESC LIMIT 1) AS role
        FROM student s JOIN users_agentSourcedIds a ON a.id = s.id""",
    "CREATE INDEX tie_guardian ON tie (guardian)",
    """CREATE TABLE guardian AS
       SELECT u.id, u.line, t.school FROM tie t JOIN users u ON u.id = t.guardian WHERE t.role IS NOT NULL
       UNION
       SELECT u.id, u.line, k.school FROM users u JOIN known_guardian k ON k.guardian = u.id
       WHERE :delta_roles""",
)
"""Over the staged files and `stranger`, `known_pupil`, `known_guardian`, `known_tie` (see `source`)."""

STRAYS = f"""SELECT e.line, e.userSourcedId FROM enrollments e JOIN homeroom h ON h.id = e.classSourcedId
             WHERE lower(e.role) = 'student' AND {_CURRENT.format("e")}
               AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = e.userSourcedId)
               AND NOT EXISTS (SELECT 1 FROM gone g WHERE g.id = e.userSourcedId)
             ORDER BY e.line"""
"""Places in a class of people who are not in `users`."""


@dataclass(frozen=True, slots=True)
class Part:
    """`file`: the OneRoster file whose lines are told; `title`: what is taken from it; `select`: its rows, a
    line and what `row` makes our columns `header` of; `words`: what the file calls our columns and files."""

    file: str
    title: str
    header: tuple[str, ...]
    select: str
    words: dict[str, str]
    row: Callable[..., Row]


_WORDS = {
    "pupils.csv": "users.csv",
    "guardians.csv": "users.csv",
    "family_name": "familyName",
    "given_name": "givenName",
    "patronymic": "middleName",
    "birth_date": "birthDate",
    "столбец grade": "столбец grades",
}


def _plain(*cells: Any) -> Row:
    return [cell or "" for cell in cells]


def _person(gone: int | None, *cells: Any) -> Row:
    if gone:
        return Unfit(
            "помечен к удалению (tobedeleted), а в Вестнике записан; по списку никого не удаляют: "
            "проверьте и оформите выбытие или снятие представителя у секретаря"
        )
    return _plain(*cells)


def _pupil(gone: int | None, *cells: Any) -> Row:
    if not gone and not cells[2]:
        return Unfit(
            "у ученика нет класса: в enrollments.csv нет его действующей записи в класс, у которого в "
            "classes.csv classType homeroom"
        )
    return _person(gone, *cells)


def _tie(known: str | None, role: str | None, patronymic: str | None, *ids: str) -> Row:
    *_, guardian = ids
    if known is None and role is None:
        return Unfit(
            f"{guardian} назван в agentSourcedIds, но в roles.csv у него нет действующей роли parent или "
            "guardian: законный ли он представитель, неизвестно"
        )
    relation = known or ("guardian" if role == "guardian" else parent_of(patronymic or ""))
    if relation is None:
        return Unfit(
            f"мать или отец {guardian}, по отчеству не понять; загрузите строку об этом в guardianships.csv "
            "отдельной папкой, и дальше она останется в силе"
        )
    return [*ids, relation]


def parent_of(patronymic: str) -> str | None:
    """Mother or father, as a Russian or Turkic patronymic tells; None when it does not."""
    last = patronymic.lower().replace("-", " ").split()[-1:]
    match last:
        case [word] if word.endswith(("овна", "евна", "ёвна", "ична")) or word in _DAUGHTER:
            return "mother"
        case [word] if word.endswith("ич") or word in _SON:
            return "father"
    return None


_DAUGHTER = {"кызы", "кизи", "гызы", "ҡыҙы"}
_SON = {"оглы", "оглу", "углы", "угли", "улы", "уулу"}

PARTS = {
    "classes.csv": Part(
        "classes",
        "классы",
        ("school", "class", "grade", "teachers"),
        f"""SELECT h.line, h.school, h.title, h.grade,
                   (SELECT group_concat(username, ';') FROM (
                        SELECT u.username FROM enrollments e JOIN users u ON u.id = e.userSourcedId
                        WHERE NOT :delta_enrollments  -- some of the teachers would replace all
                          AND e.classSourcedId = h.id AND lower(e.role) = 'teacher' AND {_CURRENT.format("e")}
                          AND u.username NOT GLOB '*[ ,;]*'
                        ORDER BY lower(coalesce(e."primary", '')) = 'true' DESC, u.username))
            FROM homeroom h ORDER BY h.line""",
        _WORDS,
        _plain,
    ),
    "pupils.csv": Part(
        "users",
        "ученики",
        ("school", "pupil", "class", "family_name", "given_name", "patronymic", "birth_date"),
        f"""SELECT s.line, NULL, s.school, s.id,
                   coalesce((SELECT h.title FROM enrollments e JOIN homeroom h ON h.id = e.classSourcedId
                             WHERE e.userSourcedId = s.id AND h.school = s.school
                               AND lower(e.role) = 'student'
                               AND {_CURRENT.format("e")}
                             ORDER BY coalesce(e.beginDate, '') <= :today DESC,
                                      lower(coalesce(e."primary", '')) = 'true' DESC,
                                      e.beginDate DESC, h.title
                             LIMIT 1),
                            (SELECT k.class FROM known_pupil k
                             WHERE :delta_enrollments AND k.pupil = s.id AND k.school = s.school)),
                   u.familyName, u.givenName, u.middleName, d.birthDate
            FROM student s JOIN users u ON u.id = s.id LEFT JOIN demographics d ON d.id = s.id
            UNION ALL
            SELECT g.line, 1, k.school, k.pupil, NULL, NULL, NULL, NULL, NULL
            FROM gone g JOIN known_pupil k ON k.pupil = g.id
            ORDER BY 1""",
        _WORDS,
        _pupil,
    ),
    "guardians.csv": Part(
        "users",
        "представители",
        ("school", "guardian", "family_name", "given_name", "patronymic"),
        """SELECT g.line, NULL, g.school, g.id, u.familyName, u.givenName, u.middleName
           FROM guardian g JOIN users u ON u.id = g.id
           UNION ALL
           SELECT g.line, 1, k.school, k.guardian, NULL, NULL, NULL
           FROM gone g JOIN known_guardian k ON k.guardian = g.id
           ORDER BY 1""",
        _WORDS,
        _person,
    ),
    "guardianships.csv": Part(
        "users",
        "кто чей",
        ("school", "pupil", "guardian", "relation"),
        """SELECT t.line, k.relation, t.role, u.middleName, t.school, t.pupil, t.guardian
           FROM tie t LEFT JOIN users u ON u.id = t.guardian
           LEFT JOIN known_tie k USING (school, pupil, guardian)
           ORDER BY t.line, t.place""",
        _WORDS,
        _tie,
    ),
    "contacts.csv": Part(
        "users",
        "адреса",
        ("school", "guardian", "channel", "address"),
        """SELECT g.line, g.school, g.id, 'email', u.email FROM guardian g JOIN users u ON u.id = g.id
           WHERE u.email IS NOT NULL
           UNION ALL
           SELECT g.line, g.school, g.id, 'sms', u.sms FROM guardian g JOIN users u ON u.id = g.id
           WHERE u.sms IS NOT NULL
           ORDER BY 1, 4""",
        _WORDS,
        _plain,
    ),
}
"""By the file of DESIGN §4."""
