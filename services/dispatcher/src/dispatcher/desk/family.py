"""Everything the desk knows of a pupil's family, read for one page (R-C3, R-D2)."""

from dataclasses import dataclass
from datetime import date

from dispatcher.desk.entries import Tie
from dispatcher.desk.room import Entered
from shared.audit import note
from shared.families import Guardianship, Pupil, SchoolClass
from shared.registry import Families
from shared.topics import Service
from shared.web.errors import Problem
from shared.web.language import mark

NOBODY = mark("Такого ученика в списках школы нет. Проверьте адрес или найдите семью заново.")
NO_GUARDIAN = mark("Такого представителя у этого ученика в списках нет. Откройте страницу семьи заново.")


@dataclass(frozen=True, slots=True)
class Family:
    """A pupil with guardians and papers in force."""

    pupil: Pupil
    school_class: SchoolClass | None

    def tie(self, guardian: str) -> Guardianship:
        """Raises Problem 404."""
        for one in self.pupil.guardianships:
            if one.guardian.guardian == guardian:
                return one
        raise Problem(404, NO_GUARDIAN)

    def key(self, guardian: str) -> Tie:
        """Raises Problem 404."""
        self.tie(guardian)
        return Tie(self.pupil.school, self.pupil.pupil, guardian)

    def adult(self, today: date) -> bool:
        return self.pupil.adult(today)


async def read_family(at: Entered, pupil: str) -> Family:
    """Raises Problem 404. Looking is noted in the audit (R-D2)."""
    families = Families()
    await families.load(at.connection, pupils=[(at.place.school, pupil)])
    found = families.pupil(at.place.school, pupil)
    if found is None:
        raise Problem(404, NOBODY)
    await note(
        at.connection,
        Service.DISPATCHER,
        at.staff,
        "family.looked_at",
        school=at.place.school,
        about=pupil,
    )
    return Family(found, families.classes(at.place.school).get(found.class_name))
