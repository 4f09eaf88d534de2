"""A letter's notices with what its reader may know: the school's name and time, and a pupil's name for
the pupil's own class teacher alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from dispatcher.notices import store
from dispatcher.notices.notice import Kind, Notice
from dispatcher.notices.store import Letter
from dispatcher.notices.whom import Staff, teaches
from shared.db import AnyConnection
from shared.settings import zone

_NO_SCHOOL = "Europe/Moscow"


@dataclass(frozen=True, slots=True)
class Seen:
    """`at` is the school's local time; `pupil` is a name, None where the reader may not know it."""

    notice: Notice
    at: datetime
    timezone: tzinfo
    school: str | None = None
    pupil: str | None = None


async def see(connection: AnyConnection, letter: Letter) -> list[Seen]:
    """As the lists are now: whoever no longer teaches the class does not learn who is in it."""
    notices = await store.carried(connection, letter.id)
    staff = await store.read_staff(connection)
    of_reader = [one.school for one in staff.accounts if one.address == letter.address]
    schools = {
        row["school"]: row
        for row in await connection.fetch(
            "SELECT school, name, timezone FROM roster.school WHERE school = ANY($1::text[])",
            [*of_reader, *(one.school for one in notices if one.school)],
        )
    }
    names = await _names(connection, [one for one in notices if _may_name(one, letter.address, staff)])
    seen = []
    for one in notices:
        home = schools.get(one.school or next(iter(of_reader), ""))
        timezone = zone(home["timezone"] if home else _NO_SCHOOL)
        school = schools.get(one.school)
        seen.append(
            Seen(
                one,
                one.at.astimezone(timezone),
                timezone,
                school["name"] if school else one.school,
                names.get((one.school, one.class_name, one.details.get("pupil"))),
            )
        )
    return seen


def _may_name(notice: Notice, address: str, staff: Staff) -> bool:
    return (
        notice.kind in {Kind.MOVED_TO_PAPER, Kind.FAMILY_UNREACHABLE, Kind.PUPIL_TURNS_18}
        and notice.school is not None
        and notice.class_name is not None
        and teaches(address, notice.school, notice.class_name, staff)
    )


async def _names(
    connection: AnyConnection, notices: Sequence[Notice]
) -> dict[tuple[str | None, str | None, object], str]:
    """By school, class and pupil; a pupil who has left the class is not among them."""
    rows = await connection.fetch(
        """SELECT p.school, p.class, p.pupil, p.family_name || ' ' || p.given_name AS name
           FROM roster.pupil p JOIN unnest($1::text[], $2::text[], $3::text[])
               AS wanted (school, class, pupil) USING (school, class, pupil)""",
        [one.school for one in notices],
        [one.class_name for one in notices],
        [one.details["pupil"] for one in notices],
    )
    return {(row["school"], row["class"], row["pupil"]): row["name"] for row in rows}
