"""What the school's lists may not bring back of people whose data were destroyed (R-B8).

The lists are the school's and go on naming them; a row about them is left out until a newer paper covers
them. `shared.lists.Screen`.
"""

from typing import Any

from shared.db import AnyConnection
from shared.erasure import erased_guardians

Chunk = list[tuple[int, dict[str, Any]]]

_OLD = """
SELECT given.line FROM json_to_recordset($1) AS given (
    line int, school text, pupil text, guardian text, number text, signed_on date)
WHERE EXISTS (
    SELECT FROM consent.erasure e WHERE e.school = given.school
      AND given.signed_on <= greatest(e.received_on, (e.ordered_at AT TIME ZONE 'UTC')::date)
      AND (given.pupil = ANY(e.pupils) OR given.guardian = ANY(e.guardians)
           OR (given.pupil, given.guardian) IN (SELECT * FROM unnest(e.tie_pupils, e.tie_guardians)))
      AND NOT EXISTS (SELECT FROM consent.sheet s WHERE s.school = given.school AND s.number = given.number
                        AND (s.pupil, s.guardian) = (given.pupil, given.guardian)
                        AND s.registered_at > e.ordered_at)
      AND NOT EXISTS (SELECT FROM consent.application s WHERE s.school = given.school
                        AND s.number = given.number
                        AND (s.pupil, s.guardian) = (given.pupil, given.guardian)
                        AND s.registered_at > e.ordered_at))
"""


async def old_papers(connection: AnyConnection, chunk: Chunk) -> set[int]:
    """Papers signed before the destruction: a new consent is a paper of a later day, or one that the desk
    has registered since."""
    names = ("school", "pupil", "guardian", "number", "signed_on")
    rows = await connection.fetch(
        _OLD, [{"line": line, **{name: row[name] for name in names}} for line, row in chunk]
    )
    return {row["line"] for row in rows}


async def erased_guardians_rows(connection: AnyConnection, chunk: Chunk) -> set[int]:
    """Addresses and wishes of guardians whom no paper covers since."""
    found = set()
    for school in {row["school"] for _, row in chunk}:
        people = [row["guardian"] for _, row in chunk if row["school"] == school]
        gone = await erased_guardians(connection, school, people)
        found |= {line for line, row in chunk if row["school"] == school and row["guardian"] in gone}
    return found
