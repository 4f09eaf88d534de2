"""Finding a family as people say it: any order of names, ё or е, a class, a part of a phone or address,
the number of a paper (R-D1: within one school)."""

import re
from dataclasses import dataclass

from shared.db import AnyConnection

LIMIT = 50
_WORDS = 6
_KEEP = re.compile(r"[^\w@.+/-]+")


@dataclass(frozen=True, slots=True)
class FoundGuardian:
    guardian: str
    name: str
    relation: str


@dataclass(frozen=True, slots=True)
class Found:
    """A pupil with the guardians on file."""

    pupil: str
    name: str
    class_name: str
    guardians: tuple[FoundGuardian, ...]


def words_of(asked: str) -> tuple[str, ...]:
    """The words to look for, in one spelling; punctuation and superfluous words are dropped."""
    plain = asked.casefold().replace("ё", "е")
    words = (word.strip(".") for word in _KEEP.sub(" ", plain).split())
    return tuple(word for word in words if word)[:_WORDS]


# One text a pupil: names of the child and the guardians, class, phones, addresses, numbers of papers.
# Every word must begin one of its words; digits may also stand inside a number (the end of a phone).
_FIND = """
WITH told AS (
    SELECT p.pupil, p.class, concat_ws(' ', p.family_name, p.given_name, p.patronymic) AS name,
           ' ' || translate(lower(concat_ws(' ', p.family_name, p.given_name, p.patronymic, p.class, p.pupil,
               string_agg(DISTINCT concat_ws(' ', g.family_name, g.given_name, g.patronymic, guardian), ' '),
               string_agg(DISTINCT c.address, ' ') FILTER (WHERE c.channel <> 'push'),
               string_agg(DISTINCT s.number, ' '), string_agg(DISTINCT a.number, ' '))), 'ё', 'е') AS text
    FROM roster.pupil p
    LEFT JOIN roster.guardianship t USING (school, pupil)
    LEFT JOIN roster.guardian g USING (school, guardian)
    LEFT JOIN consent.contact c USING (school, guardian)
    LEFT JOIN consent.sheet s USING (school, pupil, guardian)
    LEFT JOIN consent.application a USING (school, pupil, guardian)
    WHERE p.school = $1
    GROUP BY p.school, p.pupil
)
SELECT pupil, class, name FROM told
WHERE (SELECT bool_and(text LIKE '% ' || word || '%'
                       OR (word ~ '^[0-9+]{3,}$' AND text LIKE '%' || word || '%'))
       FROM unnest($2::text[]) AS word)
ORDER BY translate(lower(name), 'ё', 'е'), pupil LIMIT $3
"""

_GUARDIANS = """
SELECT t.pupil, g.guardian, concat_ws(' ', g.family_name, g.given_name, g.patronymic) AS name, t.relation
FROM roster.guardianship t JOIN roster.guardian g USING (school, guardian)
WHERE t.school = $1 AND t.pupil = ANY($2::text[]) ORDER BY t.pupil, t.relation, g.guardian
"""


async def find(connection: AnyConnection, school: str, asked: str) -> list[Found]:
    """Up to `LIMIT` pupils of the school in alphabetical order; none for an empty question."""
    words = words_of(asked)
    if not words:
        return []
    rows = await connection.fetch(_FIND, school, [_escaped(word) for word in words], LIMIT)
    guardians: dict[str, list[FoundGuardian]] = {row["pupil"]: [] for row in rows}
    for row in await connection.fetch(_GUARDIANS, school, list(guardians)):
        guardians[row["pupil"]].append(FoundGuardian(row["guardian"], row["name"], row["relation"]))
    return [Found(row["pupil"], row["name"], row["class"], tuple(guardians[row["pupil"]])) for row in rows]


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
